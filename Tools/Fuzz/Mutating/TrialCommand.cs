using System.CommandLine;

namespace ElfLoader.Fuzz.Mutating;

/// <summary><c>trial</c>: what a worker that died is replaced by, to see which changes of a mutant matter.</summary>
internal sealed class TrialCommand : Command
{
    private readonly Option<string> _output = new("--output") { Required = true };
    private readonly Option<string> _file = new("--file") { Required = true };
    private readonly Option<long> _number = new("--number");

    internal TrialCommand()
        : base("trial", "What 'mutate' tries mutants with that have killed a worker.")
    {
        Hidden = true;
        Add(_output);
        Add(_file);
        Add(_number);
        SetAction(Run);
    }

    private int Run(ParseResult result)
    {
        string output = result.GetRequiredValue(_output);
        IReadOnlyList<Seed> seeds = Corpus.Make(Programs.Repository, Path.Combine(output, "seeds"));
        string file = result.GetRequiredValue(_file);
        using var subject = new Subject(Seed.MembersOf(seeds), file + ".d");
        byte[] bytes = File.ReadAllBytes(file);
        Console.WriteLine(Trial.Begins);
        try
        {
            _ = subject.Run(bytes, result.GetValue(_number));
            return 0;
        }
        catch (FindingException)
        {
            return Trial.Finding;
        }
    }
}
