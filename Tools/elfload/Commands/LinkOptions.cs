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
        Description = "What stays undefined becomes ADDRESS (without: an address in reach that traps).",
        HelpName = HelpWithExamples.Optional("ADDRESS"),
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

    /// <summary>What they say about an image.</summary>
    internal ImageOptions Image(ParseResult result) => new()
    {
        Definitions = SymbolDefinition.ParseAll(result.GetValue(_define) ?? []).ToDictionary(
            definition => definition.Name,
            definition => new DefinedSymbol(definition.Address, definition.IsThumb)),
        AllowUndefined = result.GetValue(_allowUndefined) is not null,
        UndefinedAddress = AddressText.ParseOptional(result.GetValue(_allowUndefined), "--allow-undefined"),
    };

    /// <summary>Where the link map goes; null for nowhere, '-' for standard output.</summary>
    internal string? Map(ParseResult result) => result.GetValue(_map);
}
