using ElfLoader.Elf;

namespace ElfLoader.Linking;

/// <summary>What becomes of a section.</summary>
internal enum SectionFate : byte
{
    /// <summary>It takes no memory when the program runs (no SHF_ALLOC), or is a note for linkers.</summary>
    NotLoaded,

    /// <summary>It is given an address.</summary>
    Kept,

    /// <summary>Another object's copy of its group prevails.</summary>
    Discarded,
}

/// <summary>What a kept section is for, as far as laying it out goes.</summary>
internal enum SectionRole : byte
{
    /// <summary>Nothing special: it goes where its flags say.</summary>
    Ordinary,

    /// <summary>It lies end to end with others of its name (<c>__start_NAME</c>).</summary>
    Gathered,

    /// <summary><c>.init</c>: fragments of one function, which lie end to end.</summary>
    Init,

    /// <summary><c>.fini</c>: fragments of one function, which lie end to end.</summary>
    Fini,

    /// <summary><c>.eh_frame</c>: all of a unit lie end to end and are registered as one.</summary>
    Unwind,

    /// <summary>Initial values of thread-local variables (<c>.tdata</c>).</summary>
    TlsData,

    /// <summary>Zero-initialized thread-local variables (<c>.tbss</c>): room in the TLS block, none in memory.</summary>
    TlsZero,
}

/// <summary>Where a section of an object ends up.</summary>
internal struct SectionPlace
{
    /// <summary>Address that running code sees: P is relative to it.</summary>
    internal ulong Address;

    /// <summary>Address that symbols are relative to: the same, but for TLS sections that in the TLS template.</summary>
    internal ulong SymbolBase;

    /// <summary>Offset in the block, in bytes.</summary>
    internal ulong Offset;

    /// <summary>Block of <see cref="LinkMemory"/> that holds it.</summary>
    internal int Block;

    /// <summary>Whether it is loaded.</summary>
    internal SectionFate Fate;

    /// <summary>What it is for.</summary>
    internal SectionRole Role;
}

/// <summary>One object on its way through a link: its sections' places and its symbols' values.</summary>
internal sealed class LinkObject
{
    private readonly SectionPlace[] _sections;
    private readonly BoundSymbol[] _symbols;

    internal LinkObject(ElfObject elf, int ordinal)
    {
        Elf = elf;
        Ordinal = ordinal;
        _sections = new SectionPlace[elf.Sections.Length];
        _symbols = new BoundSymbol[Math.Max(elf.SymbolCount, 1)]; // the null symbol stands for "no symbol"
        _symbols[0].Global = -1;
    }

    /// <summary>The object's bytes and headers.</summary>
    internal ElfObject Elf { get; }

    /// <summary>Position in the order of linking.</summary>
    internal int Ordinal { get; }

    /// <summary>One entry for each section header.</summary>
    internal Span<SectionPlace> Sections => _sections;

    /// <summary>One entry for each symbol.</summary>
    internal Span<BoundSymbol> Symbols => _symbols;

    /// <summary>The slots this object's code asks for.</summary>
    internal GotTable Got { get; } = new();

    /// <summary>Offset in the block of code where the object's first section, or the gap before it, is.</summary>
    internal ulong CodeStart { get; set; }

    /// <summary>Whether a relocation can change the section's bytes or its own are needed.</summary>
    internal bool IsKept(int section) => _sections[section].Fate is SectionFate.Kept;

    /// <summary>A location for messages.</summary>
    internal LinkLocation At(int section, ulong offset, int symbol = 0) => new(
        Elf.Name, Elf.SectionNameText(section), offset, symbol is 0 ? null : DescribeSymbol(symbol));

    /// <summary>The name of a symbol, or of the section that a section symbol stands for.</summary>
    internal string DescribeSymbol(int symbol)
    {
        if (symbol is 0)
        {
            return "no symbol";
        }

        SymbolRecord record = Elf.Symbol(symbol);
        string name = Elf.SymbolNameText(symbol);
        return name.Length is 0 && record.Place is SymbolPlace.Section ? Elf.SectionNameText(record.Section) : name;
    }
}
