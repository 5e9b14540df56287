using ElfLoader.Elf;

namespace ElfLoader.Linking;

/// <summary>Tells definitions of a library that can be called from those that cannot: <see cref="EntryCode"/> has the rule.</summary>
internal static class LibraryEntry
{
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
            if (symbol >= 0 && EntryCode.Objection(elf, elf.Symbol(symbol)) is { } objection)
            {
                throw EntryCode.Refused(entry, objection);
            }
        }
    }
}
