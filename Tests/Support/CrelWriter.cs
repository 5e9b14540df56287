using ElfLoader.Elf;

namespace ElfLoader.Tests.Support;

/// <summary>Writes SHT_CREL: a header, then for each relocation the differences from the one before.</summary>
internal static class CrelWriter
{
    public static byte[] Write(IReadOnlyList<RelocationRecord> relocations, bool hasAddends, int shift = 0)
    {
        MemoryStream stream = new();
        WriteUnsigned(stream, ((UInt128)relocations.Count << 3) | (hasAddends ? 4u : 0u) | (uint)shift);
        RelocationRecord before = default;
        foreach (RelocationRecord relocation in relocations)
        {
            bool hasAddend = hasAddends && relocation.Addend != before.Addend;
            int flags = (relocation.Symbol != before.Symbol ? 1 : 0)
                | (relocation.Type != before.Type ? 2 : 0)
                | (hasAddend ? 4 : 0);

            // The difference wraps around; with its flags it takes up to 67 bits.
            ulong offset = (relocation.Offset - before.Offset) >> shift;
            WriteUnsigned(stream, (UInt128)offset << (hasAddends ? 3 : 2) | (uint)flags);
            if ((flags & 1) != 0)
            {
                WriteSigned(stream, (int)(relocation.Symbol - before.Symbol));
            }

            if ((flags & 2) != 0)
            {
                WriteSigned(stream, (int)(relocation.Type - before.Type));
            }

            if (hasAddend)
            {
                WriteSigned(stream, relocation.Addend - before.Addend);
            }

            before = relocation;
        }

        return stream.ToArray();
    }

    private static void WriteUnsigned(Stream stream, UInt128 value)
    {
        for (; value > 0x7f; value >>= 7)
        {
            stream.WriteByte((byte)((byte)(value & 0x7f) | 0x80));
        }

        stream.WriteByte((byte)value);
    }

    private static void WriteSigned(Stream stream, long value)
    {
        for (; value is < -64 or > 63; value >>= 7)
        {
            stream.WriteByte((byte)((value & 0x7f) | 0x80));
        }

        stream.WriteByte((byte)(value & 0x7f));
    }
}
