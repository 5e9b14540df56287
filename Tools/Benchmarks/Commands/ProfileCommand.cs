using System.CommandLine;
using System.Diagnostics;
using ElfLoader.Benchmarks.Jobs;
using ElfLoader.Benchmarks.Measuring;
using ElfLoader.Benchmarks.Workloads;

namespace ElfLoader.Benchmarks.Commands;

/// <summary><c>profile</c>: repeats a workload, for a profiler to look at.</summary>
internal sealed class ProfileCommand : Command
{
    private readonly Option<string> _workload = new("--workload")
    {
        Description = $"Which: {Workload.Names(Workload.All.Where(workload => workload.Job is not null))}.",
        DefaultValueFactory = _ => "codegen",
    };

    private readonly Option<int> _seconds = new("--seconds")
    {
        Description = "How long.",
        DefaultValueFactory = _ => 10,
    };

    private readonly Option<int> _threads = new("--threads")
    {
        Description = "Threads to use.",
        DefaultValueFactory = _ => 1,
    };

    internal ProfileCommand()
        : base("profile", "Repeats a workload in this process, for 'perf record' with DOTNET_PerfMapEnabled=1.")
    {
        Add(_workload);
        Add(_seconds);
        Add(_threads);
        SetAction(result => Repeat(
            Workload.Find(result.GetRequiredValue(_workload)), result.GetValue(_seconds), result.GetValue(_threads)));
    }

    private static void Repeat(Workload workload, int seconds, int threads)
    {
        Job job = workload.Job?.Invoke(threads) ?? throw new MeasurementException($"{workload.Name} is not one job");
        IJob work = job.Create();
        Console.WriteLine($"process {Environment.ProcessId}: {workload.Name}");
        List<double> times = [];
        long allocated = 0;
        long start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start).TotalSeconds < seconds)
        {
            Measurement run = work.Run();
            times.Add(run.Milliseconds);
            allocated += run.Allocated;
        }

        var samples = new Samples(times);
        Console.WriteLine(
            $"{samples.Count} runs: median {ResultTable.Time(samples.Median)}, minimum {ResultTable.Time(samples.Minimum)}, "
            + $"{ResultTable.Bytes(allocated / samples.Count)} allocated in each");
    }
}
