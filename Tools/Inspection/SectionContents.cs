using ElfLoader.Elf;

namespace ElfLoader.Inspection;

/// <summary>
/// Which symbols and which relocations each section of an object has: found in one pass over the tables, however many sections
/// are going to be looked at.
/// </summary>
public sealed class SectionContents
{
    private readonly int[] _firstSymbol;
    private readonly int[] _symbols;
    private readonly int[] _firstRelocations;
    private readonly int[] _relocations;

    /// <summary>Goes through the tables of an object.</summary>
    public SectionContents(ElfObject elf)
    {
        ArgumentNullException.ThrowIfNull(elf);
        int sections = elf.Sections.Length;
        int[] sectionOfSymbol = new int[elf.SymbolCount];
        for (int i = 1; i < sectionOfSymbol.Length; i++)
        {
            SymbolRecord symbol = elf.Symbol(i);
            sectionOfSymbol[i] = symbol.Place is SymbolPlace.Section && symbol.Type is not SymbolType.Section
                && !elf.SymbolName(i).IsEmpty ? symbol.Section : 0;
            Steps++;
        }

        int[] targets = new int[elf.RelocationSections.Length];
        for (int i = 0; i < targets.Length; i++)
        {
            targets[i] = elf.RelocationSections[i].Target;
            Steps++;
        }

        (_firstSymbol, _symbols) = Sort(sectionOfSymbol, sections);
        (_firstRelocations, _relocations) = Sort(targets, sections);
    }

    /// <summary>Entries of tables that were looked at.</summary>
    internal int Steps { get; private set; }

    /// <summary>The symbols with names that are defined in a section, in the order of the table; not its section symbols.</summary>
    internal ReadOnlySpan<int> SymbolsOf(int section) => _symbols.AsSpan(_firstSymbol[section].._firstSymbol[section + 1]);

    /// <summary>The relocation sections that apply to a section, by their indices.</summary>
    internal ReadOnlySpan<int> RelocationsOf(int section) =>
        _relocations.AsSpan(_firstRelocations[section].._firstRelocations[section + 1]);

    /// <summary>Sorts indices by their keys, stably (counting sort); those with key 0 are left out.</summary>
    private static (int[] First, int[] Sorted) Sort(int[] keys, int count)
    {
        int[] first = new int[count + 2];
        foreach (int key in keys)
        {
            first[key + 1] += key is 0 ? 0 : 1;
        }

        for (int i = 1; i < first.Length; i++)
        {
            first[i] += first[i - 1];
        }

        int[] sorted = new int[first[count]];
        int[] next = [.. first];
        for (int i = 0; i < keys.Length; i++)
        {
            if (keys[i] is not 0)
            {
                sorted[next[keys[i]]++] = i;
            }
        }

        return (first, sorted);
    }
}
