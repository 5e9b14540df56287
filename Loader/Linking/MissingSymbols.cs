using ElfLoader.Elf;

namespace ElfLoader.Linking;

/// <summary>Names that nothing defines, and where they are referred to: each is reported once.</summary>
internal sealed class MissingSymbols
{
    private const int ReferencesShown = 3;

    private readonly LinkSymbols _symbols;
    private readonly LinkErrors _errors;
    private readonly Dictionary<int, List<LinkLocation>> _places = [];

    /// <param name="symbols">The names of the link.</param>
    /// <param name="errors">Where they are reported.</param>
    internal MissingSymbols(LinkSymbols symbols, LinkErrors errors)
    {
        _symbols = symbols;
        _errors = errors;
    }

    /// <summary>Notes a reference.</summary>
    internal void Note(LinkObject file, in RelocationSection section, in RelocationRecord record)
    {
        int symbol = (int)record.Symbol;
        int global = file.Symbols[symbol].Global;
        if (!_places.TryGetValue(global, out List<LinkLocation>? places))
        {
            _places.Add(global, places = []);
        }

        if (places.Count < ReferencesShown)
        {
            places.Add(file.At(section.Target, record.Offset, symbol));
        }
    }

    /// <summary>Reports them, each with the first of its references.</summary>
    internal void Report()
    {
        foreach ((int global, List<LinkLocation> places) in _places)
        {
            string name = _symbols.Text(global);
            bool isHidden = _symbols[global].Visibility is SymbolVisibility.Hidden or SymbolVisibility.Internal;
            string others = places.Count > 1 ? $" (also at {string.Join(", ", places.Skip(1))})" : "";
            _errors.Add(
                LinkErrorCode.Undefined,
                places[0],
                $"undefined symbol '{name}'{CompilerRuntime.Advice(name)}{(isHidden ? ", which is hidden and must be defined in this library" : "")}{others}");
        }
    }
}
