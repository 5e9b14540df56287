namespace ElfLoader.Tools.Arguments;

/// <summary>Replaces response files by their lines.</summary>
/// <param name="isRestricted">Whether they may name response files in their own folder only.</param>
internal sealed class TokenExpansion(bool isRestricted)
{
    /// <summary>Response files may name response files, but not without end.</summary>
    private const int MaximumDepth = 8;

    /// <summary>
    /// Options whose value may be left out; it can only follow after '='. The parser would take the next word for it.
    /// </summary>
    private static readonly string[] ValueIsOptional = ["--json", "--allow-undefined"];

    /// <summary>Characters that may be taken again from files that were read before, and all that those have.</summary>
    private const long AlwaysRepeated = 1 << 20;

    private const int LeastCost = 64; // characters: an empty line, or a file without any, is looked at, too

    private readonly Dictionary<string, List<string>> _lines = [];
    private readonly List<string> _open = []; // each is named by the one before it
    private bool _isRest;
    private long _distinct;
    private long _repeated;

    /// <summary>What stands before <c>--</c>.</summary>
    internal List<string> Own { get; } = [];

    /// <summary>What stands behind it.</summary>
    internal List<string> Rest { get; } = [];

    /// <summary>The response files.</summary>
    internal List<string> Files { get; } = [];

    /// <summary>What stood in them.</summary>
    internal Dictionary<string, ResponseFileToken> FromFiles { get; } = [];

    /// <summary>Adds an argument, or the lines of the response file that it is.</summary>
    /// <exception cref="CommandLineException">A response file cannot be read, or an option's value is empty.</exception>
    internal void Add(string argument) => Add(argument, null, MaximumDepth);

    private void Add(string argument, ResponseFileToken? from, int depth)
    {
        if (_isRest)
        {
            Rest.Add(argument);
        }
        else if (argument is "--")
        {
            _isRest = true;
        }
        else if (argument.Length > 1 && argument[0] is '@')
        {
            AddFile(argument[1..], from, depth);
        }
        else if (ValueIsOptional.FirstOrDefault(option => argument == $"{option}=") is { } empty)
        {
            throw new CommandLineException($"{empty}: its value is empty"); // the parser would take it for none at all
        }
        else
        {
            Own.Add(ValueIsOptional.Contains(argument) ? $"{argument}={CommandTokens.NoValue}" : argument);
        }
    }

    private void AddFile(string file, ResponseFileToken? from, int depth)
    {
        if (isRestricted)
        {
            from?.Check(file);
        }

        Files.Add(file);
        var token = new ResponseFileToken(file);
        List<string> lines = ReadLines(file, depth);
        string place = Path.GetFullPath(file);
        if (_open.Contains(place))
        {
            throw new CommandLineException($"@{file}: this response file names itself{(_open[^1] == place ? "" : $", through @{from?.File}")}");
        }

        _open.Add(place);
        foreach (string line in lines)
        {
            _ = FromFiles.TryAdd(line, token);
            int value = line.IndexOf('=', StringComparison.Ordinal);
            if (value >= 0)
            {
                _ = FromFiles.TryAdd(line[(value + 1)..], token);
            }

            Add(line, token, depth - 1);
        }

        _open.RemoveAt(_open.Count - 1);
    }

    private List<string> ReadLines(string file, int depth)
    {
        if (depth is 0)
        {
            throw new CommandLineException($"@{file}: response files are nested more than {MaximumDepth} deep");
        }

        try
        {
            string key = Path.GetFullPath(file);
            bool isKnown = _lines.TryGetValue(key, out List<string>? lines);
            lines ??= [.. File.ReadLines(file).Select(line => line.TrimEnd('\r')).Where(line => line.Length > 0)];
            long cost = LeastCost + lines.Sum(line => (long)Math.Max(line.Length, LeastCost));
            (isKnown ? ref _repeated : ref _distinct) += cost;
            _lines[key] = lines;
            return _repeated <= AlwaysRepeated + _distinct
                ? lines
                : throw new CommandLineException($"@{file}: response files name one another so often that they would be many times their size");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new CommandLineException($"@{file}: {FileFault.Reason(file, exception)}");
        }
    }
}
