using System.CommandLine;
using ElfLoader.Inspection.Checks;
using ElfLoader.Tools.Arguments;
using ElfLoader.Tools.Json;
using ElfLoader.Tools.Linking;
using ElfLoader.Tools.Verifying;

namespace ElfLoader.Tools.Commands;

/// <summary><c>elfload verify</c>.</summary>
internal sealed class VerifyCommand : Command, IExamples
{
    private readonly InputArgument _inputs = new("Objects, archives, linker scripts; @FILE: one argument a line.");

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

    private readonly LinkOptions _link = new();
    private readonly PlacementOptions _placement = new();
    private readonly PlatformOptions _platform = new();

    internal VerifyCommand(Reporter reporter)
        : base("verify", "Link for target addresses and evaluate check expressions, as llvm-rtdyld and llvm-jitlink do.")
    {
        Add(_inputs);
        Add(_checks);
        Add(_prefixes);
        Add(_entry);
        _link.AddTo(this);
        _placement.AddTo(this);
        _platform.AddTo(this);
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
        string? map = _link.Map(result);
        if (map is CommandTokens.NoValue && reporter.Json is { Path: null })
        {
            throw new CommandLineException("--map and --json cannot both go to standard output");
        }

        ImageOptions options = ImageOptionsReading.Read(result, _link, _placement, _platform, result.GetValue(_entry));
        IReadOnlyList<CheckRule> rules = Verification.ReadRules(new VerifyRequest(
            result.GetValue(_checks) ?? [], result.GetValue(_prefixes) is [_, ..] prefixes ? prefixes : null));
        LinkedImage image = Link(result, options, reporter);
        reporter.Progress("checking");
        IReadOnlyList<CheckResult> results = Verification.Check(rules, image, options.Definitions);
        if (map is not null)
        {
            JsonTarget target = map is CommandTokens.NoValue ? JsonTarget.StandardOutput : new JsonTarget(map);
            target.Write(LinkMapJson.Of(LinkMap.Of(image)), JsonFormat.Default.LinkMapJson);
        }

        reporter.Json?.Write(
            VerificationJson.Of(image.Machine, results, reporter.Warnings), JsonFormat.Default.VerificationJson);
        reporter.ClearProgress();
        return Tell(results, reporter, showsSummary: map is not CommandTokens.NoValue && reporter.Json is not { Path: null });
    }

    private LinkedImage Link(ParseResult result, ImageOptions options, Reporter reporter)
    {
        var inputs = new InputFiles();
        foreach (string file in _inputs.Files(result))
        {
            reporter.Progress($"reading {file}");
            inputs.Add(file);
        }

        foreach (string library in inputs.SharedLibraries)
        {
            reporter.Warn($"{library}: an image for a target takes nothing from a shared library");
        }

        reporter.Progress("linking");
        LinkedImage image = ImageWriting.Link(inputs, options);
        foreach (string warning in image.Warnings)
        {
            reporter.Tell(warning);
        }

        return image;
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
            foreach (string line in VerificationText.Summarize(results))
            {
                Console.Out.WriteLine(TerminalText.Escape(line));
            }
        }

        return failed is 0 ? 0 : 1;
    }
}
