namespace ElfLoader.Tools.Arguments;

/// <summary>A command line, prepared for parsing.</summary>
/// <param name="Own">What the tool itself reads.</param>
/// <param name="Program">What follows <c>--</c> after <c>run</c>: the loaded program's arguments.</param>
internal sealed record CommandTokens(IReadOnlyList<string> Own, IReadOnlyList<string> Program)
{
    /// <summary>Response files may name response files, but not without end.</summary>
    private const int MaximumDepth = 8;

    /// <summary>Stands for the value of an option that was given without one.</summary>
    internal const string NoValue = "";

    /// <summary>
    /// Options whose value may be left out; it can only follow after '='. The parser would take the next word for it.
    /// </summary>
    private static readonly string[] ValueIsOptional = ["--json", "--allow-undefined"];

    /// <summary>Replaces <c>@file</c> by the file's lines, and splits the program's arguments off.</summary>
    /// <exception cref="CommandLineException">A response file cannot be read.</exception>
    internal static CommandTokens Expand(IReadOnlyList<string> arguments)
    {
        List<string> own = [];
        List<string> rest = [];
        bool isRest = false;
        foreach (string argument in arguments)
        {
            Add(argument, own, rest, ref isRest, MaximumDepth);
        }

        if (IsRun(own))
        {
            return new CommandTokens(own, rest);
        }

        // Elsewhere all that follows '--' are files, and a path never looks like an option.
        own.AddRange(rest.Select(file => file.StartsWith('-') ? Path.Combine(".", file) : file));
        return new CommandTokens(own, []);
    }

    private static bool IsRun(List<string> own) => own.Find(token => !token.StartsWith('-')) is "run";

    private static void Add(string argument, List<string> own, List<string> rest, ref bool isRest, int depth)
    {
        if (isRest)
        {
            rest.Add(argument);
        }
        else if (argument is "--")
        {
            isRest = true;
        }
        else if (argument.Length > 1 && argument[0] is '@')
        {
            foreach (string line in ReadLines(argument[1..], depth))
            {
                Add(line, own, rest, ref isRest, depth - 1);
            }
        }
        else if (ValueIsOptional.Contains(argument))
        {
            own.Add($"{argument}={NoValue}");
        }
        else
        {
            own.Add(argument);
        }
    }

    private static IEnumerable<string> ReadLines(string file, int depth)
    {
        if (depth is 0)
        {
            throw new CommandLineException($"@{file}: response files are nested more than {MaximumDepth} deep");
        }

        try
        {
            return [.. File.ReadLines(file).Select(line => line.TrimEnd('\r')).Where(line => line.Length > 0)];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new CommandLineException($"@{file}: {exception.Message}");
        }
    }
}
