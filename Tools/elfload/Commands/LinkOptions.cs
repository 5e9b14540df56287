using System.CommandLine;
using ElfLoader.Tools.Arguments;

namespace ElfLoader.Tools.Commands;

/// <summary>The options of all commands that link.</summary>
internal sealed class LinkOptions
{
    private readonly Option<string[]> _define = new("--define", "-D")
    {
        Description = "Define a symbol: decimal, or hexadecimal after 0x; ':thumb' or ':arm' after it makes it a function. "
            + "Repeatable.",
        HelpName = "NAME=ADDRESS",
    };

    private readonly Option<string?> _allowUndefined = new("--allow-undefined")
    {
        Description = "What stays undefined becomes ADDRESS (--allow-undefined=ADDRESS; without: one in reach that traps).",
        HelpName = "ADDRESS",
    };

    private readonly Option<string?> _map = new("--map", "-m")
    {
        Description = "Write the link map as JSON ('-': to standard output).",
        HelpName = "FILE",
    };

    /// <summary>Adds them to a command.</summary>
    internal void AddTo(Command command)
    {
        command.Add(_define);
        command.Add(_allowUndefined);
        command.Add(_map);
    }

    /// <summary>The symbols to define.</summary>
    internal IReadOnlyList<SymbolDefinition> Definitions(ParseResult result) =>
        SymbolDefinition.ParseAll(result.GetValue(_define) ?? []);

    /// <summary>Whether undefined symbols are no error, and the address they are to have, if one was given.</summary>
    internal bool AllowUndefined(ParseResult result, out ulong? address)
    {
        string? text = result.GetValue(_allowUndefined);
        address = AddressText.ParseOptional(text, "--allow-undefined");
        return text is not null;
    }

    /// <summary>Where the link map goes; null for nowhere, '-' for standard output.</summary>
    internal string? Map(ParseResult result) => result.GetValue(_map);
}
