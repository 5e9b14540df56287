using ElfLoader.Tests.Linking;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Tests.Images;

/// <summary>
/// The rules that the section headers of an executable must keep, for tools to read and rewrite it (gABI, "Sections"; the
/// checks of GNU's and LLVM's <c>strip</c> and <c>objcopy</c>).
/// </summary>
internal sealed class SectionRules(ImageExecutable file, List<string> broken)
{
    private readonly (ulong Start, ulong End, string Name)[] _tables =
    [
        (file.SegmentTable.Offset, file.SegmentTable.Offset + file.SegmentTable.Size, "the program headers"),
        (file.SectionTable.Offset, file.SectionTable.Offset + file.SectionTable.Size, "the section headers"),
    ];

    /// <summary>Looks at all of them.</summary>
    internal void Check()
    {
        foreach (ImageExecutable.Section section in file.Sections.Skip(1))
        {
            CheckOne(section);
        }

        ImageExecutable.Section[] filled = [.. file.Sections.Skip(1).Where(section => section.Size > 0)];
        CheckOverlap("in the file", [.. _tables, .. filled.Where(HasBytes).Select(InFile)]);
        CheckOverlap("in memory", [.. filled.Where(TakesAddresses).Select(InMemory)]);
        foreach (ImageExecutable.Symbol symbol in file.Symbols)
        {
            bool isIndex = symbol.Section < file.Sections.Count || symbol.Section is SHN_ABS or SHN_COMMON;
            Demand(isIndex, $"'{symbol.Name}' is in section {symbol.Section} of {file.Sections.Count}");
        }
    }

    private static bool HasBytes(ImageExecutable.Section section) => section.Type is not SHT_NOBITS;

    private static bool TakesAddresses(ImageExecutable.Section section) =>
        (section.Flags & SHF_ALLOC) != 0 && (HasBytes(section) || (section.Flags & SHF_TLS) == 0);

    private static (ulong Start, ulong End, string Name) InFile(ImageExecutable.Section section) =>
        (section.Offset, section.Offset + section.Size, $"'{section.Name}'");

    private static (ulong Start, ulong End, string Name) InMemory(ImageExecutable.Section section) =>
        (section.Address, section.Address + section.Size, $"'{section.Name}'");

    private void Demand(bool holds, string complaint)
    {
        if (!holds)
        {
            broken.Add(complaint);
        }
    }

    private void CheckOne(ImageExecutable.Section section)
    {
        string name = $"'{section.Name}'";
        ulong alignment = Math.Max(section.Alignment, 1);
        Demand((alignment & (alignment - 1)) is 0, $"{name} is aligned to {alignment}, no power of two");
        Demand(section.Address % alignment is 0, $"{name} at 0x{section.Address:x} is not aligned to {alignment}");
        Demand(section.Offset <= file.Size, $"{name} begins at 0x{section.Offset:x}, beyond the file's end");
        Demand(
            !HasBytes(section) || section.Offset + section.Size <= file.Size, $"{name} ends beyond the file's end");
        Demand(section.Link < (uint)file.Sections.Count, $"{name} is linked to section {section.Link}, which there is not");
        Demand(
            section.EntrySize is 0 || section.Type is not (SHT_SYMTAB or SHT_REL or SHT_RELA) || section.Size % section.EntrySize is 0,
            $"{name} ends within an entry");
        if ((section.Flags & SHF_ALLOC) == 0)
        {
            Demand(section.Address is 0, $"{name} has an address, and is not loaded");
            return;
        }

        if (section.Size is 0)
        {
            CheckEmpty(section, name);
            return;
        }

        if (!TakesAddresses(section))
        {
            return;
        }

        Demand(
            file.Loads.Any(load => load.Address <= section.Address
                && section.Address + section.Size <= load.Address + (HasBytes(section) ? load.FileSize : load.MemorySize)
                && (!HasBytes(section) || section.Offset - load.Offset == section.Address - load.Address)
                && ((load.Flags & PF_W) != 0 || (section.Flags & SHF_WRITE) == 0)
                && ((load.Flags & PF_X) != 0 || (section.Flags & SHF_EXECINSTR) == 0)),
            $"{name} at 0x{section.Address:x}, offset 0x{section.Offset:x}, lies in no segment that has what it needs");
    }

    /// <summary>
    /// GNU's tools take a section without a size for a part of the first segment that has its offset and its address, if only
    /// at the end, and then know its load address from the offset (_bfd_elf_make_section_from_shdr).
    /// </summary>
    private void CheckEmpty(ImageExecutable.Section section, string name)
    {
        ImageExecutable.Segment load = file.Loads.FirstOrDefault(load => load.Address <= section.Address
            && section.Address <= load.Address + load.MemorySize
            && load.Offset <= section.Offset
            && section.Offset <= load.Offset + load.FileSize);
        Demand(
            load.Type is 0 || !HasBytes(section) || section.Offset - load.Offset == section.Address - load.Address,
            $"{name} at 0x{section.Address:x} is empty, and has another offset in the file than its address in the segment");
    }

    private void CheckOverlap(string where, (ulong Start, ulong End, string Name)[] ranges)
    {
        Array.Sort(ranges);
        foreach (((ulong Start, ulong End, string Name) first, (ulong Start, ulong End, string Name) second) in ranges.Zip(ranges.Skip(1)))
        {
            Demand(first.End <= second.Start, $"{first.Name} and {second.Name} overlap {where}");
        }
    }
}
