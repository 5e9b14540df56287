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
internal ref struct CrelDecoder
{
    private const ulong HasAddendsFlag = 4;

    private readonly int _flagBits;
    private readonly int _shift;
    private readonly bool _is64Bit;
    private ReadOnlySpan<byte> _rest;
    private int _left;
    private ulong _offset;
    private uint _symbol;
    private uint _type;
    private ulong _addend;

    private CrelDecoder(ReadOnlySpan<byte> rest, ulong header, bool is64Bit)
    {
        _rest = rest;
        _is64Bit = is64Bit;
        _flagBits = (header & HasAddendsFlag) != 0 ? 3 : 2;
        _shift = (int)(header & 3);
        _left = (int)(header >> 3);
        Count = _left;
    }

    /// <summary>Number of relocations in the section.</summary>
    public int Count { get; }

    /// <summary>Whether the relocations carry their addends.</summary>
    public readonly bool HasAddends => _flagBits == 3;

    /// <summary>Whether all relocations have been taken.</summary>
    public readonly bool IsAtEnd => _left == 0;

    /// <summary>Reads the header; false where it is malformed or promises more relocations than there are bytes.</summary>
    public static bool TryStart(ReadOnlySpan<byte> section, bool is64Bit, out CrelDecoder decoder)
    {
        decoder = default;
        if (!Leb128.TryTakeUnsigned(ref section, out ulong header) || header >> 3 > (ulong)section.Length)
        {
            return false;
        }

        decoder = new CrelDecoder(section, header, is64Bit);
        return true;
    }

    /// <summary>Takes a relocation; false where it is malformed. Not to be called at the end.</summary>
    public bool TryNext(out RelocationRecord record)
    {
        record = default;
        if (_rest.IsEmpty)
        {
            return false;
        }

        // The first number may exceed 64 bits by its flags, so its first byte is taken apart from the others.
        byte first = _rest[0];
        _rest = _rest[1..];
        ulong difference = (first & 0x7fu) >> _flagBits;
        if (first >= 0x80)
        {
            if (!Leb128.TryTakeUnsigned(ref _rest, out ulong upper))
            {
                return false;
            }

            difference |= upper << (7 - _flagBits);
        }

        // All sums wrap around on purpose: differences may be negative.
        _offset += difference;
        long symbol = 0, type = 0, addend = 0;
        if (((first & 1) != 0 && !Leb128.TryTakeSigned(ref _rest, out symbol))
            || ((first & 2) != 0 && !Leb128.TryTakeSigned(ref _rest, out type))
            || (HasAddends && (first & 4) != 0 && !Leb128.TryTakeSigned(ref _rest, out addend)))
        {
            return false;
        }

        _symbol += (uint)symbol;
        _type += (uint)type;
        _addend += (ulong)addend;
        _left--;
        ulong offset = _offset << _shift;
        record = _is64Bit
            ? new RelocationRecord(offset, _type, _symbol, (long)_addend)
            : new RelocationRecord((uint)offset, _type, _symbol, (int)_addend);
        return true;
    }
}
