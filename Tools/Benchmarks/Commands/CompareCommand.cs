using System.CommandLine;
using ElfLoader.Benchmarks.Jobs;
using ElfLoader.Benchmarks.Workloads;

namespace ElfLoader.Benchmarks.Commands;

/// <summary><c>compare</c>: this loader, its peers and the floor, side by side.</summary>
internal sealed class CompareCommand : Command
{
    private readonly Option<string[]> _workloads = new("--workload", "-w")
    {
        Description = $"Which; repeatable; all if none is named: {string.Join(", ", Workload.All.Select(workload => workload.Name))}.",
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

    internal CompareCommand()
        : base("compare", "Measures this loader, its peers and the floor in turns, and prints their figures side by side.")
    {
        Add(_workloads);
        Add(_threads);
        Add(_runs);
        _clock.AcceptOnlyFromAmong("wall", "cpu");
        Add(_clock);
        SetAction(Run);
    }

    private void Run(ParseResult result)
    {
        string clock = result.GetRequiredValue(_clock);
        int threads = clock is "cpu" ? 1 : result.GetValue(_threads);
        Environment.SetEnvironmentVariable("BENCHMARK_CLOCK", clock); // contestants inherit it
        Compare(result.GetValue(_workloads) ?? [], new Comparison(result.GetValue(_runs), threads));
    }

    private static void Compare(IReadOnlyList<string> names, Comparison comparison)
    {
        if (comparison.Threads > 1 && !LoadOptions.HasParallelism)
        {
            Console.WriteLine("Loads use one thread: there is no option for more.");
        }

        foreach (Workload workload in names is [] ? Workload.All : names.Select(Workload.Find))
        {
            workload.Compare(comparison);
        }
    }
}
