using System.CommandLine;
using ElfLoader.Tools.Arguments;

namespace ElfLoader.Tools.Commands;

/// <summary>The files that a command reads.</summary>
internal sealed class InputArgument : Argument<string[]>
{
    internal InputArgument(string description)
        : base("INPUT")
    {
        Description = description;
        Arity = ArgumentArity.OneOrMore;
    }

    /// <summary>The files.</summary>
    /// <exception cref="CommandLineException">One is an option that does not exist, or standard input is given twice.</exception>
    internal IReadOnlyList<string> Files(ParseResult result)
    {
        string[] files = result.GetValue(this) ?? [];
        foreach (string file in files)
        {
            if (file is "" or ['-', _, ..])
            {
                throw new CommandLineException(file is "" ? "an input has no name" : NoOption(result, file));
            }
        }

        return files.Count(file => file is CommandInputs.StandardInput) <= 1
            ? files
            : throw new CommandLineException("standard input, '-', is given twice and can be read only once");
    }

    private static string NoOption(ParseResult result, string text)
    {
        int equals = text.IndexOf('=', StringComparison.Ordinal);
        IEnumerable<string> names = result.CommandResult.Command.Options.Concat(result.RootCommandResult.Command.Options)
            .Select(option => option.Name);
        return $"there is no option '{text}'"
            + (NearestName.Find(equals < 0 ? text : text[..equals], names) is { } near ? $"; did you mean '{near}'?" : "");
    }
}
