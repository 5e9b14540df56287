using System.Globalization;
using ElfLoader.Benchmarks.Inputs;
using ElfLoader.Benchmarks.Jobs;
using ElfLoader.Benchmarks.Measuring;

namespace ElfLoader.Benchmarks.Workloads;

/// <summary>How time grows with the number of something.</summary>
internal static class Growth
{
    /// <summary>Relocations of one object.</summary>
    public static Workload Relocations { get; } = Of(
        "relocations", "relocation", "Relocations of one object",
        [1_000, 10_000, 100_000, 1_000_000], GeneratedObjects.Relocations, Job.Load, isEach: false);

    /// <summary>Objects loaded one by one.</summary>
    public static Workload Objects { get; } = Of(
        "objects", "object", "Objects of one function, loaded one by one",
        [10, 100, 1_000, 10_000], GeneratedObjects.OneFunctionEach, Job.Each, isEach: true);

    /// <summary>Objects loaded together.</summary>
    public static Workload Batch { get; } = Of(
        "batch", "object", "Objects of one function, loaded together",
        [10, 100, 1_000, 10_000], GeneratedObjects.OneFunctionEach, Job.Load, isEach: false);

    private static Workload Of(
        string name, string unit, string title, int[] sizes, Func<int, ObjectSet> inputs, string kind, bool isEach)
    {
        return new Workload(name, Compare, threads => new Job(kind, inputs(sizes[^1]).List, threads));

        void Compare(Comparison comparison)
        {
            ObjectSet[] objects = [.. sizes.Select(inputs)];

            // All sizes take part in one contest: growth is a comparison, too.
            IReadOnlyList<Result> results = comparison.Contest.Run([.. objects.SelectMany(Entries)]);
            int contestants = results.Count / sizes.Length;
            for (int i = 0; i < sizes.Length; i++)
            {
                Result[] rows = [.. results.Skip(i * contestants).Take(contestants)];
                ResultTable.Print($"{name}: {sizes[i]:n0}, warm: {objects[i].Describe()}", rows, rows[0]);
            }

            Result[][] rowsOfEach =
                [.. Enumerable.Range(0, contestants).Select(i => results.Skip(i).Where((_, n) => n % contestants is 0).ToArray())];
            Print(rowsOfEach);
            comparison.DrawGrowth($"growth-{name}", $"{title}: time for each", sizes, rowsOfEach);

            IEnumerable<(string Name, Func<Contestant> Start)> Entries(ObjectSet set) =>
            [
                .. Comparison.OursByCollector(new Job(kind, set.List)),
                isEach ? comparison.RuntimeDyldEach(set.List) : comparison.RuntimeDyld(set.List),
                comparison.JitLink(set.List),
                comparison.Floor(set.List),
            ];
        }

        void Print(IReadOnlyList<Result[]> contestants)
        {
            Console.WriteLine();
            Console.WriteLine($"{name}: nanoseconds for each {unit}; in brackets, for each that the next smaller size does not have");
            foreach (Result[] results in contestants)
            {
                Console.Write($"  {results[0].Name,-30}");
                for (int i = 0; i < sizes.Length; i++)
                {
                    Console.Write($" {Cell(results, i),18}");
                }

                Console.WriteLine();
            }
        }

        string Cell(Result[] results, int i)
        {
            if (results[i].Times is not { } times)
            {
                return "-";
            }

            string each = (times.Median * 1e6 / sizes[i]).ToString("0", CultureInfo.InvariantCulture);
            return i > 0 && results[i - 1].Times is { } smaller
                ? FormattableString.Invariant(
                    $"{each} [{(times.Median - smaller.Median) * 1e6 / (sizes[i] - sizes[i - 1]):0}]")
                : each;
        }
    }
}
