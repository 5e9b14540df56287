using System.Runtime.InteropServices;
using System.Text;

namespace ElfLoader.Elf;

/// <summary>A part of a file that is known to lie in it.</summary>
/// <param name="Start">Bytes from the start of the file.</param>
/// <param name="Length">Bytes.</param>
internal readonly record struct FilePart(int Start, int Length);

/// <summary>Where everything is in an object, once validated.</summary>
/// <remarks>Of thousands of objects these are most of what stays, so they only say where in the file something is.</remarks>
internal sealed class ElfTables
{
    private readonly SectionHeader[]? _widened;
    private readonly byte[]? _array; // of the file, mostly: parts of an array are found faster
    private readonly int _arrayStart;
    private RelocationSummary _relocations;

    /// <param name="sections">Where the section headers are: of ELFCLASS64, they are read where they lie.</param>
    /// <param name="widened">The section headers, where that cannot be.</param>
    public ElfTables(FilePart sections, SectionHeader[]? widened)
    {
        SectionHeaders = sections;
        _widened = widened;
    }

    /// <summary>Name of the object, for messages.</summary>
    public required string Name { get; init; }

    /// <summary>The whole file.</summary>
    public required ReadOnlyMemory<byte> Bytes
    {
        get;
        init
        {
            field = value;
            if (MemoryMarshal.TryGetArray(value, out ArraySegment<byte> segment))
            {
                (_array, _arrayStart) = (segment.Array, segment.Offset);
            }
        }
    }

    /// <summary>What the object may claim.</summary>
    public required ReadLimits Limits { get; init; }

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
    public ReadOnlySpan<SectionHeader> Sections => _widened is null
        ? MemoryMarshal.Cast<byte, SectionHeader>(At(SectionHeaders))
        : _widened;

    /// <summary>The section header table.</summary>
    public FilePart SectionHeaders { get; }

    /// <summary>The string table of section names; empty where there is none.</summary>
    public FilePart SectionNames { get; set; }

    /// <summary>Bytes that NOBITS sections and common symbols ask for together, as far as seen.</summary>
    public ulong ZeroFilledSize { get; set; }

    /// <summary>Section index of the symbol table; 0 where there is none.</summary>
    public int SymbolSection { get; set; }

    /// <summary>The entries of the symbol table.</summary>
    public FilePart Symbols { get; set; }

    /// <summary>The string table of the symbols.</summary>
    public FilePart SymbolNames { get; set; }

    /// <summary>SHT_SYMTAB_SHNDX: a 32-bit section index for each symbol; empty where there is none.</summary>
    public FilePart LargeIndices { get; set; }

    /// <summary>Number of symbols.</summary>
    public int SymbolCount { get; set; }

    /// <summary>sh_info of the symbol table.</summary>
    public int FirstGlobalSymbol { get; set; }

    /// <summary>Sections of relocations in file order.</summary>
    public RelocationSection[] RelocationSections { get; set; } = [];

    /// <summary>What the relocations have in common.</summary>
    public ref RelocationSummary Relocations => ref _relocations;

    /// <summary>Groups in file order.</summary>
    public SectionGroup[] Groups { get; set; } = [];

    /// <summary>The bytes of a part of the file.</summary>
    public ReadOnlySpan<byte> At(FilePart part) => _array is { } array
        ? new ReadOnlySpan<byte>(array, _arrayStart + part.Start, part.Length)
        : Bytes.Span.Slice(part.Start, part.Length);

    /// <summary>Where a section is that is known to lie within the file; nothing, where it has no bytes.</summary>
    public FilePart PartOf(int section)
    {
        ref readonly SectionHeader header = ref Sections[section];
        return header.HasNoBytes ? default : new FilePart((int)header.Offset, (int)header.Size);
    }

    /// <summary>The bytes of a section that is known to lie within the file.</summary>
    public ReadOnlyMemory<byte> SectionMemory(int section)
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
    public LinkException Fault(
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

    private string SectionLabel(int section)
    {
        // The header may be the one that is at fault, and the names may not have been found yet.
        string name = section < Sections.Length && Sections[section].Name < (uint)SectionNames.Length
            ? Encoding.UTF8.GetString(StringTable.At(At(SectionNames), Sections[section].Name))
            : "";
        return name.Length == 0 ? $"section {section}" : name;
    }

    private string? SymbolLabel(int symbol)
    {
        if (symbol == 0)
        {
            return null;
        }

        SymbolTable symbols = new(At(Symbols), At(LargeIndices), At(SymbolNames), Is64Bit);
        uint name = symbols.NameOffset(symbol);
        return name < (uint)SymbolNames.Length
            ? Encoding.UTF8.GetString(StringTable.At(At(SymbolNames), name))
            : null;
    }
}
