namespace ElfLoader.Elf;

/// <summary>
/// Decodes SHT_CREL. A header tells the number of relocations, whether they have addends, and by how many bits the
/// offsets are shifted. Then each relocation is the differences from the one before, those that are not zero:
/// <code>
///   header          ULEB128   count &lt;&lt; 3 | has addends &lt;&lt; 2 | shift
///   offset, flags   ULEB128   difference &lt;&lt; (2, or 3 with addends) | addend? 4 | type? 2 | symbol? 1
///   symbol, type, addend      SLEB128 each, where their flags are set
/// </code>
/// </summary>
/// <remarks>gABI draft, "Relocation", SHT_CREL.</remarks>
/// <param name="Count">Number of relocations.</param>
/// <param name="HasAddends">Whether the relocations carry their addends.</param>
/// <param name="Shift">Bits by which the differences of offsets are shifted.</param>
internal readonly record struct CrelHeader(int Count, bool HasAddends, byte Shift)
{
    private const ulong HasAddendsFlag = 4;

    /// <summary>Takes the header; false where it is malformed or promises more than there are bytes.</summary>
    public static bool TryTake(ref ReadOnlySpan<byte> stream, out CrelHeader header)
    {
        header = default;
        if (!Leb128.TryTakeUnsigned(ref stream, out ulong word) || word >> 3 > (ulong)stream.Length)
        {
            return false;
        }

        header = new CrelHeader((int)(word >> 3), (word & HasAddendsFlag) != 0, (byte)(word & 3));
        return true;
    }

    /// <summary>Takes a relocation; false where it is malformed.</summary>
    /// <param name="stream">The rest of the section.</param>
    /// <param name="record">The relocation before, all zero for the first one; then the one taken.</param>
    public bool TryTake<TClass>(ref ReadOnlySpan<byte> stream, ref RelocationRecord record)
        where TClass : IElfClass
    {
        if (stream.IsEmpty)
        {
            return false;
        }

        // The first number may exceed 64 bits by its flags, so its first byte is taken apart from the others.
        int flagBits = HasAddends ? 3 : 2;
        byte first = stream[0];
        stream = stream[1..];
        ulong offset = (first & 0x7fu) >> flagBits;
        if (first >= 0x80)
        {
            if (!Leb128.TryTakeUnsigned(ref stream, out ulong upper))
            {
                return false;
            }

            offset |= upper << (7 - flagBits);
        }

        long symbol = 0, type = 0, addend = 0;
        if (((first & 1) != 0 && !Leb128.TryTakeSigned(ref stream, out symbol))
            || ((first & 2) != 0 && !Leb128.TryTakeSigned(ref stream, out type))
            || (HasAddends && (first & 4) != 0 && !Leb128.TryTakeSigned(ref stream, out addend)))
        {
            return false;
        }

        // All sums wrap around on purpose, at the class's width: differences may be negative. As shifting and
        // cutting to a width distribute over sums, the relocation before is all the state there is.
        record = new RelocationRecord(
            TClass.Truncate(record.Offset + (offset << Shift)),
            record.Type + (uint)type,
            record.Symbol + (uint)symbol,
            TClass.SignExtend((ulong)record.Addend + (ulong)addend));
        return true;
    }
}
