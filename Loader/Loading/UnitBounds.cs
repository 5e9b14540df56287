using ElfLoader.Linking;
using ElfLoader.Memory;

namespace ElfLoader.Loading;

/// <summary>The symbols that a linker would define for a unit, and what they want of its layout.</summary>
/// <remarks>
/// They tell about the unit alone. <c>__data_start</c> is no linker's: in a program it comes from a start file of the C library,
/// which a unit does without.
/// </remarks>
internal sealed class UnitBounds : ILinkedBounds
{
    private const string DataSection = ".data";
    private const string UnwindIndexSection = ".eh_frame_hdr";
    private const string NoSection = ""; // what the loader does itself, a program finds nothing left to do

    private static readonly LinkerNames Names = new(
    [
        new LinkerSymbol("__data_start", bounds => bounds.RangeOf(DataSection).Start),
        new LinkerSymbol("data_start", bounds => bounds.RangeOf(DataSection).Start),
        new LinkerSymbol("__GNU_EH_FRAME_HDR", bounds => bounds.RangeOf(UnwindIndexSection).Start, LayoutNeeds.Header),
        .. LinkerSymbol.Range("__rela_iplt_start", "__rela_iplt_end", NoSection),
    ]);

    private Dictionary<string, SectionRange>? _arrays;

    /// <summary>Where everything lies.</summary>
    internal UnitLayout Layout { get; set; } = null!;

    /// <summary>What the symbols that are referred to need of the layout.</summary>
    internal LayoutNeeds Needs { get; private set; }

    /// <inheritdoc/>
    public ulong Header => Layout.Header.Address;

    /// <inheritdoc/>
    public ulong EndOfCode => End(MemoryZone.Code);

    /// <inheritdoc/>
    public ulong EndOfInitializedData => Start(MemoryZone.Data) + Layout.InitializedSize;

    /// <inheritdoc/>
    public ulong StartOfZeros => EndOfInitializedData;

    /// <inheritdoc/>
    public ulong EndOfData => End(MemoryZone.Data);

    /// <summary>Forgets all of a link, so that there can be another one.</summary>
    internal void Clear()
    {
        (Needs, UsesInterface, _arrays) = (LayoutNeeds.None, false, null);
    }

    /// <inheritdoc/>
    public (ulong Start, ulong End) RangeOf(string section)
    {
        if (section is DataSection)
        {
            return (Start(MemoryZone.Data), EndOfData);
        }

        if (section is UnwindIndexSection)
        {
            return (Layout.Header.IndexAddress, Layout.Header.IndexAddress + (ulong)Layout.Header.IndexSize);
        }

        return _arrays is not null && _arrays.TryGetValue(section, out SectionRange? range) && range.Sections.Count > 0
            ? (range.Start, range.Stop)
            : (Start(MemoryZone.Relro), Start(MemoryZone.Relro));
    }

    /// <summary>Finds a symbol; null where linkers define none of that name.</summary>
    internal static LinkerSymbol? Find(ReadOnlySpan<byte> name) => Names.Find(name);

    /// <summary>Tells where the arrays of a name are.</summary>
    internal void Add(string section, SectionRange arrays) => (_arrays ??= [])[section] = arrays;

    /// <summary>Whether code asks the dynamic linker where things are.</summary>
    internal bool UsesInterface { get; private set; }

    /// <summary>Notes that it does.</summary>
    internal void UseInterface()
    {
        UsesInterface = true;
        Needs |= LayoutNeeds.Header;
    }

    /// <summary>Notes that a symbol is referred to.</summary>
    internal SyntheticSymbol Use(LinkerSymbol symbol)
    {
        Needs |= symbol.Needs;
        return new SyntheticSymbol(() => symbol.Value(this), SymbolTraits.Internal | SymbolTraits.Data);
    }

    private ulong Start(MemoryZone zone) => Layout.Blocks[(int)zone].Address;

    private ulong End(MemoryZone zone) => Start(zone) + Layout.Blocks[(int)zone].Size;
}
