using System.Numerics;
using ElfLoader.Memory;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Elf;

/// <summary>What a pass over the section headers found.</summary>
/// <param name="SymbolTable">Section index of SHT_SYMTAB; 0 where there is none.</param>
/// <param name="LargeIndices">Section index of SHT_SYMTAB_SHNDX; 0 where there is none.</param>
/// <param name="Groups">Number of SHT_GROUP sections.</param>
/// <param name="Relocations">Number of sections of relocations.</param>
internal readonly record struct TableCounts(int SymbolTable, int LargeIndices, int Groups, int Relocations);

/// <summary>Checks what a section header says by itself: place, alignment, name, compression.</summary>
internal static class SectionValidator<TClass>
    where TClass : IElfClass
{
    /// <summary>Checks all headers and tells where the tables are.</summary>
    /// <exception cref="LinkException">A header is wrong.</exception>
    public static TableCounts Check(ElfImage image, ref ElfTables tables)
    {
        int symbolTable = 0, largeIndices = 0, groups = 0, relocations = 0, inMemory = 0;
        ulong inFile = 0;
        ReadOnlySpan<SectionHeader> sections = tables.Sections;
        if (sections[0].Type != SHT_NULL)
        {
            throw tables.Fault(0, $"section 0 has type 0x{sections[0].Type:x}, not that of the null section, 0");
        }

        ReadOnlySpan<byte> names = tables.At(tables.SectionNames);
        CheckName(ref tables, names, 0, sections[0]);
        for (int i = 1; i < sections.Length; i++)
        {
            ref readonly SectionHeader header = ref sections[i];
            CheckHeader(image, ref tables, names, i, header);
            if (!header.HasNoBytes)
            {
                inFile += header.Size;
            }

            if (header.Has(SHF_ALLOC))
            {
                inMemory = i + 1;
            }
            else if (header.Type is SHT_PROGBITS or SHT_NOTE)
            {
                Note(ref tables, names, header);
            }

            switch (header.Type)
            {
                case SHT_SYMTAB:
                    symbolTable = Only(ref tables, symbolTable, i, "symbol table");
                    break;
                case SHT_SYMTAB_SHNDX when IsOfSymbolTable(ref tables, i):
                    largeIndices = Only(ref tables, largeIndices, i, "table of extended section indices");
                    break;
                case SHT_GROUP:
                    groups++;
                    break;
                case SHT_REL or SHT_RELA or SHT_CREL or SHT_CREL_LLVM:
                    relocations++;
                    break;
                default:
                    break;
            }

            // "No byte in a file resides in more than one section" (gABI chapter 4, "Sections"). Checking the sum is
            // enough to keep the work in proportion to the file: otherwise thousands of headers could claim the
            // same megabytes. Each size is at most that of the file, so the sum cannot wrap around.
            if (inFile > (ulong)image.Length)
            {
                throw tables.Fault(i,
                    $"sections overlap: the first {i + 1} have more bytes than the {image.Length} of the file");
            }
        }

        tables.SectionsInMemory = inMemory;
        return new TableCounts(symbolTable, largeIndices, groups, relocations);
    }

    private static void CheckHeader(
        ElfImage image, ref ElfTables tables, ReadOnlySpan<byte> names, int index, in SectionHeader header)
    {
        CheckName(ref tables, names, index, header);
        if (header.Type == SHT_NULL)
        {
            return;
        }

        if (header.Alignment != 0 && !BitOperations.IsPow2(header.Alignment))
        {
            throw tables.Fault(index, $"alignment of {header.Alignment} is not a power of two");
        }

        if (header.Has(SHF_ALLOC) && header.Alignment > tables.Limits.MaximumAlignment)
        {
            throw tables.Fault(index,
                $"alignment of {header.Alignment} exceeds the limit of {tables.Limits.MaximumAlignment}",
                code: LinkErrorCode.LimitExceeded);
        }

        if (header.Type == SHT_NOBITS)
        {
            if (header.Has(SHF_ALLOC) && !tables.TryAddZeroFilled(header.Size))
            {
                throw tables.Fault(index,
                    $"{CountText.Of(header.Size, "byte")} of zeros and the {tables.ZeroFilledSize} before them exceed the limit of "
                    + $"{tables.Limits.MaximumZeroFilledSize}",
                    code: LinkErrorCode.LimitExceeded);
            }
        }
        else if (!image.Contains(header.Offset, header.Size))
        {
            throw tables.Fault(index,
                $"{CountText.Of(header.Size, "byte")} at file offset {header.Offset} {(header.Size is 1 ? "ends" : "end")} past the {CountText.Of(image.Length, "byte")} of the file");
        }

        if (header.Has(SHF_COMPRESSED))
        {
            CheckCompressed(image, ref tables, index, header);
        }

        if (header.Has(SHF_LINK_ORDER) && header.Link >= (uint)tables.Sections.Length)
        {
            throw tables.Fault(index,
                $"SHF_LINK_ORDER refers to section {header.Link} of {tables.Sections.Length}");
        }
    }

    private static void CheckName(
        ref ElfTables tables, ReadOnlySpan<byte> names, int index, in SectionHeader header)
    {
        if (!StringTable.Contains(names, header.Name) && tables.HasSectionNames)
        {
            throw tables.Fault(index,
                $"name at {header.Name} is past the {CountText.Of(names.Length, "byte")} of the section name string table");
        }
    }

    private static void CheckCompressed(ElfImage image, ref ElfTables tables, int index, in SectionHeader header)
    {
        if (header.Has(SHF_ALLOC) || header.Type == SHT_NOBITS)
        {
            throw tables.Fault(index, "SHF_COMPRESSED on a section that is in memory or has no bytes");
        }

        if (header.Type is SHT_SYMTAB or SHT_STRTAB or SHT_SYMTAB_SHNDX or SHT_GROUP
            or SHT_REL or SHT_RELA or SHT_CREL or SHT_CREL_LLVM)
        {
            throw tables.Fault(index, $"compressed table of section type 0x{header.Type:x}",
                code: LinkErrorCode.Unsupported);
        }

        if (header.Size < (ulong)TClass.CompressionHeaderSize)
        {
            throw tables.Fault(index,
                $"compression header of {TClass.CompressionHeaderSize} bytes ends past the section's {header.Size}");
        }

        CompressionHeader compression = CompressionHeader.Read<TClass>(
            image.Slice(header.Offset, (ulong)TClass.CompressionHeaderSize, "compression header"));
        if (compression.Alignment != 0 && !BitOperations.IsPow2(compression.Alignment))
        {
            throw tables.Fault(index, $"ch_addralign of {compression.Alignment} is not a power of two");
        }
    }

    /// <summary>Notes what a section that is not loaded says about the object.</summary>
    private static void Note(ref ElfTables tables, ReadOnlySpan<byte> names, in SectionHeader header)
    {
        ReadOnlySpan<byte> name = names.IsEmpty ? names : names[(int)header.Name..];
        if (header.Has(SHF_EXECINSTR))
        {
            tables.WantsExecutableStack |= name.StartsWith(".note.GNU-stack\0"u8);
        }
        else if (name.StartsWith(IntermediateCode.SectionPrefix))
        {
            tables.HasIntermediateCode = true;
        }
    }

    private static int Only(ref ElfTables tables, int before, int index, string what) => before == 0
        ? index
        : throw tables.Fault(index, $"second {what}; the first is section {before}");

    /// <summary>The table for SHT_DYNSYM, which is of no use here, would be another one.</summary>
    private static bool IsOfSymbolTable(ref ElfTables tables, int index)
    {
        uint link = tables.Sections[index].Link;
        return link < (uint)tables.Sections.Length
            ? tables.Sections[(int)link].Type == SHT_SYMTAB
            : throw tables.Fault(index, $"sh_link refers to section {link} of {tables.Sections.Length}");
    }
}
