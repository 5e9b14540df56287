using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using ElfLoader.Memory;

namespace ElfLoader.Elf;

/// <summary>A part of a file that is known to lie in it.</summary>
/// <param name="Start">Bytes from the start of the file.</param>
/// <param name="Length">Bytes.</param>
internal readonly record struct FilePart(int Start, int Length);

/// <summary>Where everything is in an object, once validated.</summary>
/// <remarks>
/// Of thousands of objects these are most of what stays, so they only say where in the file something is, and refer to few
/// other objects: the garbage collector looks at each of these.
/// </remarks>
internal struct ElfTables
{
    // Sections of relocations of one object after the other: an array for each would be an object more for each.
    [ThreadStatic]
    private static SharedArray<RelocationSection> s_relocationSections;

    private readonly byte[]? _array; // of the file, mostly: parts of an array are found faster
    private readonly int _start;
    private readonly int _length;
    private ElfRareData? _rarities;
    private RelocationSection[]? _relocationSections;
    private int _firstRelocationSection;
    private int _relocationSectionCount;
    private RelocationSummary _relocations;

    /// <param name="name">Name of the object, for messages.</param>
    /// <param name="bytes">The whole file.</param>
    /// <param name="limits">What the object may claim.</param>
    /// <param name="sections">Where the section headers are: of ELFCLASS64, they are read where they lie.</param>
    /// <param name="widened">The section headers, where that cannot be.</param>
    public ElfTables(
        string name, ReadOnlyMemory<byte> bytes, ReadLimits limits, FilePart sections, SectionHeader[]? widened)
    {
        Name = name;
        Limits = limits;
        SectionHeaders = sections;
        if (MemoryMarshal.TryGetArray(bytes, out ArraySegment<byte> segment))
        {
            (_array, _start, _length) = (segment.Array, segment.Offset, segment.Count);
        }

        if (_array is null || widened is not null)
        {
            _rarities = new ElfRareData { Bytes = bytes, Sections = widened };
        }
    }

    /// <summary>Name of the object, for messages.</summary>
    public string Name { readonly get; set; }

    /// <summary>The whole file.</summary>
    public readonly ReadOnlyMemory<byte> Bytes =>
        _array is { } array ? array.AsMemory(_start, _length) : _rarities!.Bytes;

    /// <summary>What the object may claim.</summary>
    public ReadLimits Limits { get; }

    /// <summary>Whether the structures are those of ELFCLASS64.</summary>
    public required bool Is64Bit { get; init; }

    /// <summary>EI_OSABI.</summary>
    public required byte OsAbi { get; init; }

    /// <summary>e_machine.</summary>
    public required ushort Machine { get; init; }

    /// <summary>e_flags.</summary>
    public required uint Flags { get; init; }

    /// <summary>Whether the header names a string table for the names of sections.</summary>
    public required bool HasSectionNames { get; init; }

    /// <summary>The section headers, for loops over many: they are found anew at each call.</summary>
    public readonly ReadOnlySpan<SectionHeader> Sections => _rarities?.Sections is { } widened
        ? widened
        : MemoryMarshal.Cast<byte, SectionHeader>(At(SectionHeaders));

    /// <summary>Whether a note says that the object needs an executable stack.</summary>
    public bool WantsExecutableStack { get; set; }

    /// <summary>Whether there are sections of GCC's intermediate code.</summary>
    public bool HasIntermediateCode { get; set; }

    /// <summary>The section header table.</summary>
    public FilePart SectionHeaders { get; }

    /// <summary>How many section headers there are up to the last of SHF_ALLOC.</summary>
    public int SectionsInMemory { get; set; }

    /// <summary>The string table of section names; empty where there is none.</summary>
    public FilePart SectionNames { get; set; }

    /// <summary>Bytes that NOBITS sections and common symbols ask for together, as far as seen.</summary>
    public ulong ZeroFilledSize { get; private set; }

    /// <summary>Section index of the symbol table; 0 where there is none.</summary>
    public int SymbolSection { get; set; }

    /// <summary>The entries of the symbol table.</summary>
    public FilePart Symbols { get; set; }

    /// <summary>The string table of the symbols.</summary>
    public FilePart SymbolNames { get; set; }

    /// <summary>SHT_SYMTAB_SHNDX: a 32-bit section index for each symbol; empty where there is none.</summary>
    public FilePart LargeIndices
    {
        readonly get => _rarities?.LargeIndices ?? default;
        set => Rare.LargeIndices = value;
    }

    /// <summary>Number of symbols.</summary>
    public int SymbolCount { get; set; }

    /// <summary>sh_info of the symbol table.</summary>
    public int FirstGlobalSymbol { get; set; }

    /// <summary>Sections of relocations in file order.</summary>
    public readonly ReadOnlySpan<RelocationSection> RelocationSections =>
        _relocationSections.AsSpan(_firstRelocationSection, _relocationSectionCount);

    /// <summary>What the relocations have in common.</summary>
    [UnscopedRef]
    public ref RelocationSummary Relocations => ref _relocations;

    /// <summary>Groups in file order.</summary>
    public SectionGroup[] Groups
    {
        readonly get => _rarities?.Groups ?? [];
        set => Rare.Groups = value;
    }

    /// <summary>What few objects have; it is made when it is asked for.</summary>
    public ElfRareData Rare =>
        _rarities ?? Interlocked.CompareExchange(ref _rarities, new ElfRareData(), null) ?? _rarities;

    /// <summary>Makes room for the sections of relocations.</summary>
    public Span<RelocationSection> TakeRelocationSections(int count)
    {
        _relocationSections = s_relocationSections.Take(count, out _firstRelocationSection);
        _relocationSectionCount = count;
        return _relocationSections.AsSpan(_firstRelocationSection, count);
    }

    /// <summary>Hints that the first bytes of a part of the file are going to be read.</summary>
    public readonly void Prefetch(FilePart part, int most)
    {
        const int cacheLine = 64; // of all x86-64 processors
        ReadOnlySpan<byte> bytes = At(part);
        for (int i = 0; i < Math.Min(bytes.Length, most); i += cacheLine)
        {
            NativeBytes.Prefetch(in MemoryMarshal.GetReference(bytes), i);
        }
    }

    /// <summary>The bytes of a part of the file.</summary>
    public readonly ReadOnlySpan<byte> At(FilePart part) => _array is { } array
        ? new ReadOnlySpan<byte>(array, _start + part.Start, part.Length)
        : _rarities!.Bytes.Span.Slice(part.Start, part.Length);

    /// <summary>Where a section is that is known to lie within the file; nothing, where it has no bytes.</summary>
    public readonly FilePart PartOf(int section)
    {
        ref readonly SectionHeader header = ref Sections[section];
        return header.HasNoBytes ? default : new FilePart((int)header.Offset, (int)header.Size);
    }

    /// <summary>The bytes of a section that is known to lie within the file.</summary>
    public readonly ReadOnlyMemory<byte> SectionMemory(int section)
    {
        ref readonly SectionHeader header = ref Sections[section];
        return header.HasNoBytes ? default : Bytes.Slice((int)header.Offset, (int)header.Size);
    }

    /// <summary>The error for something wrong with a section.</summary>
    /// <param name="section">Its index.</param>
    /// <param name="message">What is wrong.</param>
    /// <param name="offset">Where in the section, in bytes.</param>
    /// <param name="code">Kind of error.</param>
    /// <param name="symbol">Index of the symbol that it is about; 0 for none.</param>
    public readonly LinkException Fault(
        int section,
        string message,
        ulong? offset = null,
        LinkErrorCode code = LinkErrorCode.Malformed,
        int symbol = 0) =>
        new(code, new LinkLocation(Name, SectionLabel(section), offset, SymbolLabel(symbol)), message);

    /// <summary>Adds to <see cref="ZeroFilledSize"/>.</summary>
    /// <returns>Whether the sum is within the limit.</returns>
    public bool TryAddZeroFilled(ulong size)
    {
        if (size > Limits.MaximumZeroFilledSize - Math.Min(ZeroFilledSize, Limits.MaximumZeroFilledSize))
        {
            return false;
        }

        ZeroFilledSize += size;
        return true;
    }

    private readonly string SectionLabel(int section)
    {
        // The header may be the one that is at fault, and the names may not have been found yet.
        string name = section < Sections.Length && Sections[section].Name < (uint)SectionNames.Length
            ? NameText.Shown(StringTable.At(At(SectionNames), Sections[section].Name))
            : "";
        return name.Length == 0 ? $"section {section}" : name;
    }

    private readonly string? SymbolLabel(int symbol)
    {
        if (symbol == 0)
        {
            return null;
        }

        SymbolTable symbols = new(At(Symbols), At(LargeIndices), At(SymbolNames), Is64Bit);
        uint name = symbols.NameOffset(symbol);
        return name < (uint)SymbolNames.Length
            ? NameText.Shown(StringTable.At(At(SymbolNames), name))
            : null;
    }
}
