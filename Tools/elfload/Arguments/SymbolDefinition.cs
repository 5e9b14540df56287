namespace ElfLoader.Tools.Arguments;

/// <summary>One <c>--define NAME=ADDRESS</c>.</summary>
/// <param name="Name">The symbol.</param>
/// <param name="Address">Its value.</param>
/// <param name="IsThumb">For a function, its instruction set; null for a plain number.</param>
internal sealed record SymbolDefinition(string Name, ulong Address, bool? IsThumb)
{
    /// <summary>The option.</summary>
    internal const string Option = "--define";

    /// <summary>Reads the values of all <c>--define</c> options.</summary>
    /// <exception cref="CommandLineException">One is malformed, or two contradict each other.</exception>
    internal static IReadOnlyList<SymbolDefinition> ParseAll(IEnumerable<string> texts)
    {
        Dictionary<string, SymbolDefinition> definitions = [];
        foreach (string text in texts)
        {
            SymbolDefinition definition = Parse(text);
            if (!definitions.TryAdd(definition.Name, definition) && definitions[definition.Name] != definition)
            {
                throw new CommandLineException($"{Option}: '{definition.Name}' is given two values");
            }
        }

        return [.. definitions.Values];
    }

    private static SymbolDefinition Parse(string text)
    {
        int equals = text.LastIndexOf('=');
        if (equals <= 0)
        {
            throw new CommandLineException($"{Option}: '{text}' is not of the form NAME=ADDRESS");
        }

        string address = text[(equals + 1)..];
        int colon = address.IndexOf(':', StringComparison.Ordinal);
        bool? isThumb = (colon < 0 ? null : address[(colon + 1)..]) switch
        {
            null => null,
            "thumb" => true,
            "arm" => false,
            string other => throw new CommandLineException(
                $"{Option}: '{other}' in '{text}' is no instruction set: thumb or arm"),
        };
        ulong value = AddressText.Parse(colon < 0 ? address : address.AsSpan(0, colon), Option);
        return new SymbolDefinition(text[..equals], value, isThumb);
    }
}
