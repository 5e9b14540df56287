using System.Text;

namespace ElfLoader.Elf;

/// <summary>Where everything is in an object, once validated.</summary>
internal sealed class ElfTables
{
    /// <summary>Name of the object, for messages.</summary>
    public required string Name { get; init; }

    /// <summary>The whole file.</summary>
    public required ReadOnlyMemory<byte> Bytes { get; init; }

    /// <summary>What the object may claim.</summary>
    public required ReadLimits Limits { get; init; }

    /// <summary>Whether the structures are those of ELFCLASS64.</summary>
    public required bool Is64Bit { get; init; }

    /// <summary>EI_OSABI.</summary>
    public required byte OsAbi { get; init; }

    /// <summary>The file header.</summary>
    public required FileHeader Header { get; init; }

    /// <summary>The section headers.</summary>
    public required SectionHeader[] Sections { get; init; }

    /// <summary>The string table of section names; empty where there is none.</summary>
    public ReadOnlyMemory<byte> SectionNames { get; set; }

    /// <summary>Bytes that NOBITS sections and common symbols ask for together, as far as seen.</summary>
    public ulong ZeroFilledSize { get; set; }

    /// <summary>Section index of the symbol table; 0 where there is none.</summary>
    public int SymbolSection { get; set; }

    /// <summary>The entries of the symbol table.</summary>
    public ReadOnlyMemory<byte> Symbols { get; set; }

    /// <summary>The string table of the symbols.</summary>
    public ReadOnlyMemory<byte> SymbolNames { get; set; }

    /// <summary>SHT_SYMTAB_SHNDX: a 32-bit section index for each symbol; empty where there is none.</summary>
    public ReadOnlyMemory<byte> LargeIndices { get; set; }

    /// <summary>Number of symbols.</summary>
    public int SymbolCount { get; set; }

    /// <summary>sh_info of the symbol table.</summary>
    public int FirstGlobalSymbol { get; set; }

    /// <summary>Sections of relocations in file order.</summary>
    public RelocationSection[] RelocationSections { get; set; } = [];

    /// <summary>Groups in file order.</summary>
    public SectionGroup[] Groups { get; set; } = [];

    /// <summary>Members of all groups, one group after the other.</summary>
    public int[] GroupMembers { get; set; } = [];

    /// <summary>For each section one more than the index of its group, or 0; empty where there are no groups.</summary>
    public int[] GroupOfSection { get; set; } = [];

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
            ? Encoding.UTF8.GetString(StringTable.At(SectionNames.Span, Sections[section].Name))
            : "";
        return name.Length == 0 ? $"section {section}" : name;
    }

    private string? SymbolLabel(int symbol)
    {
        if (symbol == 0)
        {
            return null;
        }

        SymbolTable symbols = new(Symbols.Span, LargeIndices.Span, SymbolNames.Span, Is64Bit);
        uint name = symbols.NameOffset(symbol);
        return name < (uint)SymbolNames.Length
            ? Encoding.UTF8.GetString(StringTable.At(SymbolNames.Span, name))
            : null;
    }
}
