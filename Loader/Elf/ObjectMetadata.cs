using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Elf;

/// <summary>Finds what an object says of itself as a whole, which only some callers ask for.</summary>
internal static class ObjectMetadata
{
    /// <summary>Reads the first section of build attributes of an object for ARM.</summary>
    /// <exception cref="LinkException">It is malformed.</exception>
    public static BuildAttributes? ReadAttributes(ElfObject from, in ElfTables tables)
    {
        for (int i = 1; i < from.Sections.Length; i++)
        {
            if (from.Sections[i].Type == SHT_ARM_ATTRIBUTES)
            {
                return BuildAttributes.TryRead(from.Decompress(i))
                    ?? throw tables.Fault(i, "build attributes are malformed");
            }
        }

        return null;
    }

    /// <summary>Reads all sections of GNU properties.</summary>
    /// <exception cref="LinkException">One is malformed.</exception>
    public static GnuProperties ReadProperties(ElfObject from, in ElfTables tables)
    {
        GnuProperties properties = new();
        int wordSize = from.Is64Bit ? Elf64.WordSize : Elf32.WordSize;
        for (int i = 1; i < from.Sections.Length; i++)
        {
            if (from.Sections[i].Type == SHT_NOTE
                && from.SectionName(i).SequenceEqual(".note.gnu.property"u8)
                && !properties.TryAdd(from.Decompress(i), wordSize))
            {
                throw tables.Fault(i, "properties are malformed");
            }
        }

        return properties;
    }
}
