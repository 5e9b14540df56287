using System.CommandLine;
using System.Globalization;
using ElfLoader.Fuzz.Instrumentation;

namespace ElfLoader.Fuzz.Mutating;

/// <summary><c>mutate</c>: prepares seeds and an instrumented copy of the product, and lets workers loose.</summary>
internal sealed class MutateCommand : Command
{
    private readonly Option<long> _count = new("--count") { Description = "Mutants in all, half of them for each machine.", DefaultValueFactory = _ => 1_000_000 };
    private readonly Option<int> _time = new("--time") { Description = "Seconds after which to stop; 0: none.", DefaultValueFactory = _ => 0 };
    private readonly Option<ulong> _seed = new("--seed") { Description = "What the random numbers follow from.", DefaultValueFactory = _ => 1 };
    private readonly Option<int> _jobs = new("--jobs") { Description = "Workers at a time.", DefaultValueFactory = _ => 1 };
    private readonly Option<bool> _plain = new("--plain") { Description = "Do without instrumentation: faster, but blind to new lines." };
    private readonly Option<int> _silence = new("--silence") { Description = "Seconds after which a worker that says nothing hangs.", DefaultValueFactory = _ => 180 };
    private readonly Option<string> _output = new("--output")
    {
        Description = "Folder of the seeds, the findings and the state; a run with the same folder goes on where the last one stopped.",
        DefaultValueFactory = _ => Path.Combine(Programs.Repository, "artifacts", "fuzz"),
    };

    internal MutateCommand()
        : base("mutate", "Change real objects and archives, and hold reader, linker and loader to their promises.")
    {
        Add(_count);
        Add(_time);
        Add(_seed);
        Add(_jobs);
        Add(_plain);
        Add(_silence);
        Add(_output);
        SetAction(Run);
    }

    private int Run(ParseResult result)
    {
        string folder = Path.GetFullPath(result.GetRequiredValue(_output));
        int jobs = result.GetRequiredValue(_jobs);
        long count = result.GetRequiredValue(_count);
        int seconds = result.GetRequiredValue(_time);
        IReadOnlyList<Seed> seeds = Corpus.Make(Programs.Repository, Path.Combine(folder, "seeds"));
        string program = AppContext.BaseDirectory;
        if (!result.GetValue(_plain))
        {
            program = Path.Combine(folder, "instrumented");
            LineCoverage.Prepare(AppContext.BaseDirectory, program);
        }

        WorkerProcess[] workers =
        [
            .. Enumerable.Range(0, jobs).Select(job => new WorkerProcess(
                Path.Combine(program, "ElfLoader.Fuzz.dll"),
                folder,
                job,
                result.GetRequiredValue(_seed) + ((ulong)job << 32),
                (count + jobs - 1 - job) / jobs,
                seconds is 0 ? TimeSpan.MaxValue : TimeSpan.FromSeconds(seconds),
                TimeSpan.FromSeconds(result.GetRequiredValue(_silence)),
                seeds)),
        ];
        MutateProgress.Show(workers, count);
        var total = new RunState();
        foreach (WorkerProcess worker in workers)
        {
            total.Add(worker.State());
        }

        MutateReport.Write(Console.Out, total, string.Create(CultureInfo.InvariantCulture, $"{seeds.Count} seeds, {jobs} workers"));
        return total.Findings.Count > 0 ? 1 : 0;
    }
}
