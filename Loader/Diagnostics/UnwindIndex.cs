using System.Buffers.Binary;
using ElfLoader.Elf;
using ElfLoader.Elf.Unwind;

namespace ElfLoader.Diagnostics;

/// <summary>
/// Finds a function's description in a unit's unwind tables, and makes tables of it alone, as profilers want them: they
/// put each function into a file of its own (V8, LLVM and <c>perf</c> agree on: code, <c>.eh_frame</c> at the next
/// multiple of 8, <c>.eh_frame_hdr</c>).
/// </summary>
internal sealed class UnwindIndex
{
    private const int WordSize = 8;
    private const byte DW_EH_PE_pcrel = 0x10;
    private const byte DW_EH_PE_pcrel_sdata4 = 0x1b;

    private readonly byte[] _table;
    private readonly Dictionary<ulong, (EhFrameRecord Common, EhFrameRecord Description, byte Encoding)> _functions = [];

    /// <summary>Reads the tables.</summary>
    /// <param name="table">The tables, relocated.</param>
    /// <param name="address">Where they lie.</param>
    internal UnwindIndex(ReadOnlySpan<byte> table, ulong address)
    {
        _table = table.ToArray();
        Dictionary<int, (EhFrameRecord Record, byte? Encoding)> commons = [];
        int offset = 0;
        while (EhFrame.TryRead(_table, offset, out EhFrameRecord record))
        {
            offset = record.End;
            if (record.IsCommon)
            {
                commons[record.Offset] = (
                    record, EhFrame.TryReadCommon(_table, record, WordSize, out CommonInformation read) ? read.AddressEncoding : null);
            }
            else if (commons.TryGetValue(unchecked(record.Body - (int)record.Identity), out (EhFrameRecord Record, byte? Encoding) common)
                && common.Encoding is { } encoding && (encoding & 0xf0) is 0 or DW_EH_PE_pcrel
                && EhFrame.SizeOf(encoding, WordSize) is { } size && record.End - record.Body - sizeof(uint) >= 2 * size)
            {
                int field = record.Body + sizeof(uint);
                ulong function = (ulong)EhFrame.ReadEncoded(_table.AsSpan(field), encoding, WordSize)
                    + ((encoding & 0xf0) is 0 ? 0 : address + (ulong)field);
                _functions.TryAdd(function, (common.Record, record, encoding));
            }
        }
    }

    /// <summary>Makes the tables of one function, for addresses that count from its first byte.</summary>
    /// <param name="function">The function.</param>
    /// <param name="tableSize">Bytes of the <c>.eh_frame</c>; the rest is <c>.eh_frame_hdr</c>.</param>
    /// <returns>Null if there is no description, or one that cannot be told for the function alone.</returns>
    internal byte[]? Extract(in LoadedFunction function, out int tableSize)
    {
        tableSize = 0;
        if (!_functions.TryGetValue(function.Address, out (EhFrameRecord Common, EhFrameRecord Description, byte Encoding) found)
            || !EhFrame.TryReadCommon(_table, found.Common, WordSize, out CommonInformation read)
            || read.ReturnRegister is not [< 0x80]
            || WriteCommon(read) is not { } common
            || WriteDescription(found.Description, found.Encoding, read.HasAugmentation, function, common.Length) is not { } description)
        {
            return null;
        }

        int start = checked((int)((function.Size + 7) & ~7UL));
        tableSize = common.Length + description.Length + sizeof(uint); // a zero word ends it
        int index = start + tableSize;
        byte[] tables = new byte[tableSize + EhFrameIndex.HeaderSize + EhFrameIndex.EntrySize];
        common.CopyTo(tables);
        description.CopyTo(tables, common.Length);
        return EhFrameIndex.Write(
            tables.AsSpan(tableSize), (ulong)index, tables.AsSpan(0, tableSize), (ulong)start, WordSize) ? tables : null;
    }

    /// <summary>The shared part without what is for languages' exceptions, which profilers have no use for.</summary>
    private static byte[] WriteCommon(in CommonInformation common)
    {
        List<byte> bytes = [0, 0, 0, 0, 0, 0, 0, 0, 1, (byte)'z', (byte)'R'];
        if (common.Augmentation.Contains((byte)'S'))
        {
            bytes.Add((byte)'S'); // a signal handler's frame
        }

        bytes.Add(0);
        bytes.AddRange(common.Factors);
        bytes.AddRange(common.ReturnRegister);
        bytes.AddRange([1, DW_EH_PE_pcrel_sdata4]);
        bytes.AddRange(common.Instructions);
        return Finish(bytes);
    }

    private byte[]? WriteDescription(
        in EhFrameRecord record, byte encoding, bool hasAugmentation, in LoadedFunction function, int commonSize)
    {
        int size = EhFrame.SizeOf(encoding, WordSize)!.Value;
        ReadOnlySpan<byte> rest = _table.AsSpan((record.Body + sizeof(uint) + size)..record.End);
        long range = EhFrame.ReadEncoded(rest, (byte)(encoding & 0x07), WordSize);
        rest = rest[size..];
        if (range is <= 0 or > int.MaxValue || (hasAugmentation && !SkipBlock(ref rest)))
        {
            return null;
        }

        int start = checked((int)((function.Size + 7) & ~7UL));
        List<byte> bytes = [0, 0, 0, 0];
        Span<byte> word = stackalloc byte[sizeof(uint)];
        foreach (int value in (ReadOnlySpan<int>)[commonSize + 4, -(start + commonSize + 8), (int)range])
        {
            BinaryPrimitives.WriteInt32LittleEndian(word, value);
            bytes.AddRange(word);
        }

        bytes.Add(0); // no augmentation
        bytes.AddRange(rest);
        return Finish(bytes);
    }

    /// <summary>Fills up with DW_CFA_nop and writes the length.</summary>
    private static byte[] Finish(List<byte> record)
    {
        byte[] bytes = new byte[(record.Count + WordSize - 1) & ~(WordSize - 1)];
        record.CopyTo(bytes);
        BinaryPrimitives.WriteInt32LittleEndian(bytes, bytes.Length - sizeof(uint));
        return bytes;
    }

    /// <summary>Skips a number and as many bytes as it says.</summary>
    private static bool SkipBlock(ref ReadOnlySpan<byte> rest)
    {
        if (!Leb128.TryTakeUnsigned(ref rest, out ulong length) || length > (ulong)rest.Length)
        {
            return false;
        }

        rest = rest[(int)length..];
        return true;
    }
}
