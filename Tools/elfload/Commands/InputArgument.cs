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
    /// <exception cref="CommandLineException">One has no name, or standard input is given twice.</exception>
    internal IReadOnlyList<string> Files(ParseResult result)
    {
        string[] files = result.GetValue(this) ?? [];
        if (files.Contains(""))
        {
            throw new CommandLineException("an input has no name");
        }

        return files.Count(file => file is CommandInputs.StandardInput) <= 1
            ? files
            : throw new CommandLineException("standard input, '-', is given twice and can be read only once");
    }

    /// <summary>Whether a word looks like an option, and so is no input.</summary>
    internal static bool LooksLikeOption(string word) => word is ['-', _, ..];
}
