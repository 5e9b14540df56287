using System.Runtime.CompilerServices;

namespace ElfLoader.Tests.Relocations;

/// <summary>Tables of <c>fixtures/relocations</c>: comma-separated, a header line, no quotes.</summary>
internal static class FixtureTable
{
    public static IEnumerable<IReadOnlyDictionary<string, string>> Read(string name)
    {
        string[] lines = File.ReadAllLines(Path.Combine(
            Path.GetDirectoryName(ThisFile())!, "..", "..", "fixtures", "relocations", name));
        string[] header = lines[0].Split(',');
        return lines.Skip(1).Select(
            line => header.Zip(line.Split(',')).ToDictionary(pair => pair.First, pair => pair.Second));
    }

    public static ulong Hex(string text) => Convert.ToUInt64(text, 16);

    private static string ThisFile([CallerFilePath] string path = "") => path;
}
