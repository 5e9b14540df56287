using ElfLoader.Benchmarks.Jobs;

namespace ElfLoader.Benchmarks.Workloads;

/// <summary>Something to measure.</summary>
/// <param name="Name">Its name on command lines.</param>
/// <param name="Compare">Measures it and prints what came out.</param>
/// <param name="Job">What is profiled, and compared with an older build, for a number of threads.</param>
internal sealed record Workload(string Name, Action<Comparison> Compare, Func<int, Job>? Job = null)
{
    /// <summary>The command line of the <c>elfload</c> tool that is compared with an older build's; null for none.</summary>
    public Func<IReadOnlyList<string>>? Command { get; init; }

    /// <summary>Whether it can be compared with an older build.</summary>
    public bool CanHaveBaseline => Job is not null || Command is not null;

    /// <summary>All that there are.</summary>
    public static IReadOnlyList<Workload> All { get; } =
    [
        CodeGenerator.InProcess,
        CodeGenerator.Processes,
        Batches.Llvm,
        Growth.Relocations,
        Growth.Objects,
        Growth.Batch,
        Batches.Sections,
        Images.Arm,
        Batches.Small,
        MemoryUse.Peak,
        Throwing.First,
    ];

    /// <summary>One by name.</summary>
    /// <exception cref="MeasurementException">There is none.</exception>
    public static Workload Find(string name) => All.FirstOrDefault(workload => workload.Name == name)
        ?? throw new MeasurementException($"there is no workload '{name}', but {Names(All)}");

    /// <summary>The names of some.</summary>
    public static string Names(IEnumerable<Workload> workloads) => string.Join(", ", workloads.Select(workload => workload.Name));
}
