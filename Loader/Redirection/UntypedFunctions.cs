using ElfLoader.Arch.X64;
using ElfLoader.Elf;
using ElfLoader.Libraries;
using ElfLoader.Linking;

namespace ElfLoader.Redirection;

/// <summary>
/// Symbols of code without a type, which are taken for functions and so have entries, but of which a unit makes uses that are those
/// of data.
/// </summary>
/// <remarks>
/// Nobody can tell for certain: compilers read a table of another object at an address that they take in the same way as a function's
/// which they store. Either is a <c>lea</c>, a slot of the global offset table or a word of data, and the reference has no type. The
/// address of a function must be its entry's, so such a symbol's is, too, and there is a warning.
/// </remarks>
internal static class UntypedFunctions
{
    private const int Shown = 5;

    /// <summary>Says which of them a unit reads or writes, or takes the address of and never calls.</summary>
    /// <param name="library">Where the unit is loaded.</param>
    /// <param name="resolution">Its names; relocations have been looked at.</param>
    /// <param name="entries">Its functions that are reached through entries.</param>
    /// <returns>Null if there are none.</returns>
    internal static string? Warning(ObjectLibrary library, SymbolResolution resolution, UnitEntries? entries)
    {
        if ((entries is null && !HasEntries(library)) || Find(resolution, entries) is not { } uses)
        {
            return null;
        }

        using var lent = new SymbolBuffer(resolution.MostSymbols);
        foreach (LinkObject file in resolution.Objects)
        {
            lent.Lend(file);
            foreach (ref readonly RelocationSection section in file.Elf.RelocationSections)
            {
                if (file.IsKept(section.Target) && file.Sections[section.Target].Role is not SectionRole.Unwind)
                {
                    Note(file, section, uses);
                }
            }
        }

        string[] doubtful =
        [
            .. uses.Where(use => (use.Value & Uses.Memory) != 0 || use.Value is Uses.Address)
                .Select(use => resolution.Symbols.Text(use.Key)).Order(StringComparer.Ordinal),
        ];
        return doubtful.Length is 0
            ? null
            : $"'{string.Join("', '", doubtful.Take(Shown))}'"
                + (doubtful.Length > Shown ? $" and {doubtful.Length - Shown} more" : "")
                + $"{(doubtful.Length > 1 ? ": symbols" : ": a symbol")} of code without a type, which the unit reads, or takes the "
                + "address of and never calls: it gets the address of a function's entry; what is data must say so "
                + $"(.type {doubtful[0]}, @object)";
    }

    [Flags]
    private enum Uses
    {
        None = 0,
        Address = 1,
        Branch = 2,
        Memory = 4,
    }

    private static bool HasEntries(ObjectLibrary library)
    {
        bool has = !library.Entries.IsEmpty;
        foreach (ObjectLibrary linked in library.LinkedLibraries)
        {
            has |= !linked.Entries.IsEmpty;
        }

        return has;
    }

    /// <summary>Finds the symbols, by their indices; null if there are none.</summary>
    private static Dictionary<int, Uses>? Find(SymbolResolution resolution, UnitEntries? entries)
    {
        Dictionary<int, Uses>? found = null;
        for (int i = 0; i < resolution.Symbols.Count; i++)
        {
            ref LinkSymbol symbol = ref resolution.Symbols[i];
            if (symbol.State is SymbolState.External
                ? resolution.Outside(symbol).Entry is { IsUntyped: true }
                : entries is not null && entries[i].IsUntyped)
            {
                (found ??= []).Add(i, Uses.None);
            }
        }

        return found;
    }

    private static void Note(LinkObject file, in RelocationSection section, Dictionary<int, Uses> uses)
    {
        bool isCode = (file.Elf.Sections[section.Target].Flags & ElfConstants.SHF_EXECINSTR) != 0;
        ReadOnlySpan<byte> bytes = isCode ? file.Elf.SectionBytes(section.Target) : [];
        foreach (RelocationRecord record in file.Elf.Relocations(section))
        {
            if (file.Symbols[(int)record.Symbol].Global is >= 0 and int symbol && uses.TryGetValue(symbol, out Uses known))
            {
                SymbolUse use = isCode ? X64References.UseAt(record.Type, bytes, record.Offset) : SymbolUse.Address;
                uses[symbol] = known | use switch
                {
                    SymbolUse.Branch => Uses.Branch,
                    SymbolUse.Memory => Uses.Memory,
                    _ => Uses.Address,
                };
            }
        }
    }
}
