using ElfLoader.Elf;

namespace ElfLoader.Linking;

/// <summary>Turns the global symbols of a linked unit into definitions of its library.</summary>
internal static class PublishedSymbols
{
    /// <summary>Finds a strong symbol that another load has defined since the unit was resolved.</summary>
    /// <returns>Its index, or -1.</returns>
    internal static int FindConflict(DefinitionTable definitions, SymbolResolution resolution, out Definition other)
    {
        LinkSymbols symbols = resolution.Symbols;
        for (int i = 0; i < symbols.Count && definitions.Count > 0; i++)
        {
            ref LinkSymbol symbol = ref symbols[i];
            if (IsDefined(symbol) && symbol.State is SymbolState.Strong)
            {
                other = definitions.Find(symbol.Hash, symbols.Name(i));
                if (other is { Exists: true, IsWeak: false })
                {
                    return i;
                }
            }
        }

        other = default;
        return -1;
    }

    /// <summary>Adds all definitions, but weak ones that another load has added since the unit was resolved.</summary>
    internal static void Add(DefinitionTable definitions, LoadedUnit unit, SymbolResolution resolution)
    {
        LinkSymbols symbols = resolution.Symbols;
        definitions.Reserve(symbols.Count);
        for (int i = 0; i < symbols.Count; i++)
        {
            ref LinkSymbol symbol = ref symbols[i];
            bool isWeak = symbol.State is SymbolState.Weak or SymbolState.Common;
            if (!IsDefined(symbol)
                || (isWeak && definitions.Count > 0 && definitions.Find(symbol.Hash, symbols.Name(i)).Exists))
            {
                continue;
            }

            bool isTls = (symbol.Traits & SymbolTraits.Tls) != 0;
            definitions.Set(symbol.Hash, symbols.Name(i), new Definition
            {
                Address = symbol.Value,
                Size = symbol.Size,
                Type = (symbol.Traits & SymbolTraits.Ifunc) != 0 ? SymbolType.Function : symbol.Type,
                IsWeak = isWeak,
                IsHidden = symbol.Visibility is SymbolVisibility.Hidden or SymbolVisibility.Internal,
                IsAbsolute = (symbol.Traits & SymbolTraits.Absolute) != 0,
                Unit = unit,
                Tls = isTls ? unit.Resources.TlsReferenceTo(symbol.Value) : null,
                Provider = resolution.Objects[symbol.Definer].Elf.Name,
            });
        }
    }

    private static bool IsDefined(in LinkSymbol symbol) =>
        symbol.State is SymbolState.Weak or SymbolState.Common or SymbolState.Strong
        && symbol.Definer >= 0 && (symbol.Traits & SymbolTraits.Discarded) == 0;
}
