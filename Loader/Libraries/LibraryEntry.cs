using System.Diagnostics.CodeAnalysis;
using System.Text;
using ElfLoader.Elf;
using ElfLoader.Images;
using ElfLoader.Linking;
using ElfLoader.Loading;

namespace ElfLoader.Libraries;

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

    /// <summary>Refuses the entry of a program that cannot be called, before anything of the program is in memory.</summary>
    /// <param name="library">The library that the program is loaded into.</param>
    /// <param name="resolution">The names of the link: they tell which of several definitions is taken.</param>
    /// <param name="entry">The entry.</param>
    /// <exception cref="LinkException">It is no function, or a local symbol of several objects.</exception>
    internal static void RefuseData(ObjectLibrary library, SymbolResolution resolution, string entry)
    {
        byte[] name = Encoding.UTF8.GetBytes(entry);
        int index = resolution.Symbols.Find(name);
        if (index >= 0 && resolution.Symbols[index].IsDefinedInLink)
        {
            ThrowIf(EntryCode.Objection(resolution, resolution.Symbols[index]), entry);
        }
        else if (library.Contents.Find(NameHash.Of(name), name) is { Exists: true } own)
        {
            ThrowIf(Objection(own), entry);
        }
        else
        {
            LocalEntry.RefuseSeveral(resolution.Objects, entry);
        }
    }

    private static void ThrowIf(string? objection, string entry)
    {
        if (objection is not null)
        {
            throw EntryCode.Refused(entry, objection);
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
