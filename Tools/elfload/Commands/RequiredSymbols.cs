using System.CommandLine;

namespace ElfLoader.Tools.Commands;

/// <summary>The option of linkers that names symbols to pull out of archives.</summary>
internal sealed class RequiredSymbols
{
    private readonly Option<string[]> _names = new("--undefined", "-u")
    {
        Description = "Count NAME as undefined from the start: an archive member that defines it becomes part of the program, "
            + "though nothing refers to it. Repeatable.",
        HelpName = "NAME",
    };

    /// <summary>Adds it to a command.</summary>
    internal void AddTo(Command command) => command.Add(_names);

    /// <summary>Puts the names into an image's options.</summary>
    internal ImageOptions Apply(ParseResult result, ImageOptions options) =>
        options with { RequiredSymbols = result.GetValue(_names) ?? [] };
}
