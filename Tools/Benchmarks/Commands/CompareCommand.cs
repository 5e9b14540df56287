using System.CommandLine;
using ElfLoader.Benchmarks.Measuring;
using ElfLoader.Benchmarks.Workloads;

namespace ElfLoader.Benchmarks.Commands;

/// <summary><c>compare</c>: this loader, its peers and the floor, side by side.</summary>
internal sealed class CompareCommand : Command
{
    private readonly Option<string[]> _workloads = new("--workload", "-w")
    {
        Description = $"Which; repeatable; all if none is named: {Workload.Names(Workload.All)}.",
    };

    private readonly Option<int> _threads = new("--threads", "-t")
    {
        Description = "Measure with one thread and with this many.",
        DefaultValueFactory = _ => Math.Min(2, Environment.ProcessorCount),
    };

    private readonly Option<int> _runs = new("--runs", "-n")
    {
        Description = "How often each is measured.",
        DefaultValueFactory = _ => 21,
    };

    private readonly Option<string> _clock = new("--clock")
    {
        Description = "'cpu' counts the time that one thread ran, for a busy machine; of whole processes, user and system time.",
        DefaultValueFactory = _ => "wall",
    };

    private readonly Option<string?> _charts = new("--charts")
    {
        Description = "Write charts as SVG into this folder.",
        HelpName = "FOLDER",
    };

    private readonly Option<string?> _baseline = new("--baseline")
    {
        Description = "Measure an older build instead of the peers, in the order old, new, old again: what "
            + "Tools/Benchmarks/publish.sh wrote. The status is 1 if the present build is slower than the two olds allow.",
        HelpName = "FOLDER",
    };

    internal CompareCommand()
        : base("compare", "Measures this loader, its peers and the floor in turns, and prints their figures side by side.")
    {
        Add(_workloads);
        Add(_threads);
        Add(_runs);
        _clock.AcceptOnlyFromAmong("wall", "cpu");
        Add(_clock);
        Add(_charts);
        Add(_baseline);
        SetAction(Run);
    }

    private int Run(ParseResult result)
    {
        string clock = result.GetRequiredValue(_clock);
        int threads = clock is "cpu" ? 1 : result.GetValue(_threads);
        Environment.SetEnvironmentVariable("BENCHMARK_CLOCK", clock); // contestants inherit it
        var comparison = new Comparison(result.GetValue(_runs), threads) { Charts = result.GetValue(_charts), Clock = clock };
        Workload[] workloads = [.. (result.GetValue(_workloads) ?? []).Select(Workload.Find)];
        Console.WriteLine(Machine.Describe());
        if (Machine.Warning() is { } warning)
        {
            Console.WriteLine(warning);
        }

        return result.GetValue(_baseline) is { } folder
            ? CompareWithBaseline(workloads, comparison, new Baseline(Path.GetFullPath(folder)))
            : CompareWithPeers(workloads, comparison);
    }

    private static int CompareWithPeers(Workload[] workloads, Comparison comparison)
    {
        foreach (Workload workload in workloads is [] ? Workload.All : workloads)
        {
            workload.Compare(comparison);
        }

        return 0;
    }

    private static int CompareWithBaseline(Workload[] workloads, Comparison comparison, Baseline baseline)
    {
        bool holds = true;
        foreach (Workload workload in workloads is [] ? Workload.All.Where(workload => workload.CanHaveBaseline) : workloads)
        {
            holds &= comparison.AgainstBaseline(workload, baseline);
        }

        return holds ? 0 : 1;
    }
}
