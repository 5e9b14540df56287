using ElfLoader.Benchmarks.Jobs;
using ElfLoader.Benchmarks.Measuring;

namespace ElfLoader.Benchmarks.Workloads;

/// <summary>How workloads are compared.</summary>
/// <param name="Runs">How often each is measured.</param>
/// <param name="Threads">The most threads of a load.</param>
internal sealed record Comparison(int Runs, int Threads)
{
    /// <summary>The peers, built when they are needed.</summary>
    public Harnesses Harnesses { get; } = new();

    /// <summary>A contest with the usual number of rounds.</summary>
    public Contest Contest => new(Runs);

    /// <summary>This loader, in a process of its own; with one thread and with more, where it can.</summary>
    public IEnumerable<(string Name, Func<Contestant> Start)> Ours(Func<int, Job> job)
    {
        int[] counts = LoadOptions.HasParallelism && Threads > 1 ? [1, Threads] : [1];
        foreach (int threads in counts)
        {
            yield return Ours(threads is 1 ? "ElfLoader" : $"ElfLoader, {threads} threads", job(threads));
        }
    }

    /// <summary>This loader, in a process of its own.</summary>
    public static (string Name, Func<Contestant> Start) Ours(string name, Job job) =>
        (name, () => new Contestant(name, Path.Combine(AppContext.BaseDirectory, "ElfLoader.Benchmarks"), job.Arguments));

    /// <summary>JITLink.</summary>
    public (string Name, Func<Contestant> Start) JitLink(string list) =>
        ("JITLink 19", () => new Contestant("JITLink 19", Harnesses.JitLink, list));

    /// <summary>RuntimeDyld, with one instance for all objects.</summary>
    public (string Name, Func<Contestant> Start) RuntimeDyld(string list) =>
        ("RuntimeDyld 19", () => new Contestant("RuntimeDyld 19", Harnesses.RuntimeDyld, list));

    /// <summary>RuntimeDyld, with an instance for each object.</summary>
    public (string Name, Func<Contestant> Start) RuntimeDyldEach(string list) =>
        ("RuntimeDyld 19", () => new Contestant("RuntimeDyld 19", Harnesses.RuntimeDyld, list, "each"));

    /// <summary>The floor.</summary>
    public (string Name, Func<Contestant> Start) Floor(string list) =>
        ("floor", () => new Contestant("floor", Harnesses.Floor, list));

    /// <summary>A whole process.</summary>
    public (string Name, Func<Contestant> Start) Process(string name, Func<string> program, params IEnumerable<string> arguments) =>
        (name, () => new Contestant(name, Harnesses.Spawn, [program(), .. arguments]));
}
