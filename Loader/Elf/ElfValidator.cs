using ElfLoader.Memory;

using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Elf;

/// <summary>
/// Checks an object from its header to its last relocation, in one pass over each table, so that whoever decodes
/// the tables later need not check anything.
/// </summary>
internal static class ElfValidator<TClass>
    where TClass : IElfClass
{
    /// <summary>Finds and checks everything.</summary>
    /// <exception cref="LinkException">Something is wrong.</exception>
    public static ElfTables Read(ReadOnlyMemory<byte> bytes, string name, ReadLimits limits)
    {
        ElfImage image = new(name, bytes.Span);
        FileHeader header =
            FileHeader.Read<TClass>(image.Slice(0, (ulong)TClass.FileHeaderSize, "file header"));
        if (header.Type != ET_REL)
        {
            throw ElfIdent.NotRelocatable(header.Type, bytes.Span, name);
        }

        if (header.Version != EV_CURRENT)
        {
            throw HeaderFault(name, $"ELF version {header.Version} is not 1");
        }

        if (header.Machine == EM_MIPS && TClass.Ident == ELFCLASS64)
        {
            // "64-bit ELF Object File Specification" (MIPS), "Relocation": r_info is five fields, whose order is fixed.
            throw new LinkException(LinkErrorCode.Unsupported, new LinkLocation(name),
                $"{FileDescription.OfElf(bytes.Span)}, whose relocations have a layout of their own");
        }

        (FilePart table, SectionHeader[]? widened, uint names) = ReadSections(image, header);
        ElfTables tables = new(name, bytes, limits, table, widened)
        {
            Is64Bit = TClass.Ident == ELFCLASS64,
            OsAbi = bytes.Span[ElfIdent.OsAbi],
            Machine = header.Machine,
            Flags = header.Flags,
            HasSectionNames = header.SectionNames != SHN_UNDEF,
        };
        if (table.Length == 0)
        {
            return tables;
        }

        if (names != SHN_UNDEF)
        {
            tables.SectionNames = ReadStrings(image, ref tables, names, "section name string table");
        }

        TableCounts counts = SectionValidator<TClass>.Check(image, ref tables);
        CheckSectionNames(ref tables);
        if (counts.SymbolTable != 0)
        {
            SymbolValidator<TClass>.Read(image, ref tables, counts);
        }

        if (counts.Groups != 0)
        {
            GroupValidator.Read(ref tables, counts.Groups);
        }

        if (counts.Relocations != 0)
        {
            RelocationValidator<TClass>.Read(ref tables, counts.Relocations);
        }

        return tables;
    }

    /// <summary>Finds a string table and checks that every offset in it reaches a zero.</summary>
    internal static FilePart ReadStrings(ElfImage image, ref ElfTables tables, uint section, string what)
    {
        if (section >= (uint)tables.Sections.Length)
        {
            throw new LinkException(LinkErrorCode.Malformed, new LinkLocation(tables.Name),
                $"the {what} is section {section} of {tables.Sections.Length}");
        }

        ref readonly SectionHeader header = ref tables.Sections[(int)section];
        if (header.Type != SHT_STRTAB)
        {
            throw tables.Fault((int)section, $"the {what} has section type 0x{header.Type:x}, not 3");
        }

        ReadOnlySpan<byte> strings = image.Slice(header.Offset, header.Size, what);
        if (strings is [.., not 0])
        {
            throw tables.Fault((int)section, $"the {what} does not end with a zero", header.Size - 1);
        }

        int limit = tables.Limits.MaximumNameLength;
        if (StringTable.TryFindLonger(strings, limit, out int offset, out int length))
        {
            throw tables.Fault((int)section, $"name of {CountText.Of(length, "byte")} exceeds the limit of {limit}", (ulong)offset,
                LinkErrorCode.LimitExceeded);
        }

        return new FilePart((int)header.Offset, (int)header.Size);
    }

    private static void CheckSectionNames(ref ElfTables tables)
    {
        ReadOnlySpan<byte> names = tables.At(tables.SectionNames);
        ReadOnlySpan<SectionHeader> sections = tables.Sections;
        if (NameBudget.IsSurelyKept(names, sections.Length, tables.Bytes.Length))
        {
            return;
        }

        long left = NameBudget.Of(tables.Bytes.Length);
        for (int i = 1; i < sections.Length; i++)
        {
            left -= StringTable.At(names, sections[i].Name).Length;
            if (left < 0)
            {
                throw HeaderFault(
                    tables.Name,
                    NameBudget.Exceeded(CountText.Of(sections.Length, "section"), tables.Bytes.Length),
                    code: LinkErrorCode.LimitExceeded);
            }
        }
    }

    private static (FilePart Table, SectionHeader[]? Widened, uint Names) ReadSections(ElfImage image, in FileHeader header)
    {
        if (header.SectionHeaders == 0)
        {
            return header.SectionCount == 0
                ? (default, null, 0)
                : throw HeaderFault(image.Name, $"{CountText.Of(header.SectionCount, "section")}, but no section header table");
        }

        if (header.SectionHeaderSize != TClass.SectionHeaderSize)
        {
            throw HeaderFault(image.Name,
                $"e_shentsize of {header.SectionHeaderSize} is not {TClass.SectionHeaderSize}");
        }

        // Where the numbers do not fit the header, they stand in the null section (gABI chapter 4, "Sections").
        int size = TClass.SectionHeaderSize;
        SectionHeader null0 = SectionHeader.Read<TClass>(
            image.Slice(header.SectionHeaders, (ulong)size, "section header"));
        ulong count = header.SectionCount == 0 ? null0.Size : header.SectionCount;
        uint names = header.SectionNames == SHN_XINDEX ? null0.Link : header.SectionNames;
        if (count > (ulong)(image.Length / size))
        {
            throw HeaderFault(image.Name,
                $"{CountText.Of(count, "section header")} of {CountText.Of(size, "byte")} do not fit the {CountText.Of(image.Length, "byte")} of the file",
                header.SectionHeaders);
        }

        ReadOnlySpan<byte> table = image.Slice(header.SectionHeaders, count * (ulong)size, "section header table");
        var place = new FilePart((int)header.SectionHeaders, table.Length);
        if (TClass.Ident == ELFCLASS64 && BitConverter.IsLittleEndian)
        {
            return (place, null, names); // SectionHeader has the fields of Elf64_Shdr
        }

        SectionHeader[] sections = new SectionHeader[(int)count];
        for (int i = 0; i < sections.Length; i++)
        {
            sections[i] = SectionHeader.Read<TClass>(table.Slice(i * size, size));
        }

        return (place, sections, names);
    }

    private static LinkException HeaderFault(
        string name, string message, ulong offset = 0, LinkErrorCode code = LinkErrorCode.Malformed) =>
        new(code, new LinkLocation(name, Offset: offset), message);
}
