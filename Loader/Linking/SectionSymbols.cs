using ElfLoader.Elf;

namespace ElfLoader.Linking;

/// <summary>The symbols of an object by the section that they are defined in, and there by name; sections' own are not among them.</summary>
internal sealed class SectionSymbols
{
    private readonly int[] _symbols;
    private readonly int[] _ends; // for each section where its symbols end

    internal SectionSymbols(ElfObject elf)
    {
        _symbols = [.. Enumerable.Range(0, elf.SymbolCount).Where(i =>
            elf.Symbol(i) is { Place: SymbolPlace.Section, Type: not SymbolType.Section })];
        Array.Sort(_symbols, (left, right) =>
        {
            int sections = elf.Symbol(left).Section.CompareTo(elf.Symbol(right).Section);
            return sections is not 0 ? sections : elf.SymbolName(left).SequenceCompareTo(elf.SymbolName(right));
        });
        _ends = new int[elf.Sections.Length];
        foreach (int symbol in _symbols)
        {
            _ends[elf.Symbol(symbol).Section]++;
        }

        for (int i = 1; i < _ends.Length; i++)
        {
            _ends[i] += _ends[i - 1];
        }
    }

    /// <summary>The symbols of a section.</summary>
    internal ReadOnlySpan<int> this[int section] => _symbols.AsSpan(_ends[section - 1].._ends[section]);
}
