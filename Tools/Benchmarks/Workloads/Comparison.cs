using ElfLoader.Benchmarks.Charts;
using ElfLoader.Benchmarks.Jobs;
using ElfLoader.Benchmarks.Measuring;

namespace ElfLoader.Benchmarks.Workloads;

/// <summary>How workloads are compared.</summary>
/// <param name="Runs">How often each is measured.</param>
/// <param name="Threads">The most threads of a load.</param>
internal sealed record Comparison(int Runs, int Threads)
{
    /// <summary>Where charts are written; null for none.</summary>
    public string? Charts { get; init; }

    /// <summary>What time is measured: <c>wall</c> or <c>cpu</c>.</summary>
    public string Clock { get; init; } = "wall";

    /// <summary>The peers, built when they are needed.</summary>
    public Harnesses Harnesses { get; } = new();

    /// <summary>A contest with the usual number of rounds.</summary>
    public Contest Contest => new(Runs);

    /// <summary>Draws bars with their quartiles, where charts are wanted.</summary>
    /// <param name="name">Name of the file.</param>
    /// <param name="title">What was measured.</param>
    /// <param name="results">The bars.</param>
    public void Draw(string name, string title, IReadOnlyList<Result> results)
    {
        if (Charts is not null)
        {
            BarChart.Save(Path.Combine(Charts, $"{name}.svg"), title, Note(), results);
        }
    }

    /// <summary>Draws curves, where charts are wanted.</summary>
    public void DrawGrowth(string name, string title, int[] sizes, IReadOnlyList<Result[]> contestants)
    {
        if (Charts is not null)
        {
            GrowthChart.Save(Path.Combine(Charts, $"{name}.svg"), title, Note(), sizes, contestants);
        }
    }

    private string Note() =>
        $"medians, {(Clock is "cpu" ? "processor" : "wall-clock")} time; {Machine.Describe()}";

    /// <summary>This loader, in a process of its own; with one thread and with more, where it can.</summary>
    public IEnumerable<(string Name, Func<Contestant> Start)> Ours(Func<int, Job> job)
    {
        int[] counts = Threads > 1 ? [1, Threads] : [1];
        foreach (int threads in counts)
        {
            yield return Ours(threads is 1 ? "ElfLoader" : $"ElfLoader, {threads} threads", job(threads));
        }
    }

    /// <summary>This loader with one thread, with the garbage collector's default settings and without its concurrent mode.</summary>
    public static IEnumerable<(string Name, Func<Contestant> Start)> OursByCollector(Job job)
    {
        const string name = "ElfLoader, GC not concurrent";
        return
        [
            Ours("ElfLoader", job),
            (name, () => new Contestant(name, "env", ["DOTNET_gcConcurrent=0", Worker, .. job.Arguments])),
        ];
    }

    /// <summary>Measures the present build beside an older one, and prints what came out.</summary>
    /// <returns>False if the present build is slower, or allocates more, than allowed.</returns>
    /// <exception cref="MeasurementException">The workload cannot be compared with an older build.</exception>
    public bool AgainstBaseline(Workload workload, Baseline baseline)
    {
        Func<string, bool, Contestant> start = workload switch
        {
            { Job: { } job } => (name, isOld) => new Contestant(name, isOld ? baseline.Worker : Worker, job(1).Arguments),
            { Command: { } command } => (name, isOld) => new Contestant(
                name, Harnesses.Spawn, [isOld ? baseline.Elfload : Harnesses.Elfload, .. command()]),
            _ => throw new MeasurementException($"'{workload.Name}' cannot be compared with an older build"),
        };
        IReadOnlyList<Result> results = Contest.Run(Baseline.Contestants(start));
        ResultTable.Print($"{workload.Name}: beside {baseline.Folder}", results, results[0]);
        bool holds = Baseline.Judge(results, out string verdict);
        Console.WriteLine($"  {verdict}: {(holds ? "holds" : "does not hold")}");
        return holds;
    }

    private static string Worker => Path.Combine(AppContext.BaseDirectory, "ElfLoader.Benchmarks");

    /// <summary>This loader, in a process of its own.</summary>
    public static (string Name, Func<Contestant> Start) Ours(string name, Job job) =>
        (name, () => new Contestant(name, Worker, job.Arguments));

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
    public (string Name, Func<Contestant> Start) Process(
        string name, Func<string> program, params IEnumerable<string> arguments) =>
        (name, () => new Contestant(name, Harnesses.Spawn, [program(), .. arguments]));
}
