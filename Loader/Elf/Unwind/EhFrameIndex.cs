using System.Buffers.Binary;

namespace ElfLoader.Elf.Unwind;

/// <summary>
/// Makes <c>.eh_frame_hdr</c>: a table of functions and their descriptions, sorted by address, so that an unwinder need
/// not read them all (LSB, "The .eh_frame_hdr section").
/// </summary>
internal static class EhFrameIndex
{
    /// <summary>Version, three encodings, the tables' address, and the number of entries.</summary>
    internal const int HeaderSize = 12;

    /// <summary>Bytes of an entry: the function and its description.</summary>
    internal const int EntrySize = 8;

    private const byte Version = 1;
    private const byte DW_EH_PE_omit = 0xff;
    private const byte DW_EH_PE_udata4 = 0x03;
    private const byte DW_EH_PE_pcrel = 0x10;
    private const byte DW_EH_PE_pcrel_sdata4 = 0x1b;
    private const byte DW_EH_PE_datarel_sdata4 = 0x3b;

    /// <summary>Writes the index.</summary>
    /// <param name="index">Its bytes.</param>
    /// <param name="address">Its address.</param>
    /// <param name="table">The unwind tables, relocated.</param>
    /// <param name="tableAddress">Their address.</param>
    /// <param name="wordSize">Size of an address, in bytes.</param>
    /// <returns>False if the tables cannot be read or are too far away: then unwinders have to search them.</returns>
    internal static bool Write(
        Span<byte> index, ulong address, ReadOnlySpan<byte> table, ulong tableAddress, int wordSize)
    {
        index.Clear();
        index[0] = Version;
        index[1] = DW_EH_PE_pcrel_sdata4;
        index[2] = index[3] = DW_EH_PE_omit;
        long distance = (long)(tableAddress - (address + sizeof(uint)));
        BinaryPrimitives.WriteInt32LittleEndian(index[4..], (int)distance);
        if (distance != (int)distance || Collect(table, tableAddress, address, wordSize) is not { } entries
            || HeaderSize + (entries.Count * EntrySize) > index.Length)
        {
            return false;
        }

        index[2] = DW_EH_PE_udata4;
        index[3] = DW_EH_PE_datarel_sdata4;
        BinaryPrimitives.WriteInt32LittleEndian(index[8..], entries.Count);
        for (int i = 0; i < entries.Count; i++)
        {
            Span<byte> entry = index[(HeaderSize + (i * EntrySize))..];
            BinaryPrimitives.WriteInt32LittleEndian(entry, (int)(entries[i] >> 32));
            BinaryPrimitives.WriteInt32LittleEndian(entry[4..], (int)entries[i]);
        }

        return true;
    }

    /// <summary>Distances from the index, sorted: that of a function in the upper half, that of its description in the lower.</summary>
    private static List<long>? Collect(
        ReadOnlySpan<byte> table, ulong tableAddress, ulong indexAddress, int wordSize)
    {
        List<long> entries = [];
        Dictionary<int, byte?> encodings = [];
        int offset = 0;
        while (EhFrame.TryRead(table, offset, out EhFrameRecord record))
        {
            offset = record.End;
            if (record.IsCommon)
            {
                encodings[record.Offset] =
                    EhFrame.TryReadCommon(table, record, wordSize, out CommonInformation common) ? common.AddressEncoding : null;
                continue;
            }

            int field = record.Body + sizeof(uint);
            if (!encodings.TryGetValue(unchecked(record.Body - (int)record.Identity), out byte? known) || known is not { } encoding
                || EhFrame.SizeOf(encoding, wordSize) is not { } size || record.End - field < size
                || (encoding & 0x70) is not (0 or DW_EH_PE_pcrel))
            {
                return null;
            }

            long stored = EhFrame.ReadEncoded(table[field..], encoding, wordSize);
            if (stored is 0)
            {
                continue; // a function that was dropped
            }

            ulong function = (ulong)stored + ((encoding & 0x70) is 0 ? 0 : tableAddress + (ulong)field);
            long toFunction = Narrow(function - indexAddress, wordSize);
            long toDescription = Narrow(tableAddress + (ulong)record.Offset - indexAddress, wordSize);
            if (toFunction != (int)toFunction || toDescription != (int)toDescription)
            {
                return null;
            }

            entries.Add((toFunction << 32) | (uint)toDescription);
        }

        entries.Sort();
        return IsAtEnd(table, offset) ? entries : null;
    }

    private static bool IsAtEnd(ReadOnlySpan<byte> table, int offset) =>
        !table[offset..].ContainsAnyExcept((byte)0);

    /// <summary>Distances wrap around the target's address space.</summary>
    private static long Narrow(ulong distance, int wordSize) => wordSize is 4 ? (int)(uint)distance : (long)distance;
}
