using ElfLoader.Elf;

namespace ElfLoader.Linking;

/// <summary>Turns the global symbols of a linked unit into definitions of its library.</summary>
internal static class PublishedSymbols
{
    /// <summary>Refuses a unit whose strong symbols another load has defined in the meantime.</summary>
    /// <exception cref="LinkException">There is such a symbol.</exception>
    internal static void CheckRace(DefinitionTable definitions, SymbolResolution resolution)
    {
        LinkSymbols symbols = resolution.Symbols;
        for (int i = 0; i < symbols.Count && definitions.Count > 0; i++)
        {
            ref LinkSymbol symbol = ref symbols[i];
            if (symbol.State is SymbolState.Strong && symbol.Definer >= 0
                && definitions.Find(symbol.Hash, symbols.Name(i)) is { Exists: true, IsWeak: false } other)
            {
                string name = symbols.Text(i);
                throw new LinkException(
                    LinkErrorCode.Duplicate,
                    new LinkLocation(resolution.Objects[symbol.Definer].Elf.Name, Symbol: name),
                    $"'{name}' is defined already by {other.Provider}");
            }
        }
    }

    /// <summary>Adds all definitions.</summary>
    internal static void Add(DefinitionTable definitions, LoadedUnit unit, SymbolResolution resolution)
    {
        LinkSymbols symbols = resolution.Symbols;
        definitions.Reserve(symbols.Count);
        for (int i = 0; i < symbols.Count; i++)
        {
            ref LinkSymbol symbol = ref symbols[i];
            if (symbol.State is not (SymbolState.Weak or SymbolState.Common or SymbolState.Strong)
                || symbol.Definer < 0 || (symbol.Traits & SymbolTraits.Discarded) != 0)
            {
                continue;
            }

            bool isTls = (symbol.Traits & SymbolTraits.Tls) != 0;
            definitions.Set(symbol.Hash, symbols.Name(i), new Definition
            {
                Address = symbol.Value,
                Size = symbol.Size,
                Type = (symbol.Traits & SymbolTraits.Ifunc) != 0 ? SymbolType.Function : symbol.Type,
                IsWeak = symbol.State is SymbolState.Weak or SymbolState.Common,
                IsHidden = symbol.Visibility is SymbolVisibility.Hidden or SymbolVisibility.Internal,
                IsAbsolute = (symbol.Traits & SymbolTraits.Absolute) != 0,
                Unit = unit,
                Tls = isTls ? unit.Resources.TlsReferenceTo(symbol.Value) : null,
                Provider = resolution.Objects[symbol.Definer].Elf.Name,
            });
        }
    }
}
