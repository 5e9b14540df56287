using System.CommandLine;

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
    /// <exception cref="CommandLineException">One is an option that does not exist.</exception>
    internal IReadOnlyList<string> Files(ParseResult result)
    {
        string[] files = result.GetValue(this) ?? [];
        foreach (string file in files)
        {
            if (file is "" or ['-', ..])
            {
                throw new CommandLineException(file is "" ? "an input has no name" : $"there is no option '{file}'");
            }
        }

        return files;
    }
}
