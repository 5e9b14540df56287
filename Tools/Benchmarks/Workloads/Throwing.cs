using ElfLoader.Benchmarks.Inputs;
using ElfLoader.Benchmarks.Jobs;
using ElfLoader.Benchmarks.Measuring;

namespace ElfLoader.Benchmarks.Workloads;

/// <summary>The first exception after many objects have been loaded, when the unwinder looks at what they registered.</summary>
internal static class Throwing
{
    private const int MostProcesses = 7;

    /// <summary>In processes where nothing has been thrown before.</summary>
    public static Workload First { get; } = new("throw", Compare);

    private static void Compare(Comparison comparison)
    {
        int processes = Math.Min(comparison.Runs, MostProcesses);
        int[] sizes = [10, 10_000];
        List<double>[] times = [[], []];
        for (int round = 0; round < processes; round++)
        {
            for (int i = 0; i < sizes.Length; i++)
            {
                var job = new Job(Job.Throw, GeneratedObjects.OneFunctionEach(sizes[i]).List) { IsCold = true };
                using Contestant contestant = Comparison.Ours("", job).Start();
                contestant.WaitUntilReady(comparison.Contest.Patience);
                times[i].AddRange(contestant.Run(1, comparison.Contest.Patience));
            }
        }

        Result[] results =
            [.. sizes.Select((size, i) => new Result($"after {size:n0} objects", new Samples(times[i]), null, null))];
        ResultTable.Print("throw: first exception of a process, objects loaded one by one", results, results[0]);
    }
}
