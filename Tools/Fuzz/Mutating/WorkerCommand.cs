using System.CommandLine;

namespace ElfLoader.Fuzz.Mutating;

/// <summary><c>worker</c>: what <c>mutate</c> starts.</summary>
internal sealed class WorkerCommand : Command
{
    private readonly Option<string> _output = new("--output") { Required = true };
    private readonly Option<string> _folder = new("--folder") { Required = true };
    private readonly Option<ulong> _seed = new("--seed");
    private readonly Option<long> _count = new("--count");
    private readonly Option<int> _time = new("--time");

    internal WorkerCommand()
        : base("worker", "What 'mutate' starts.")
    {
        Hidden = true;
        Add(_output);
        Add(_folder);
        Add(_seed);
        Add(_count);
        Add(_time);
        SetAction(Run);
    }

    private int Run(ParseResult result)
    {
        IReadOnlyList<Seed> seeds = Corpus.Make(Programs.Repository, Path.Combine(result.GetRequiredValue(_output), "seeds"));
        int seconds = result.GetValue(_time);
        using var worker = new Worker(result.GetRequiredValue(_folder), result.GetValue(_seed), seeds);
        worker.Run(
            result.GetValue(_count), seconds is 0 ? TimeSpan.MaxValue : TimeSpan.FromSeconds(seconds));
        return 0;
    }
}
