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

/// <summary>Sections out of the ordinary that are kept of an object: passes that are about them skip objects without.</summary>
[Flags]
internal enum ObjectParts : byte
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>Unwind tables.</summary>
    Unwind = 1,

    /// <summary>Thread-local storage.</summary>
    Tls = 2,

    /// <summary>Fragments of functions (<c>.init</c>, <c>.fini</c>).</summary>
    Fragments = 4,

    /// <summary>Arrays of functions to call at the end.</summary>
    Terminators = 8,
}

/// <summary>One object on its way through a link: its sections' places and its symbols' values.</summary>
internal sealed class LinkObject
{
    private readonly SectionPlace[] _sections;
    private readonly BoundSymbol[] _symbols;
    private readonly int _firstSection;
    private readonly int _sectionCount;
    private readonly int _firstSymbol;
    private readonly int _symbolCount;
    private GotTable? _got;

    internal LinkObject(
        ElfObject elf, int ordinal, ref SharedArray<SectionPlace> sections, ref SharedArray<BoundSymbol> symbols)
    {
        Elf = elf;
        Ordinal = ordinal;
        _sectionCount = elf.Sections.Length;
        _symbolCount = Math.Max(elf.SymbolCount, 1); // the null symbol stands for "no symbol"
        _sections = sections.Take(_sectionCount, out _firstSection);
        _symbols = symbols.Take(_symbolCount, out _firstSymbol);
        _symbols[_firstSymbol].Global = -1;
    }

    /// <summary>The object's bytes and headers.</summary>
    internal ElfObject Elf { get; }

    /// <summary>Position in the order of linking.</summary>
    internal int Ordinal { get; }

    /// <summary>One entry for each section header.</summary>
    internal Span<SectionPlace> Sections => _sections.AsSpan(_firstSection, _sectionCount);

    /// <summary>One entry for each symbol.</summary>
    internal Span<BoundSymbol> Symbols => _symbols.AsSpan(_firstSymbol, _symbolCount);

    /// <summary>The slots this object's code asks for.</summary>
    internal GotTable Got => _got ??= new GotTable();

    /// <summary>Whether anything refers to <see cref="Got"/>.</summary>
    internal bool UsesGot => _got is { IsUsed: true };

    /// <summary>Which sections out of the ordinary it has.</summary>
    internal ObjectParts Parts { get; set; }

    /// <summary>Offset in the block of code where the object's first section, or the gap before it, is.</summary>
    internal ulong CodeStart { get; set; }

    /// <summary>Whether a relocation can change the section's bytes or its own are needed.</summary>
    internal bool IsKept(int section) => Sections[section].Fate is SectionFate.Kept;

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
