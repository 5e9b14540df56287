using System.Buffers;
using ElfLoader.Elf;
using ElfLoader.Linking;
using ElfLoader.Redirection;

namespace ElfLoader.Libraries;

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
            if (symbol.IsDefinedInLink && symbol.State is SymbolState.Strong)
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
    /// <returns>The symbols whose definitions were not added, mostly null: the unit uses its own copies, and nobody else does.</returns>
    internal static List<int>? Add(
        DefinitionTable definitions, LoadedUnit unit, SymbolResolution resolution, UnitEntries? entries)
    {
        LinkSymbols symbols = resolution.Symbols;
        definitions.Reserve(symbols.Count);
        int[] rented = ArrayPool<int>.Shared.Rent(resolution.Objects.Count);
        Span<int> origins = rented.AsSpan(0, resolution.Objects.Count);
        origins.Clear();
        List<int>? overtaken = null;
        for (int i = 0; i < symbols.Count; i++)
        {
            ref LinkSymbol symbol = ref symbols[i];
            if (!symbol.IsDefinedInLink)
            {
                continue;
            }

            bool isWeak = symbol.State is SymbolState.Weak or SymbolState.Common;
            if (isWeak && definitions.Count > 0 && IsCode(definitions.Find(symbol.Hash, symbols.Name(i))))
            {
                (overtaken ??= []).Add(i);
                continue;
            }

            ElfObject elf = resolution.Objects[symbol.Definer].Elf;
            definitions.Set(
                symbol.Hash,
                elf,
                symbol.NameObject == symbol.Definer ? (uint)symbol.NameOffset : elf.Symbol(symbol.DefinerSymbol).NameOffset,
                symbol.NameLength,
                DefinitionOf(unit, resolution, entries, i),
                ref origins[symbol.Definer]);
        }

        ArrayPool<int>.Shared.Return(rented);
        return overtaken;
    }

    /// <summary>Whether one of these symbols is defined in a section of a group.</summary>
    internal static bool IsAnyIn(SectionGroup group, int file, SymbolResolution resolution, List<int> symbols)
    {
        ElfObject elf = resolution.Objects[file].Elf;
        foreach (int index in symbols)
        {
            ref LinkSymbol symbol = ref resolution.Symbols[index];
            if (symbol.Definer == file && elf.Symbol(symbol.DefinerSymbol) is { Place: SymbolPlace.Section } record
                && elf.Members(group).Contains(record.Section))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The definition of a name whose own one in a unit gave way.</summary>
    internal static Definition SharedBy(LoadedUnit unit, SymbolResolution resolution, in LinkSymbol symbol) =>
        resolution.Outside(symbol) with { SharingOwner = unit, IsWeak = true };

    /// <summary>The definition that a symbol of a unit is.</summary>
    internal static Definition DefinitionOf(
        LoadedUnit unit, SymbolResolution resolution, UnitEntries? entries, int index)
    {
        ref LinkSymbol symbol = ref resolution.Symbols[index];
        bool isTls = (symbol.Traits & SymbolTraits.Tls) != 0;
        EntryFunction function = entries is null ? default : entries[index];
        return new Definition
        {
            Address = symbol.Value,
            Size = symbol.Size,
            Type = (symbol.Traits & SymbolTraits.Ifunc) != 0 || IsUntypedCode(symbol, resolution) ? SymbolType.Function : symbol.Type,
            IsWeak = symbol.State is SymbolState.Weak or SymbolState.Common,
            IsHidden = symbol.Visibility is SymbolVisibility.Hidden or SymbolVisibility.Internal,
            IsAbsolute = (symbol.Traits & SymbolTraits.Absolute) != 0,
            Owner = unit,
            Tls = isTls ? unit.Resources.TlsReferenceTo(symbol.Value) : null,
            Redirection = function.Entry,
            Body = function.Body,
            Provider = resolution.Objects[symbol.Definer].Elf.Name,
        };
    }

    /// <summary>
    /// Whether a symbol without a type stands for code, as assemblers leave it where nobody says <c>.type</c>. At the end of a
    /// section there is none: such a symbol marks where something ends.
    /// </summary>
    internal static bool IsUntypedCode(in LinkSymbol symbol, SymbolResolution resolution)
    {
        if (symbol.Type is not SymbolType.NoType || symbol.State is not (SymbolState.Strong or SymbolState.Weak))
        {
            return false;
        }

        ElfObject elf = resolution.Objects[symbol.Definer].Elf;
        SymbolRecord record = elf.Symbol(symbol.DefinerSymbol);
        return record.Place is SymbolPlace.Section
            && (elf.Sections[record.Section].Flags & ElfConstants.SHF_EXECINSTR) != 0
            && record.Value < elf.Sections[record.Section].Size;
    }

    /// <summary>Whether there is a definition with something behind it: not an entry without code.</summary>
    private static bool IsCode(in Definition definition) => definition is { Exists: true } and not { Unit: null, Entry: not null };
}
