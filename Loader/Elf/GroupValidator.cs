using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using ElfLoader.Memory;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Elf;

/// <summary>Finds and checks the section groups (gABI chapter 4, "Section Groups").</summary>
internal static class GroupValidator
{
    private const int BitsPerWord = 64;

    /// <summary>Fills the tables' parts about groups.</summary>
    /// <exception cref="LinkException">A group is wrong.</exception>
    public static void Read(ref ElfTables tables, int count)
    {
        ReadOnlySpan<SectionHeader> sections = tables.Sections;
        SectionGroup[] groups = new SectionGroup[count];
        int words = (sections.Length + BitsPerWord - 1) / BitsPerWord;
        ulong[] rented = ArrayPool<ulong>.Shared.Rent(words);
        Span<ulong> isMember = rented.AsSpan(0, words);
        isMember.Clear();
        try
        {
            int next = 0;
            for (int i = 1; i < sections.Length; i++)
            {
                if (sections[i].Type == SHT_GROUP)
                {
                    groups[next++] = ReadGroup(ref tables, i);
                    CheckMembers(ref tables, i, isMember);
                }
            }
        }
        finally
        {
            ArrayPool<ulong>.Shared.Return(rented);
        }

        tables.Groups = groups;
        CheckSignatures(ref tables);
    }

    /// <summary>Groups may share a signature, which is looked up for each of them.</summary>
    private static void CheckSignatures(ref ElfTables tables)
    {
        ReadOnlySpan<byte> names = tables.At(tables.SymbolNames);
        ReadOnlySpan<SectionGroup> groups = tables.Groups;
        if (NameBudget.IsSurelyKept(names, groups.Length, tables.Bytes.Length)
            && NameBudget.IsSurelyKept(tables.At(tables.SectionNames), groups.Length, tables.Bytes.Length))
        {
            return;
        }

        SymbolTable symbols = new(tables.At(tables.Symbols), tables.At(tables.LargeIndices), names, tables.Is64Bit);
        long left = NameBudget.Of(tables.Bytes.Length);
        foreach (SectionGroup group in groups)
        {
            SymbolRecord record = symbols[group.SignatureSymbol];
            left -= record.Type is SymbolType.Section && record.Place is SymbolPlace.Section
                ? StringTable.At(tables.At(tables.SectionNames), tables.Sections[record.Section].Name).Length
                : symbols.Name(record).Length;
            if (left < 0)
            {
                throw tables.Fault(
                    group.Index,
                    NameBudget.Exceeded(CountText.Of(groups.Length, "group"), tables.Bytes.Length),
                    code: LinkErrorCode.LimitExceeded);
            }
        }
    }

    /// <summary>For each section of an object one more than the index of its group, or 0.</summary>
    public static int[] GroupsOfSections(ElfObject elf)
    {
        int[] groupOf = new int[elf.Sections.Length];
        ReadOnlySpan<SectionGroup> groups = elf.Groups;
        for (int i = 0; i < groups.Length; i++)
        {
            foreach (int member in elf.Members(groups[i]))
            {
                groupOf[member] = i + 1;
            }
        }

        return groupOf;
    }

    private static void CheckMembers(ref ElfTables tables, int group, Span<ulong> isMember)
    {
        ReadOnlySpan<byte> entries = tables.At(tables.PartOf(group))[sizeof(uint)..];
        for (int offset = 0; offset < entries.Length; offset += sizeof(uint))
        {
            int member = ReadMember(ref tables, group, entries, offset);
            ulong bit = 1UL << (member % BitsPerWord);
            if ((isMember[member / BitsPerWord] & bit) != 0)
            {
                throw tables.Fault(group,
                    $"section {member} is already in the group of section {FirstGroupOf(ref tables, member)}",
                    (ulong)offset + sizeof(uint));
            }

            isMember[member / BitsPerWord] |= bit;
        }
    }

    private static int FirstGroupOf(ref ElfTables tables, int member)
    {
        for (int i = 1; ; i++)
        {
            if (tables.Sections[i].Type == SHT_GROUP
                && MemoryMarshal.Cast<byte, uint>(tables.At(tables.PartOf(i)))[1..].Contains((uint)member))
            {
                return i;
            }
        }
    }

    private static SectionGroup ReadGroup(ref ElfTables tables, int index)
    {
        SectionHeader header = tables.Sections[index];
        if (header.EntrySize != sizeof(uint) || header.Size % sizeof(uint) != 0 || header.Size == 0)
        {
            throw tables.Fault(index, $"group of {CountText.Of(header.Size, "byte")} with sh_entsize {header.EntrySize} is not a "
                + "positive number of words of 4 bytes");
        }

        if (tables.SymbolSection == 0 || header.Link != (uint)tables.SymbolSection)
        {
            throw tables.Fault(index, $"group's sh_link {header.Link} is not the symbol table");
        }

        if (header.Info == 0 || header.Info >= (uint)tables.SymbolCount)
        {
            throw tables.Fault(index, $"group's signature is symbol {header.Info} of {tables.SymbolCount}");
        }

        uint flags = BinaryPrimitives.ReadUInt32LittleEndian(tables.At(tables.PartOf(index)));
        return (flags & ~GRP_COMDAT) == 0
            ? new SectionGroup(
                index, flags == GRP_COMDAT, (int)header.Info, (int)(header.Size / sizeof(uint)) - 1)
            : throw tables.Fault(index, $"group flags 0x{flags:x} are not known; only GRP_COMDAT, 1, is",
                code: LinkErrorCode.Unsupported);
    }

    private static int ReadMember(ref ElfTables tables, int group, ReadOnlySpan<byte> entries, int offset)
    {
        uint member = BinaryPrimitives.ReadUInt32LittleEndian(entries[offset..]);
        if (member == 0 || member >= (uint)tables.Sections.Length)
        {
            throw tables.Fault(group, $"member is section {member} of {tables.Sections.Length}",
                (ulong)offset + sizeof(uint));
        }

        return tables.Sections[(int)member].Type != SHT_GROUP
            ? (int)member
            : throw tables.Fault(group, $"member, section {member}, is itself a group", (ulong)offset + sizeof(uint));
    }
}
