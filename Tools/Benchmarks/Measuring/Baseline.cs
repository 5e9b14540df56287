using System.Globalization;

namespace ElfLoader.Benchmarks.Measuring;

/// <summary>An older build of this loader, measured beside the present one: old, new, old again.</summary>
/// <param name="Folder">What <c>Tools/Benchmarks/publish.sh</c> wrote.</param>
internal sealed record Baseline(string Folder)
{
    /// <summary>Part by which a new build may be slower even where both runs of the old one agree.</summary>
    private const double Tolerance = 0.03;

    /// <summary>The old build's benchmark program.</summary>
    public string Worker => Existing("ElfLoader.Benchmarks");

    /// <summary>The old build's command-line tool.</summary>
    public string Elfload => Existing("elfload");

    /// <summary>Three contestants: the old build, the present one and the old one once more, which tells how steady the machine is.</summary>
    /// <param name="start">Starts a build, given its name for tables and true for the old one.</param>
    public static IReadOnlyList<(string Name, Func<Contestant> Start)> Contestants(Func<string, bool, Contestant> start) =>
    [
        ("old", () => start("old", true)),
        ("new", () => start("new", false)),
        ("old again", () => start("old again", true)),
    ];

    /// <summary>Judges the new build by the medians.</summary>
    /// <param name="results">Of the contestants, in their order.</param>
    /// <param name="verdict">The ratio, and what was allowed.</param>
    /// <returns>False if the new build is slower, or allocates more, than allowed.</returns>
    public static bool Judge(IReadOnlyList<Result> results, out string verdict)
    {
        if (results is not [{ Times: { } old } first, { Times: { } present } second, { Times: { } again } third])
        {
            verdict = "one of the builds could not be measured";
            return false;
        }

        double ratio = present.Median / old.Median;
        double unsteadiness = Math.Abs((again.Median / old.Median) - 1);
        double allowed = 1 + Tolerance + unsteadiness;
        bool allocatesMore = second.Allocated > Math.Max(first.Allocated ?? 0, third.Allocated ?? 0);
        verdict = string.Create(
            CultureInfo.InvariantCulture,
            $"new/old {ratio:0.000}, allowed {allowed:0.000} (old again/old {again.Median / old.Median:0.000})")
            + (first.Allocated is null ? "" : allocatesMore ? "; allocates more" : "; allocates no more");
        return ratio <= allowed && !allocatesMore;
    }

    private string Existing(string name)
    {
        string path = Path.Combine(Folder, name);
        return File.Exists(path)
            ? path
            : throw new MeasurementException($"{path} is missing: Tools/Benchmarks/publish.sh COMMIT {Folder} makes it");
    }
}
