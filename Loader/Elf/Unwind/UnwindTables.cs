using System.Buffers;
using System.Buffers.Binary;
using ElfLoader.Memory;

namespace ElfLoader.Elf.Unwind;

/// <summary>
/// Checks the unwind tables of a unit before an unwinder walks them, and makes one list of them (LSB, "The .eh_frame
/// section").
/// </summary>
internal static class UnwindTables
{
    private const uint ExtendedLength = 0xffff_ffff;
    private const byte Omitted = 0xff;     // DW_EH_PE_omit
    private const byte Application = 0x70; // DW_EH_PE_pcrel and its like
    private const byte FunctionRelative = 0x40; // DW_EH_PE_funcrel
    private const byte Aligned = 0x50;     // DW_EH_PE_aligned
    private const byte Indirect = 0x80;    // DW_EH_PE_indirect

    /// <summary>Checks a list of records, and takes out the terminators that stand inside it.</summary>
    /// <param name="tables">The tables of all objects, end to end, without the final terminator.</param>
    /// <param name="start">Where the first record begins: an unwinder starts there.</param>
    /// <returns>What is wrong and where, or null.</returns>
    internal static (int Offset, string Problem)? Join(Span<byte> tables, out int start)
    {
        var common = new CommonEntries();
        try
        {
            return Join(tables, ref common, out start);
        }
        finally
        {
            common.Dispose();
        }
    }

    private static (int Offset, string Problem)? Join(Span<byte> tables, ref CommonEntries common, out int start)
    {
        start = 0;
        int previous = -1;
        int offset = 0;
        while (offset < tables.Length)
        {
            if (tables.Length - offset < sizeof(uint))
            {
                return (offset, "ends within a record");
            }

            uint length = BinaryPrimitives.ReadUInt32LittleEndian(tables[offset..]);
            if (length is 0)
            {
                RemoveTerminator(tables, previous, ref start);
                offset += sizeof(uint);
                continue;
            }

            if (length is ExtendedLength)
            {
                return (offset, "has a record of 4 GiB or more");
            }

            if (length < sizeof(uint) || length > (uint)(tables.Length - offset - sizeof(uint)))
            {
                return (offset, $"has a record of {CountText.Of(length, "byte")}, which ends outside of it");
            }

            Span<byte> record = tables.Slice(offset + sizeof(uint), (int)length);
            if (CheckRecord(offset, record, ref common) is { } problem)
            {
                return (offset, problem);
            }

            previous = offset;
            offset += sizeof(uint) + (int)length;
        }

        return null;
    }

    /// <summary>crtend.o and its like end their table with a terminator; the record before it is padded to cover it.</summary>
    private static void RemoveTerminator(Span<byte> tables, int previous, ref int start)
    {
        if (previous < 0)
        {
            start += sizeof(uint);
            return;
        }

        uint length = BinaryPrimitives.ReadUInt32LittleEndian(tables[previous..]);
        BinaryPrimitives.WriteUInt32LittleEndian(tables[previous..], length + sizeof(uint)); // zeros are DW_CFA_nop
    }

    /// <param name="offset">Where the record's length stands.</param>
    /// <param name="record">The record, without its length.</param>
    /// <param name="common">The entries with common information so far: bytes of the addresses in their descriptions.</param>
    private static string? CheckRecord(int offset, ReadOnlySpan<byte> record, ref CommonEntries common)
    {
        uint pointer = BinaryPrimitives.ReadUInt32LittleEndian(record);
        if (pointer is 0)
        {
            string? problem = CheckCommonInformation(record[sizeof(uint)..], out int size);
            common.Add(offset, size);
            return problem;
        }

        long place = offset + sizeof(uint) - (long)pointer; // the distance counts from the field itself
        if (!common.TryFind(place, out int addressSize))
        {
            return $"has a description whose common information would be at {place}";
        }

        return record.Length < sizeof(uint) + (2 * addressSize)
            ? "has a description that ends before its function's address and size do"
            : null;
    }

    /// <summary>Checks what libgcc reads of a common information entry without checking.</summary>
    private static string? CheckCommonInformation(ReadOnlySpan<byte> entry, out int addressSize)
    {
        addressSize = sizeof(ulong);
        if (CommonInformation.Read(entry, sizeof(ulong), out CommonInformation common) is { } problem)
        {
            return problem;
        }

        addressSize = EhFrame.SizeOf(common.AddressEncoding, sizeof(ulong)) ?? 0;
        return IsKnownAddress(common.AddressEncoding)
            && (common.PersonalityEncoding is not { } personality || IsKnown(personality))
            && (common.DataEncoding is not { } data || data is Omitted || IsKnown(data))
            ? null
            : "has a pointer encoding that is not known";
    }

    /// <summary>
    /// Formats absptr, udata2 to udata8, sdata2 to sdata8; the others take no fixed number of bytes. Only a function without
    /// a language's data may omit the pointer.
    /// </summary>
    private static bool IsKnown(byte encoding) =>
        encoding is not Omitted && EhFrame.SizeOf(encoding, sizeof(ulong)) is not null && (encoding & Application) < Aligned;

    /// <summary>
    /// Of a function's address libgcc adds up what it knows before any exception is thrown, and ends the process where it cannot.
    /// </summary>
    private static bool IsKnownAddress(byte encoding) =>
        IsKnown(encoding) && (encoding & Application) < FunctionRelative && (encoding & Indirect) is 0;

    /// <summary>Where the entries with common information are, in ascending order, and how long addresses are there.</summary>
    private struct CommonEntries()
    {
        private (int Offset, int AddressSize)[] _entries = [];
        private int _count = 0;

        internal void Add(int offset, int addressSize)
        {
            if (_count == _entries.Length)
            {
                (int, int)[] larger = ArrayPool<(int, int)>.Shared.Rent(Math.Max(16, _count * 2));
                _entries.AsSpan(0, _count).CopyTo(larger);
                Dispose();
                _entries = larger;
            }

            _entries[_count++] = (offset, addressSize);
        }

        /// <summary>Finds an entry: mostly the last, for its descriptions follow it.</summary>
        internal readonly bool TryFind(long offset, out int addressSize)
        {
            int low = 0;
            int high = _count;
            int middle = _count - 1;
            while (low < high)
            {
                if (_entries[middle].Offset == offset)
                {
                    addressSize = _entries[middle].AddressSize;
                    return true;
                }

                (low, high) = _entries[middle].Offset < offset ? (middle + 1, high) : (low, middle);
                middle = (low + high) / 2;
            }

            addressSize = 0;
            return false;
        }

        internal void Dispose()
        {
            if (_entries.Length > 0)
            {
                ArrayPool<(int, int)>.Shared.Return(_entries);
                _entries = [];
            }
        }
    }
}
