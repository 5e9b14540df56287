using System.CommandLine;
using ElfLoader.Elf;
using ElfLoader.Tools.Arguments;
using ElfLoader.Tools.Json;

namespace ElfLoader.Tools.Commands;

/// <summary>The options that all commands have.</summary>
internal sealed class CommonOptions
{
    private readonly Option<string?> _json = new("--json")
    {
        Description = "Write results and errors as JSON to standard output, or into FILE.",
        HelpName = HelpWithExamples.Optional("FILE"),
        Recursive = true,
    };

    private readonly Option<bool> _verbose = Flag("--verbose", "-v", "Tell what is done, with times.");
    private readonly Option<bool> _quiet = Flag("--quiet", "-q", "Tell only what failed.");
    private readonly Option<bool> _noColor = Flag("--no-color", null, "Use no colors, even on a terminal.");
    private readonly Option<bool> _noExternalFiles = Flag(
        CommandTokens.NoExternalFiles,
        null,
        "Let thin archives, linker scripts and response files name files in their own folder only.");

    private readonly Option<bool> _noDemangle = Flag(
        "--no-demangle", null, "Show names of C++ as they stand in the file (default: as in the source; JSON has both).");

    private readonly Option<bool> _progress = Flag("--progress", null, "Show progress, even where there is no terminal.");

    /// <summary>Adds them to the root, for all commands.</summary>
    internal void AddTo(Command root)
    {
        root.Add(_json);
        root.Add(_verbose);
        root.Add(_quiet);
        root.Add(_noColor);
        root.Add(_noExternalFiles);
        root.Add(_noDemangle);
        root.Add(_progress);
    }

    /// <summary>Has the reporter speak as the user wishes.</summary>
    internal void Apply(ParseResult result, Reporter reporter)
    {
        reporter.IsVerbose = result.GetValue(_verbose);
        reporter.IsQuiet = result.GetValue(_quiet);
        reporter.MayColor &= !result.GetValue(_noColor);
        reporter.Text = new TerminalText(demangles: !result.GetValue(_noDemangle));
        reporter.ShowsProgress = result.GetValue(_progress);
        reporter.Json = result.GetValue(_json) switch
        {
            null or "" => null, // which is refused
            CommandTokens.NoValue => JsonTarget.StandardOutput,
            string file => new JsonTarget(file),
        };
    }

    /// <summary>What inputs may claim, and name.</summary>
    internal static ReadLimits LimitsOf(ParseResult result) =>
        new() { AllowsExternalFiles = !result.GetValue<bool>(CommandTokens.NoExternalFiles) };

    private static Option<bool> Flag(string name, string? alias, string description) =>
        new(name, alias is null ? [] : [alias]) { Description = description, Recursive = true };
}
