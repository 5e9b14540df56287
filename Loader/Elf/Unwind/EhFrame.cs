using System.Buffers.Binary;

namespace ElfLoader.Elf.Unwind;

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

    /// <summary>Reads information that descriptions share; false where it is of a kind that is not known.</summary>
    internal static bool TryReadCommon(
        ReadOnlySpan<byte> table, in EhFrameRecord record, int wordSize, out CommonInformation common) =>
        CommonInformation.Read(table[(record.Body + sizeof(uint))..record.End], wordSize, out common) is null;

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
}
