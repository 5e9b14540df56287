using System.Diagnostics.CodeAnalysis;
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

        if (definition.Unit is { } unit && TryFindSection(unit, definition.Address, out LinkObject? file, out int section))
        {
            return (file.Elf.Sections[section].Flags & ElfConstants.SHF_EXECINSTR) is not 0
                ? null
                : $"is in {file.Elf.SectionNameText(section)} of {file.Elf.Name}, which has no code";
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

    /// <summary>Finds the section of a unit that an address is in.</summary>
    private static bool TryFindSection(LoadedUnit unit, ulong address, [NotNullWhen(true)] out LinkObject? file, out int section)
    {
        UnitObjects objects = unit.Objects;
        for (int i = 0; i < objects.Count; i++)
        {
            file = objects[i];
            for (section = 1; section < file.Sections.Length; section++)
            {
                ref readonly SectionHeader header = ref file.Elf.Sections[section];
                ulong start = file.Sections[section].Address;
                if (file.IsKept(section) && (header.Flags & ElfConstants.SHF_ALLOC) is not 0
                    && address >= start && address - start < header.Size)
                {
                    return true;
                }
            }
        }

        (file, section) = (null, 0);
        return false;
    }
}
