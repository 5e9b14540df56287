using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using ElfLoader.Benchmarks.Jobs;

namespace ElfLoader.Benchmarks.Commands;

/// <summary><c>worker</c>: does what the harnesses of the peers do, for this loader.</summary>
internal sealed class WorkerCommand : Command
{
    private static readonly TimeSpan ShortestWarmUp = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan LongestWarmUp = TimeSpan.FromSeconds(15);

    // The runtime compiles a method again after 30 calls, and once more with what it has learnt.
    private const int RunsToWarmUp = 100;

    private readonly Argument<string> _kind = new("JOB");
    private readonly Argument<string> _list = new("LIST");
    private readonly Option<int> _threads = new("--threads") { DefaultValueFactory = _ => 1 };
    private readonly Option<bool> _cold = new("--cold");

    internal WorkerCommand()
        : base("worker", "What 'compare' starts: answers each number on standard input with as many times.")
    {
        Hidden = true;
        Add(_kind);
        Add(_list);
        Add(_threads);
        Add(_cold);
        SetAction(result => Serve(new Job(
            result.GetRequiredValue(_kind), result.GetRequiredValue(_list), result.GetValue(_threads))
        {
            IsCold = result.GetValue(_cold),
        }));
    }

    private static void Serve(Job job)
    {
        try
        {
            IJob work = job.Create();
            if (!job.IsCold)
            {
                Heat(work);
            }

            Console.WriteLine("ready");
            while (int.TryParse(Console.ReadLine(), CultureInfo.InvariantCulture, out int count))
            {
                Measurement[] runs = [.. Enumerable.Range(0, count).Select(_ => work.Run())];
                string times = string.Join(
                    ' ', runs.Select(run => run.Milliseconds.ToString("0.000000", CultureInfo.InvariantCulture)));
                Console.WriteLine($"{times}|{runs.Sum(run => run.Allocated) / count}");
            }
        }
        catch (LinkException exception)
        {
            Console.WriteLine($"error {exception.Errors[0]} ({exception.Errors.Count} errors)");
        }
    }

    /// <summary>Runs until the code has been compiled for good.</summary>
    private static void Heat(IJob work)
    {
        long start = Stopwatch.GetTimestamp();
        bool isWarm = false;
        for (int runs = 1; !isWarm; runs++)
        {
            _ = work.Run();
            TimeSpan elapsed = Stopwatch.GetElapsedTime(start);
            isWarm = runs >= 2 && (elapsed > LongestWarmUp || (elapsed > ShortestWarmUp && runs > RunsToWarmUp));
        }
    }
}
