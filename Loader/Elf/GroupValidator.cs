using System.Buffers.Binary;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Elf;

/// <summary>Finds and checks the section groups (gABI chapter 4, "Section Groups").</summary>
internal static class GroupValidator
{
    /// <summary>Fills the tables' parts about groups.</summary>
    /// <exception cref="LinkException">A group is wrong.</exception>
    public static void Read(ElfTables tables, int count)
    {
        ReadOnlySpan<SectionHeader> sections = tables.Sections;
        SectionGroup[] groups = new SectionGroup[count];
        int[] groupOf = new int[sections.Length];

        // No section is in two groups, so this is room for all members.
        int[] members = new int[sections.Length];
        int used = 0;
        int next = 0;
        for (int i = 1; i < sections.Length; i++)
        {
            if (sections[i].Type != SHT_GROUP)
            {
                continue;
            }

            SectionGroup group = ReadGroup(tables, i) with { FirstMember = used };
            ReadOnlySpan<byte> entries = tables.At(tables.PartOf(i))[sizeof(uint)..];
            for (int offset = 0; offset < entries.Length; offset += sizeof(uint))
            {
                int member = ReadMember(tables, i, entries, offset);
                if (groupOf[member] != 0)
                {
                    throw tables.Fault(i,
                        $"section {member} is already in the group of section {groups[groupOf[member] - 1].Index}",
                        (ulong)offset + sizeof(uint));
                }

                groupOf[member] = next + 1;
                groups[next] = group;
                members[used++] = member;
            }

            groups[next++] = group;
        }

        tables.Groups = groups;
        tables.GroupMembers = members;
        tables.GroupOfSection = groupOf;
    }

    private static SectionGroup ReadGroup(ElfTables tables, int index)
    {
        SectionHeader header = tables.Sections[index];
        if (header.EntrySize != sizeof(uint) || header.Size % sizeof(uint) != 0 || header.Size == 0)
        {
            throw tables.Fault(index, $"group of {header.Size} bytes with sh_entsize {header.EntrySize} is not a "
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
                index, flags == GRP_COMDAT, (int)header.Info, FirstMember: 0, (int)(header.Size / sizeof(uint)) - 1)
            : throw tables.Fault(index, $"group flags 0x{flags:x} are not known; only GRP_COMDAT, 1, is",
                code: LinkErrorCode.Unsupported);
    }

    private static int ReadMember(ElfTables tables, int group, ReadOnlySpan<byte> entries, int offset)
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
