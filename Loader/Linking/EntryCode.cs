using ElfLoader.Elf;

namespace ElfLoader.Linking;

/// <summary>
/// Tells symbols that can be called from those that cannot. The section decides, not the symbol's type: code may be in a section of any
/// name, and assemblers leave symbols without a type. A number (SHN_ABS) may be an address of anything.
/// </summary>
internal static class EntryCode
{
    /// <summary>Says why a symbol that an object defines cannot be called; null if it can.</summary>
    internal static string? Objection(ElfObject elf, in SymbolRecord symbol) => symbol switch
    {
        { Type: SymbolType.Tls } => $"is a thread-local variable of {elf.Name}",
        { Place: SymbolPlace.Common or SymbolPlace.LargeCommon } => $"is a variable of {elf.Name}",
        { Place: SymbolPlace.Section } when (elf.Sections[symbol.Section].Flags & ElfConstants.SHF_EXECINSTR) is 0 =>
            $"is in {elf.SectionNameText(symbol.Section)} of {elf.Name}, which has no code",
        _ => null,
    };

    /// <summary>Says why a symbol of a link cannot be called; null if it can, or no object of the link defines it.</summary>
    internal static string? Objection(SymbolResolution resolution, in LinkSymbol symbol)
    {
        if (!PublishedSymbols.IsDefined(symbol))
        {
            return null;
        }

        ElfObject elf = resolution.Objects[symbol.Definer].Elf;
        return Objection(elf, elf.Symbol(symbol.DefinerSymbol));
    }

    /// <summary>Says why a definition of a library cannot be called; null if it can.</summary>
    internal static string? Objection(in Definition definition)
    {
        if (definition is { Type: SymbolType.Function } or { IsAbsolute: true })
        {
            return null;
        }

        if (definition.Tls is not null || definition.Type is SymbolType.Tls)
        {
            return $"is a thread-local variable of {definition.Provider}";
        }

        ulong address = definition.Address;
        foreach (LoadedSection section in definition.Unit?.Sections ?? [])
        {
            if ((section.Flags & ElfConstants.SHF_ALLOC) is not 0 && address >= section.Address && address - section.Address < section.Size)
            {
                return (section.Flags & ElfConstants.SHF_EXECINSTR) is not 0
                    ? null
                    : $"is in {section.Name} of {section.Object}, which has no code";
            }
        }

        return definition.Type is SymbolType.Object or SymbolType.Common ? $"is a variable of {definition.Provider}" : null;
    }

    /// <summary>Refuses the entry of a program that an object defines and that cannot be called.</summary>
    /// <exception cref="LinkException">It cannot.</exception>
    internal static void Check(IEnumerable<ElfObject> objects, string entry, ReadOnlySpan<byte> name)
    {
        foreach (ElfObject elf in objects)
        {
            int symbol = LinkMapOfUnit.FindDefinition(elf, name);
            if (symbol >= 0 && Objection(elf, elf.Symbol(symbol)) is { } objection)
            {
                throw Refused(entry, objection);
            }
        }
    }

    /// <summary>The error of an entry that cannot be called.</summary>
    internal static LinkException Refused(string entry, string objection) =>
        new(LinkErrorCode.Unsupported, new LinkLocation("", Symbol: entry), $"the entry '{entry}' {objection}");
}
