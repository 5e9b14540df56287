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
        Description = "'cpu' counts the time that one thread ran, for a busy machine; whole processes keep to 'wall'.",
        DefaultValueFactory = _ => "wall",
    };

    private readonly Option<string?> _charts = new("--charts")
    {
        Description = "Write charts as SVG into this folder.",
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
        SetAction(Run);
    }

    private void Run(ParseResult result)
    {
        string clock = result.GetRequiredValue(_clock);
        int threads = clock is "cpu" ? 1 : result.GetValue(_threads);
        Environment.SetEnvironmentVariable("BENCHMARK_CLOCK", clock); // contestants inherit it
        Compare(result.GetValue(_workloads) ?? [], new Comparison(result.GetValue(_runs), threads)
        {
            Charts = result.GetValue(_charts),
            Clock = clock,
        });
    }

    private static void Compare(IReadOnlyList<string> names, Comparison comparison)
    {
        Console.WriteLine(Machine.Describe());
        if (Machine.Warning() is { } warning)
        {
            Console.WriteLine(warning);
        }

        foreach (Workload workload in names is [] ? Workload.All : names.Select(Workload.Find))
        {
            workload.Compare(comparison);
        }
    }
}
