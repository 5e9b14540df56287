namespace ElfLoader.Linking;

/// <summary>Tells where the definitions were found that symbols are bound to.</summary>
internal sealed class SymbolOrigins
{
    private readonly SymbolResolution _resolution;
    private readonly int _inputs;

    /// <param name="resolution">The symbols of a link.</param>
    /// <param name="inputs">How many of its objects were given: the others come from archives.</param>
    internal SymbolOrigins(SymbolResolution resolution, int inputs)
    {
        _resolution = resolution;
        _inputs = inputs;
    }

    /// <summary>Kind and name of who defines a symbol of an object.</summary>
    internal (SymbolSource Source, string? Provider) Of(LinkObject file, int symbol)
    {
        ref readonly BoundSymbol bound = ref file.Symbols[symbol];
        return bound switch
        {
            _ when symbol is 0 => (SymbolSource.None, null),
            _ when bound.Is(SymbolTraits.Discarded) => (SymbolSource.Dropped, null),
            _ when bound.Is(SymbolTraits.UndefinedWeak) => (SymbolSource.UndefinedWeak, null),
            _ when bound.Is(SymbolTraits.Missing) => (SymbolSource.Undefined, null),
            _ when bound.Is(SymbolTraits.GotBase) => (SymbolSource.Linker, null),
            { Global: >= 0 } => Of(file, _resolution.Symbols[bound.Global], bound.Global),
            _ => (SymbolSource.SameObject, file.Elf.Name),
        };
    }

    private (SymbolSource Source, string? Provider) Of(LinkObject file, in LinkSymbol symbol, int index)
    {
        if (symbol.Synthetic is not 0)
        {
            return (SymbolSource.Linker, null);
        }

        if (symbol.State is SymbolState.External)
        {
            Definition outside = _resolution.Outside(symbol);
            return outside.Owner is not null
                ? (SymbolSource.LoadedUnit, outside.Provider)
                : (outside.Source, outside.Source is SymbolSource.Host ? _resolution.DescribeOutside(index) : outside.Provider);
        }

        LinkObject definer = _resolution.Objects[symbol.Definer];
        SymbolSource source = definer == file ? SymbolSource.SameObject
            : definer.Ordinal >= _inputs ? SymbolSource.ArchiveMember
            : SymbolSource.OtherObject;
        return (source, definer.Elf.Name);
    }
}
