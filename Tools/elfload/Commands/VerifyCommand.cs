using System.CommandLine;
using ElfLoader.Inspection.Checks;
using ElfLoader.Tools.Json;
using ElfLoader.Tools.Output;
using ElfLoader.Tools.Verifying;

namespace ElfLoader.Tools.Commands;

/// <summary><c>elfload verify</c>.</summary>
internal sealed class VerifyCommand : Command, IExamples
{
    private readonly Option<string[]> _checks = new("--check", "-c")
    {
        Description = "A file with checks: assembly with them in comments, or any text. Repeatable.",
        HelpName = "FILE",
    };

    private readonly Option<string[]> _prefixes = new("--check-prefix")
    {
        Description = $"Take the lines that start with '# NAME:' (default: {string.Join(", ", CheckFile.UsualPrefixes)}). Repeatable.",
        HelpName = "NAME",
    };

    private readonly Option<string?> _entry = new("--entry", "-e")
    {
        Description = "The symbol at which the program starts; '_start' if it exists.",
        HelpName = "NAME",
    };

    private readonly TargetLink _link = new(GotOrigin.Object);

    internal VerifyCommand(Reporter reporter)
        : base("verify", "Link for target addresses and evaluate check expressions, as llvm-rtdyld and llvm-jitlink do.")
    {
        _link.AddInputsTo(this);
        Add(_checks);
        Add(_prefixes);
        Add(_entry);
        _link.AddOptionsTo(this);
        SetAction(result => Run(result, reporter));
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Examples =>
    [
        "elfload verify test.o --check test.s",
        "elfload verify a.o b.o --check a.s --define extern_far=0x7fff00000000",
        "elfload verify test.o --check test.s --check-prefix my-check --map-section test.o,.text=0x10000",
    ];

    private int Run(ParseResult result, Reporter reporter)
    {
        string? entry = result.GetValue(_entry);
        ImageOptions options = _link.Options(result, reporter);
        options = options with { Entry = entry ?? options.Entry, EntryMustExist = entry is not null };
        IReadOnlyList<CheckRule> rules = Verification.ReadRules(new VerifyRequest(
            result.GetValue(_checks) ?? [], result.GetValue(_prefixes) is [_, ..] prefixes ? prefixes : null));
        LinkedImage image = _link.Link(result, options, reporter);
        foreach (string warning in image.Warnings)
        {
            reporter.Tell(warning);
        }

        reporter.Progress("checking");
        IReadOnlyList<CheckResult> results = Verification.Check(rules, image, options.Definitions);
        bool isOutputTaken = _link.WriteMap(result, image) || reporter.Json is { Path: null };
        reporter.Json?.Write(
            VerificationJson.Of(image.Machine, results, reporter.Warnings), JsonFormat.Default.VerificationJson);
        reporter.ClearProgress();
        return Tell(results, reporter, showsSummary: !isOutputTaken);
    }

    private static int Tell(IReadOnlyList<CheckResult> results, Reporter reporter, bool showsSummary)
    {
        int failed = 0;
        foreach (CheckResult result in results.Where(result => result.Outcome is not CheckOutcome.Passed))
        {
            failed++;
            reporter.TellFailure(VerificationText.Describe(result));
        }

        if (showsSummary && !reporter.IsQuiet)
        {
            using var output = new StreamWriter(new StandardOutput());
            foreach (string line in VerificationText.Summarize(results))
            {
                output.WriteLine(reporter.Text.Of(line));
            }
        }

        return failed is 0 ? 0 : 1;
    }
}
