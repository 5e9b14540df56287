using System.CommandLine;

namespace ElfLoader.Fuzz.Storms;

/// <summary><c>storm</c>: eight threads do everything at once to one library.</summary>
internal sealed class StormCommand : Command
{
    private readonly Option<int> _seconds = new("--seconds")
    {
        Description = "How long, for each kind of library.",
        DefaultValueFactory = _ => 60,
    };

    private readonly Option<string> _kind = new("--library")
    {
        Description = "Which kind of library: plain, redirectable, or both.",
        DefaultValueFactory = _ => "both",
    };

    internal StormCommand()
        : base("storm", "Load, replace, undo, unload, reclaim, dispose and call in eight threads at once, and account for all of it.")
    {
        _kind.AcceptOnlyFromAmong("plain", "redirectable", "both");
        Add(_seconds);
        Add(_kind);
        SetAction(Run);
    }

    private int Run(ParseResult result)
    {
        int status = 0;
        foreach (string kind in (string[])["plain", "redirectable"])
        {
            if (result.GetValue(_kind) is { } wanted && wanted != kind && wanted != "both")
            {
                continue;
            }

            using var storm = new Storm(kind is "redirectable");
            (string did, IReadOnlyList<string> findings) = storm.Run(TimeSpan.FromSeconds(result.GetValue(_seconds)));
            Console.WriteLine($"{kind}: {did}; findings: {findings.Count}");
            foreach (string finding in findings)
            {
                Console.WriteLine(finding);
                status = 1;
            }
        }

        return status;
    }
}
