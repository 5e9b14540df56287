using System.Buffers.Binary;

namespace ElfLoader.Linking;

/// <summary>A record of unwind tables (LSB, "The .eh_frame section").</summary>
/// <param name="Offset">Offset of its length field, in bytes.</param>
/// <param name="Body">Offset of what follows the length.</param>
/// <param name="End">Offset after its last byte.</param>
/// <param name="Identity">0 for common information, else the distance back to it.</param>
internal readonly record struct EhFrameRecord(int Offset, int Body, int End, uint Identity)
{
    /// <summary>Whether it is information that several descriptions share (CIE).</summary>
    internal bool IsCommon => Identity is 0;
}

/// <summary>Reads unwind tables.</summary>
internal static class EhFrame
{
    private const byte DW_EH_PE_absptr = 0x00;

    /// <summary>Number of functions that are described.</summary>
    internal static int CountDescriptions(ReadOnlySpan<byte> table)
    {
        int count = 0;
        int offset = 0;
        while (TryRead(table, offset, out EhFrameRecord record))
        {
            count += record.IsCommon ? 0 : 1;
            offset = record.End;
        }

        return count;
    }

    /// <summary>Reads the record at an offset; false at the end, at a terminator, and where there is no valid record.</summary>
    internal static bool TryRead(ReadOnlySpan<byte> table, int offset, out EhFrameRecord record)
    {
        record = default;
        ReadOnlySpan<byte> rest = table[offset..];
        if (rest.Length < sizeof(uint))
        {
            return false;
        }

        ulong length = BinaryPrimitives.ReadUInt32LittleEndian(rest);
        int header = sizeof(uint);
        if (length is uint.MaxValue && rest.Length >= 12)
        {
            length = BinaryPrimitives.ReadUInt64LittleEndian(rest[4..]);
            header = 12;
        }

        if (length < sizeof(uint) || length > (ulong)(rest.Length - header))
        {
            return false;
        }

        record = new EhFrameRecord(
            offset, offset + header, offset + header + (int)length, BinaryPrimitives.ReadUInt32LittleEndian(rest[header..]));
        return true;
    }

    /// <summary>How the descriptions that share a record write addresses down (DW_EH_PE_…); null if that cannot be told.</summary>
    internal static byte? PointerEncoding(ReadOnlySpan<byte> table, in EhFrameRecord common, int wordSize)
    {
        ReadOnlySpan<byte> rest = table[(common.Body + sizeof(uint))..common.End];
        if (rest.IsEmpty)
        {
            return null;
        }

        byte version = rest[0];
        int nameLength = rest[1..].IndexOf((byte)0);
        if (nameLength < 0)
        {
            return null;
        }

        ReadOnlySpan<byte> augmentation = rest.Slice(1, nameLength);
        rest = rest[(nameLength + 2)..];
        if (augmentation.IsEmpty)
        {
            return DW_EH_PE_absptr;
        }

        if (augmentation[0] is not (byte)'z' || !SkipLeb(ref rest) || !SkipLeb(ref rest))
        {
            return null;
        }

        bool hasRegister = version is 1 ? Skip(ref rest, 1) : SkipLeb(ref rest);
        if (!hasRegister || !SkipLeb(ref rest))
        {
            return null;
        }

        foreach (byte letter in augmentation[1..])
        {
            switch (letter)
            {
                case (byte)'R':
                    return rest.IsEmpty ? null : rest[0];
                case (byte)'P':
                    if (rest.IsEmpty || SizeOf(rest[0], wordSize) is not { } size || !Skip(ref rest, 1 + size))
                    {
                        return null;
                    }

                    break;
                case (byte)'L' when Skip(ref rest, 1):
                case (byte)'S' or (byte)'B' or (byte)'G':
                    break;
                default:
                    return null;
            }
        }

        return DW_EH_PE_absptr;
    }

    /// <summary>Bytes of an encoded address; null for encodings of no fixed size.</summary>
    internal static int? SizeOf(byte encoding, int wordSize) => (encoding & 0x0f) switch
    {
        0x00 => wordSize,
        0x02 or 0x0a => 2,
        0x03 or 0x0b => 4,
        0x04 or 0x0c => 8,
        _ => null,
    };

    /// <summary>Reads an address without what it is relative to.</summary>
    internal static long ReadEncoded(ReadOnlySpan<byte> bytes, byte encoding, int wordSize) =>
        (encoding & 0x0f, SizeOf(encoding, wordSize)) switch
        {
            (0x0a, _) => BinaryPrimitives.ReadInt16LittleEndian(bytes),
            (0x0b, _) => BinaryPrimitives.ReadInt32LittleEndian(bytes),
            (_, 2) => BinaryPrimitives.ReadUInt16LittleEndian(bytes),
            (_, 4) => BinaryPrimitives.ReadUInt32LittleEndian(bytes),
            _ => BinaryPrimitives.ReadInt64LittleEndian(bytes),
        };

    private static bool Skip(ref ReadOnlySpan<byte> rest, int count)
    {
        if (count > rest.Length)
        {
            return false;
        }

        rest = rest[count..];
        return true;
    }

    /// <summary>Skips a LEB128 number, signed or not.</summary>
    private static bool SkipLeb(ref ReadOnlySpan<byte> rest)
    {
        for (int i = 0; i < rest.Length; i++)
        {
            if (rest[i] < 0x80)
            {
                rest = rest[(i + 1)..];
                return true;
            }
        }

        return false;
    }
}
