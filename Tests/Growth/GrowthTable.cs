using System.Globalization;

namespace ElfLoader.Tests.Growth;

/// <summary>Steps that one path takes for 1, 2, 4 and 8 times so much.</summary>
internal static class GrowthTable
{
    /// <summary>Twice as much may take this many times the steps: linear, and a logarithm.</summary>
    private const double Most = 2.2;

    /// <summary>Counts, prints the line of the table, and checks that no step of it grows faster than is allowed.</summary>
    /// <param name="path">What is counted.</param>
    /// <param name="first">The smallest size.</param>
    /// <param name="count">Does it all for a size, and tells how many steps it took.</param>
    public static void Check(string path, int first, Func<int, long> count)
    {
        _ = count(Math.Max(first / 10, 1)); // what a process has once is made
        long[] steps = [.. Enumerable.Range(0, 4).Select(i => count(first << i))];
        TestContext.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"| {path} | {string.Join(" | ", steps.Select((some, i) => $"{first << i:N0}: {some:N0}"))} |"));
        for (int i = 1; i < steps.Length; i++)
        {
            Assert.That(steps[i], Is.LessThanOrEqualTo(Most * steps[i - 1]), $"{path}: {first << i}");
        }

        Assert.That(steps[0], Is.GreaterThanOrEqualTo(first / 2), "steps are counted");
    }
}
