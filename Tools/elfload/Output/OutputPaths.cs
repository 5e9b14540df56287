using System.CommandLine;
using System.CommandLine.Parsing;
using ElfLoader.Memory;
using ElfLoader.Tools.Arguments;

namespace ElfLoader.Tools.Output;

/// <summary>Keeps a command from writing over what it reads, or over what it has written.</summary>
internal static class OutputPaths
{
    private const string Program = "--output";

    private static readonly string[] Outputs = [Program, "--map", "--json"];
    private static readonly string[] Inputs = ["INPUT", "--check", "--library"];

    /// <summary>Looks at the files of a command line.</summary>
    /// <param name="result">The command line.</param>
    /// <param name="read">Other files that were read.</param>
    /// <exception cref="CommandLineException">A file would be written that is an input, or twice.</exception>
    /// <param name="reporter">Does not report into a file that must not be written.</param>
    internal static void Check(ParseResult result, IEnumerable<string> read, Reporter reporter)
    {
        if (ValuesOf(result, Program).Contains(CommandTokens.NoValue))
        {
            throw new CommandLineException($"{Program}: '-' is not taken for standard output here: give /dev/stdout, or ./- for a file of that name");
        }

        HashSet<object> written = [.. Outputs.SelectMany(name => ValuesOf(result, name)).SelectMany(Identities)];
        var taken = new Dictionary<object, string>();
        foreach (string input in written.Count is 0 ? [] : Inputs.SelectMany(name => ValuesOf(result, name)).Concat(read))
        {
            foreach (object identity in Identities(input).Where(written.Contains)) // of inputs there may be very many
            {
                taken.TryAdd(identity, "is an input, which is not written over");
            }
        }

        foreach (string option in Outputs)
        {
            foreach (string path in ValuesOf(result, option))
            {
                foreach (object identity in Identities(path))
                {
                    if (!taken.TryAdd(identity, $"is what {option} writes already"))
                    {
                        reporter.Json = option is "--json" ? null : reporter.Json;
                        throw new CommandLineException($"{option}: '{path}' {taken[identity]}");
                    }
                }
            }
        }
    }

    /// <summary>Looks where the files are that response files name.</summary>
    /// <exception cref="CommandLineException">One is elsewhere than its response file.</exception>
    internal static void CheckResponseFiles(ParseResult result, CommandTokens tokens)
    {
        foreach (string path in Inputs.Concat(Outputs).SelectMany(name => ValuesOf(result, name)))
        {
            if (path is not ("" or CommandTokens.NoValue) && tokens.FromResponseFiles.TryGetValue(path, out ResponseFileToken token))
            {
                token.Check(path);
            }
        }
    }

    /// <summary>What a file is known by: its place, and, if it is there, its number; nothing for standard output, pipes and devices.</summary>
    private static IEnumerable<object> Identities(string path)
    {
        if (path is "" or "-" || path.Contains('\0') || PlaceOf(path) is not { } place)
        {
            yield break;
        }

        if (FileStatus.Of(place) is { } status)
        {
            yield return (status.Device, status.Number);
        }
        else
        {
            yield return Path.GetFullPath(place);
        }
    }

    private static string? PlaceOf(string path)
    {
        try
        {
            return OutputFile.PlaceOf(path);
        }
        catch (Exception exception) when (WritingFault.Is(exception))
        {
            return null; // whoever reads or writes it says why
        }
    }

    private static IEnumerable<string> ValuesOf(ParseResult result, string name) => result.GetResult(name) switch
    {
        ArgumentResult argument => argument.Tokens.Select(token => token.Value),
        OptionResult option => option.Tokens.Select(token => token.Value),
        _ => [],
    };
}
