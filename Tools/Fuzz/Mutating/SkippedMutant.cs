using System.Globalization;

namespace ElfLoader.Fuzz.Mutating;

/// <summary>A mutant that has killed or stopped a worker, and is passed over when that goes on.</summary>
/// <param name="Number">Its number.</param>
/// <param name="Kind">How the worker ended.</param>
internal readonly record struct SkippedMutant(long Number, string Kind)
{
    /// <summary>Reads those of a worker's folder.</summary>
    internal static IReadOnlyList<SkippedMutant> Read(string folder) => File.Exists(FileOf(folder))
        ? [.. File.ReadAllLines(FileOf(folder)).Select(line => line.Split(' ')).Select(words => new SkippedMutant(
            long.Parse(words[0], CultureInfo.InvariantCulture), words[1]))]
        : [];

    /// <summary>Adds one.</summary>
    internal static void Add(string folder, SkippedMutant mutant) =>
        File.AppendAllLines(FileOf(folder), [string.Create(CultureInfo.InvariantCulture, $"{mutant.Number} {mutant.Kind}")]);

    private static string FileOf(string folder) => Path.Combine(folder, "skip.txt");
}
