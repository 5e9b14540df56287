using System.Text;
using System.Runtime.InteropServices;
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

/// <summary>Where a section of an object ends up: 12 bytes, for objects of C++ have thousands of sections.</summary>
[StructLayout(LayoutKind.Sequential, Pack = sizeof(uint))]
internal struct SectionPlace
{
    private const int RoleBit = 2;
    private const int TlsBit = 5;
    private const int BlockBit = 6;
    private const uint FateMask = (1u << RoleBit) - 1;
    private const uint RoleMask = (1u << TlsBit) - 1 - FateMask;
    private const uint TlsMask = 1u << TlsBit;

    /// <summary>
    /// Address that running code sees: P is relative to it. Until the blocks have addresses, the offset in the block.
    /// </summary>
    internal ulong Address;

    private uint _traits; // the block, whether it is thread-local, the role and the fate

    /// <summary>Block of <see cref="LinkMemory"/> that holds it.</summary>
    internal int Block
    {
        readonly get => (int)(_traits >> BlockBit);
        set => _traits = checked((uint)value * (1u << BlockBit)) | (_traits & (TlsMask | RoleMask | FateMask));
    }

    /// <summary>Whether a kept section is thread-local (SHF_TLS), whatever its role.</summary>
    internal bool IsTls
    {
        readonly get => (_traits & TlsMask) != 0;
        set => _traits = value ? _traits | TlsMask : _traits & ~TlsMask;
    }

    /// <summary>Whether it is loaded.</summary>
    internal SectionFate Fate
    {
        readonly get => (SectionFate)(_traits & FateMask);
        set => _traits = (_traits & ~FateMask) | (uint)value;
    }

    /// <summary>What it is for.</summary>
    internal SectionRole Role
    {
        readonly get => (SectionRole)((_traits & RoleMask) >> RoleBit);
        set => _traits = (_traits & ~RoleMask) | ((uint)value << RoleBit);
    }

    /// <summary>Offset in the block, in bytes, until that has an address; then <see cref="LinkMemory.OffsetOf"/> tells it.</summary>
    internal ulong Offset
    {
        readonly get => Address;
        set => Address = value;
    }
}

/// <summary>What an object has that most have not: passes that are about it skip objects without, or all of them.</summary>
[Flags]
internal enum ObjectParts : byte
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>Thread-local storage.</summary>
    Tls = 1,

    /// <summary>Fragments of functions (<c>.init</c>, <c>.fini</c>).</summary>
    Fragments = 2,

    /// <summary>Arrays of functions to call at the start or at the end.</summary>
    FunctionArrays = 4,

    /// <summary>A global offset table that is referred to.</summary>
    Got = 8,

    /// <summary>Names of symbols with versions.</summary>
    Versions = 16,

    /// <summary>Sections of which one copy is kept, by name.</summary>
    LinkOnce = 32,
}

/// <summary>One object on its way through a link: its sections' places and its symbols' values.</summary>
/// <remarks>
/// The symbols of a small link are bound once, and stay so. Those of a large one are bound, object by object, when their
/// relocations are looked at: all of them at once would be a good part of the memory that the link takes.
/// </remarks>
internal sealed class LinkObject
{
    private readonly SectionPlace[] _sections;
    private readonly int _firstSection;
    private readonly int _sectionCount;
    private readonly int _loadedCount;
    private readonly int _symbolCount;
    private readonly int[]? _globals; // of the symbols from the first global one on, where they are bound late
    private readonly int _firstGlobal;
    private BoundSymbol[]? _symbols;
    private int _firstSymbol;
    private GotTable? _got;
    private bool _isLent;
    private ulong[]? _symbolBases; // less the sections' addresses

    /// <param name="elf">The object.</param>
    /// <param name="ordinal">Position in the order of linking.</param>
    /// <param name="sections">What it has its sections' places in.</param>
    /// <param name="symbols">What it has its symbols' values in, unless they are bound late.</param>
    /// <param name="globals">What it has the names of its symbols in, where they are bound late.</param>
    /// <param name="bindsLate">Whether symbols are bound when they are needed, with what <see cref="Lend"/> gives.</param>
    internal LinkObject(
        ElfObject elf,
        int ordinal,
        ref SharedArray<SectionPlace> sections,
        ref SharedArray<BoundSymbol> symbols,
        ref SharedArray<int> globals,
        bool bindsLate = false)
    {
        Elf = elf;
        Ordinal = ordinal;
        _sectionCount = elf.Sections.Length;
        _loadedCount = elf.SectionsInMemory.Length;
        _sections = sections.Take(_sectionCount, out _firstSection);
        _symbolCount = Math.Max(elf.SymbolCount, 1); // the null symbol stands for "no symbol"
        if (bindsLate)
        {
            int count = elf.SymbolCount - elf.FirstGlobalSymbol;
            _globals = globals.Take(count, out _firstGlobal);
            _globals.AsSpan(_firstGlobal, count).Fill(-1);
        }
        else
        {
            _symbols = symbols.Take(_symbolCount, out _firstSymbol);
            foreach (ref BoundSymbol symbol in _symbols.AsSpan(_firstSymbol, _symbolCount))
            {
                symbol.Global = -1;
            }
        }
    }

    /// <summary>The object's bytes and headers.</summary>
    internal ElfObject Elf { get; }

    /// <summary>Position in the order of linking.</summary>
    internal int Ordinal { get; }

    /// <summary>One entry for each section header.</summary>
    internal Span<SectionPlace> Sections => _sections.AsSpan(_firstSection, _sectionCount);

    /// <summary>Those up to the last that may be loaded (<see cref="ElfObject.SectionsInMemory"/>).</summary>
    internal Span<SectionPlace> LoadedSections => _sections.AsSpan(_firstSection, _loadedCount);

    /// <summary>Number of symbols; the null symbol is always there.</summary>
    internal int SymbolCount => _symbolCount;

    /// <summary>One entry for each symbol.</summary>
    internal Span<BoundSymbol> Symbols => (_symbols ??= BindAll()).AsSpan(_firstSymbol, _symbolCount);

    /// <summary>Whether all symbols are bound, for good.</summary>
    internal bool IsBound => _symbols is not null && !_isLent;

    /// <summary>What binds symbols late.</summary>
    internal SymbolBinder? Binder { get; set; }

    /// <summary>The slots this object's code asks for.</summary>
    internal GotTable Got => _got ??= new GotTable();

    /// <summary>Whether anything refers to <see cref="Got"/>, if only to its address.</summary>
    internal bool UsesGot => (Parts & ObjectParts.Got) != 0;

    /// <summary>What it has that most have not.</summary>
    internal ObjectParts Parts { get; set; }

    /// <summary>Offset in the block of code where the object's first section, or the gap before it, is.</summary>
    internal ulong CodeStart { get; set; }

    /// <summary>Whether a relocation can change the section's bytes or its own are needed.</summary>
    internal bool IsKept(int section) => Sections[section].Fate is SectionFate.Kept;

    /// <summary>A location for messages.</summary>
    internal LinkLocation At(int section, ulong offset, int symbol = 0) => new(
        Elf.Name, NameText.Shown(Elf.SectionName(section)), offset, symbol is 0 ? null : DescribeSymbol(symbol));

    /// <summary>The name of a symbol, or of the section that a section symbol stands for, for messages.</summary>
    internal string DescribeSymbol(int symbol) => NameText.Shown(SymbolName(symbol));

    /// <summary>The same, whole.</summary>
    internal string SymbolText(int symbol) => Encoding.UTF8.GetString(SymbolName(symbol));

    private ReadOnlySpan<byte> SymbolName(int symbol)
    {
        if (symbol is 0)
        {
            return "no symbol"u8;
        }

        SymbolRecord record = Elf.Symbol(symbol);
        ReadOnlySpan<byte> name = Elf.SymbolName(symbol);
        return name.Length is 0 && record.Place is SymbolPlace.Section ? Elf.SectionName(record.Section) : name;
    }

    /// <summary>A symbol by itself.</summary>
    internal BoundSymbol Bound(int symbol) => _symbols is { } bound ? bound[_firstSymbol + symbol] : Binder!.Bind(this, symbol);

    /// <summary>Index into <see cref="LinkSymbols"/>, or -1 for a local symbol.</summary>
    internal int Global(int symbol)
    {
        if (_globals is null)
        {
            return _symbols![_firstSymbol + symbol].Global;
        }

        int global = symbol - Elf.FirstGlobalSymbol;
        return global >= 0 && symbol > 0 ? _globals[_firstGlobal + global] : -1;
    }

    /// <summary>The same of all symbols from the first global one on, where they are bound late.</summary>
    internal ReadOnlySpan<int> Globals => _globals.AsSpan(_firstGlobal, Elf.SymbolCount - Elf.FirstGlobalSymbol);

    /// <summary>Says which name a symbol has.</summary>
    internal void SetGlobal(int symbol, int global)
    {
        if (_globals is null)
        {
            _symbols![_firstSymbol + symbol].Global = global;
        }
        else
        {
            _globals[_firstGlobal + symbol - Elf.FirstGlobalSymbol] = global;
        }
    }

    /// <summary>Binds all symbols in memory that is given back; does nothing where they are bound for good.</summary>
    internal void Lend(BoundSymbol[] memory)
    {
        if (_symbols is null)
        {
            Binder!.Fill(this, memory.AsSpan(0, _symbolCount));
            _symbols = memory;
            _isLent = true;
        }
    }

    /// <summary>Takes the memory back that was lent.</summary>
    internal void TakeBack()
    {
        if (_isLent)
        {
            _symbols = null;
            _isLent = false;
        }
    }

    /// <summary>Address that the symbols of a section are relative to: its own, but for TLS sections that in the TLS template.</summary>
    internal ulong SymbolBase(int section) => _symbolBases is null
        ? Sections[section].Address
        : unchecked(Sections[section].Address + _symbolBases[section]);

    /// <summary>Lets the symbols of a section be relative to something else than its address, which is known.</summary>
    internal void SetSymbolBase(int section, ulong address) =>
        (_symbolBases ??= new ulong[_sectionCount])[section] = unchecked(address - Sections[section].Address);

    private BoundSymbol[] BindAll()
    {
        var symbols = new BoundSymbol[_symbolCount];
        Binder!.Fill(this, symbols);
        return symbols;
    }
}
