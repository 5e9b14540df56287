using ElfLoader.Elf;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Inspection;

/// <summary>The relocations and the symbols of one section, by offset.</summary>
internal sealed class SectionAnnotations : CodeAnnotations
{
    private readonly ElfObject _elf;
    private readonly RelocationRecord[] _relocations;
    private readonly (ulong Offset, int Symbol)[] _symbols;

    internal SectionAnnotations(ElfObject elf, int section)
        : this(elf, section, new SectionContents(elf))
    {
    }

    /// <param name="elf">The object.</param>
    /// <param name="section">The section.</param>
    /// <param name="contents">What its sections hold.</param>
    internal SectionAnnotations(ElfObject elf, int section, SectionContents contents)
    {
        _elf = elf;
        List<RelocationRecord> relocations = [];
        foreach (int index in contents.RelocationsOf(section))
        {
            ref readonly RelocationSection records = ref elf.RelocationSections[index];
            foreach (RelocationRecord relocation in elf.Relocations(records))
            {
                relocations.Add(records.HasExplicitAddend ? relocation : WithAddend(section, relocation));
            }
        }

        _relocations = [.. relocations.OrderBy(relocation => relocation.Offset)]; // stable: TLS sequences stay in order
        List<(ulong, int)> symbols = [];
        foreach (int i in contents.SymbolsOf(section))
        {
            // The lowest bit of a function's value tells that it is in Thumb code (AAELF32, "Symbol Values").
            SymbolRecord symbol = elf.Symbol(i);
            bool isThumb = elf.Machine is EM_ARM && symbol.Type is SymbolType.Function;
            symbols.Add((isThumb ? symbol.Value & ~1UL : symbol.Value, i));
        }

        _symbols = [.. symbols.OrderBy(symbol => symbol.Item1)];
    }

    /// <inheritdoc/>
    internal override ReadOnlySpan<RelocationRecord> RelocationsIn(ulong start, int length)
    {
        int first = FirstAtOrAfter(start);
        int end = first;
        while (end < _relocations.Length && _relocations[end].Offset - start < (ulong)length)
        {
            end++;
        }

        return _relocations.AsSpan(first, end - first);
    }

    /// <inheritdoc/>
    internal override IReadOnlyList<string> LabelsAt(ulong offset)
    {
        List<string>? labels = null;
        for (int i = FirstSymbolAtOrAfter(offset); i < _symbols.Length && _symbols[i].Offset == offset; i++)
        {
            int symbol = _symbols[i].Symbol;
            if (_elf.Machine is not EM_ARM
                || MappingSymbol.Detect(_elf.Symbol(symbol), _elf.SymbolName(symbol)) is MappingKind.None)
            {
                (labels ??= []).Add(NameText.Shown(_elf.SymbolName(symbol)));
            }
        }

        return labels ?? [];
    }

    /// <inheritdoc/>
    internal override bool TryFindSymbol(ulong offset, out string name, out ulong start)
    {
        int index = FirstSymbolAtOrAfter(offset);
        index = index < _symbols.Length && _symbols[index].Offset == offset ? index : index - 1;
        (name, start) = index < 0 ? ("", 0) : (NameText.Shown(_elf.SymbolName(_symbols[index].Symbol)), _symbols[index].Offset);
        return index >= 0;
    }

    /// <inheritdoc/>
    internal override IEnumerable<(ulong Address, MappingKind Kind)> Mappings()
    {
        foreach ((ulong offset, int symbol) in _symbols)
        {
            if (MappingSymbol.Detect(_elf.Symbol(symbol), _elf.SymbolName(symbol)) is var kind and not MappingKind.None)
            {
                yield return (offset, kind);
            }
        }
    }

    /// <inheritdoc/>
    internal override string Describe(in RelocationRecord relocation) =>
        $"{Machines.NameOf(_elf, relocation.Type)} {TargetOf(relocation, relocation.Addend)}".TrimEnd();

    /// <inheritdoc/>
    internal override string TargetOf(in RelocationRecord relocation, long addend)
    {
        string name = relocation.Symbol is 0 ? "" : SymbolText.ShownNameOf(_elf, (int)relocation.Symbol);
        return addend switch
        {
            0 => name,
            < 0 => $"{name}-0x{unchecked((ulong)-addend):x}",
            _ => name.Length is 0 ? $"0x{addend:x}" : $"{name}+0x{addend:x}",
        };
    }

    /// <summary>A relocation with the addend that stands at its place.</summary>
    private RelocationRecord WithAddend(int section, in RelocationRecord relocation)
    {
        ReadOnlySpan<byte> bytes = _elf.SectionBytes(section);
        return Machines.ArchitectureOf(_elf)?.Relocations[relocation.Type] is { } rule
            && relocation.Offset <= (ulong)bytes.Length
            && (ulong)Math.Max(rule.Field.Size, rule.Addend?.Size ?? 0) <= (ulong)bytes.Length - relocation.Offset
            ? relocation with { Addend = rule.ReadAddend(bytes[(int)relocation.Offset..]) }
            : relocation;
    }

    private int FirstAtOrAfter(ulong offset)
    {
        int low = 0, high = _relocations.Length;
        while (low < high)
        {
            int middle = (low + high) / 2;
            (low, high) = _relocations[middle].Offset < offset ? (middle + 1, high) : (low, middle);
        }

        return low;
    }

    private int FirstSymbolAtOrAfter(ulong offset)
    {
        int low = 0, high = _symbols.Length;
        while (low < high)
        {
            int middle = (low + high) / 2;
            (low, high) = _symbols[middle].Offset < offset ? (middle + 1, high) : (low, middle);
        }

        return low;
    }
}
