namespace ElfLoader.Tools.Arguments;

/// <summary>A command line, prepared for parsing.</summary>
/// <param name="Own">What the tool itself reads.</param>
/// <param name="Program">What follows <c>--</c> after <c>run</c>: the loaded program's arguments.</param>
internal sealed record CommandTokens(IReadOnlyList<string> Own, IReadOnlyList<string> Program)
{
    /// <summary>Stands for the value of an option that was given without one; for files, it is standard output.</summary>
    internal const string NoValue = "-";

    /// <summary>The option by which files may not name files elsewhere.</summary>
    internal const string NoExternalFiles = "--no-external-files";

    /// <summary>The response files.</summary>
    internal IReadOnlyList<string> ResponseFiles { get; private init; } = [];

    /// <summary>What stood in response files: paths, values of options, and in which file.</summary>
    internal IReadOnlyDictionary<string, ResponseFileToken> FromResponseFiles { get; private init; } =
        new Dictionary<string, ResponseFileToken>();

    /// <summary>Replaces <c>@file</c> by the file's lines, and splits the program's arguments off.</summary>
    /// <exception cref="CommandLineException">A response file cannot be read.</exception>
    internal static CommandTokens Expand(IReadOnlyList<string> arguments)
    {
        var expansion = new TokenExpansion(isRestricted: arguments.Contains(NoExternalFiles));
        foreach (string argument in arguments)
        {
            expansion.Add(argument);
        }

        List<string> own = expansion.Own;
        if (IsRun(own))
        {
            return new CommandTokens(own, expansion.Rest) { ResponseFiles = expansion.Files, FromResponseFiles = expansion.FromFiles };
        }

        // Elsewhere all that follows '--' are files, and a path never looks like an option.
        own.AddRange(expansion.Rest.Select(file => file.StartsWith('-') ? Path.Combine(".", file) : file));
        return new CommandTokens(own, []) { ResponseFiles = expansion.Files, FromResponseFiles = expansion.FromFiles };
    }

    private static bool IsRun(List<string> own) => own.Find(token => !token.StartsWith('-')) is "run";
}
