using ElfLoader.Benchmarks.Inputs;
using ElfLoader.Benchmarks.Jobs;
using ElfLoader.Benchmarks.Measuring;

namespace ElfLoader.Benchmarks.Workloads;

/// <summary>Objects loaded together in a warm process, by all contestants.</summary>
internal static class Batches
{
    /// <summary>LLVM 14 as a whole.</summary>
    public static Workload Llvm { get; } = Of("llvm", "all archives of LLVM 14", Job.Load, LlvmArchives.Objects);

    /// <summary>One object with 60,000 sections.</summary>
    public static Workload Sections { get; } = Of("sections", "60,000 sections", Job.Load, GeneratedObjects.ManySections);

    /// <summary>One object of 2 kB, to be called at once.</summary>
    public static Workload Small { get; } =
        Of("small", "one small object, from bytes to callable", Job.Small, GeneratedObjects.Small);

    private static Workload Of(string name, string title, string kind, Func<ObjectSet> inputs)
    {
        return new Workload(name, Compare, threads => new Job(kind, inputs().List, threads));

        void Compare(Comparison comparison)
        {
            ObjectSet objects = inputs();
            IReadOnlyList<Result> results = comparison.Contest.Run(
            [
                .. comparison.Ours(threads => new Job(kind, objects.List, threads)),
                comparison.RuntimeDyld(objects.List),
                comparison.JitLink(objects.List),
                comparison.Floor(objects.List),
            ]);
            ResultTable.Print($"{name}: {title}, warm: {objects.Describe()}", results, results[0]);
        }
    }
}
