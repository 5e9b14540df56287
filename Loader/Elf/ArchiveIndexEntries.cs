using System.Buffers.Binary;
using ElfLoader.Memory;

namespace ElfLoader.Elf;

/// <summary>Goes through an archive's own index, whichever its format.</summary>
internal ref struct ArchiveIndexEntries
{
    private readonly string _archive;
    private readonly ReadOnlySpan<byte> _table;
    private readonly ReadOnlySpan<byte> _names;
    private readonly bool _isGnu;
    private readonly int _width;
    private int _next;

    /// <summary>Bytes of names that may still be read: see <see cref="MoveNext"/>.</summary>
    private long _allowance;

    /// <summary>Finds the two tables that an index consists of.</summary>
    /// <exception cref="LinkException">They do not fit it.</exception>
    public ArchiveIndexEntries(string archive, ReadOnlySpan<byte> index, ArchiveIndexFormat format)
    {
        _archive = archive;
        _isGnu = format is ArchiveIndexFormat.Gnu or ArchiveIndexFormat.Gnu64;
        _width = format is ArchiveIndexFormat.Gnu or ArchiveIndexFormat.Bsd ? sizeof(uint) : sizeof(ulong);
        int entrySize = _isGnu ? _width : 2 * _width;
        ulong first = index.Length < _width
            ? throw Fault($"symbol index of {CountText.Of(index.Length, "byte")} has no count")
            : Word(index);
        ulong count = _isGnu ? first : first / (ulong)entrySize;
        if (count > (ulong)((index.Length - _width) / entrySize))
        {
            throw Fault($"{CountText.Of(count, "entry")} {(count is 1 ? "does" : "do")} not fit the {CountText.Of(index.Length, "byte")} of the symbol index");
        }

        Count = (int)count;
        _table = index.Slice(_width, Count * entrySize);

        // BSD's names have their size in front of them; it says nothing that the index's own size does not.
        NamesStart = Math.Min(_width + _table.Length + (_isGnu ? 0 : _width), index.Length);
        _names = index[NamesStart..];
        _allowance = 16L * index.Length;
    }

    /// <summary>Number of entries.</summary>
    public int Count { get; }

    /// <summary>Where the names begin in the index.</summary>
    public int NamesStart { get; }

    /// <summary>Where the entry's name begins among the names.</summary>
    public int NameStart { get; private set; }

    /// <summary>Bytes in the entry's name.</summary>
    public int NameLength { get; private set; }

    /// <summary>Offset of the header of the member that defines it.</summary>
    public int Offset { get; private set; }

    /// <summary>Goes to the next entry; false where there is none.</summary>
    /// <exception cref="LinkException">The entry points to somewhere else.</exception>
    public bool MoveNext()
    {
        if (_next == Count)
        {
            return false;
        }

        ulong start, offset;
        if (_isGnu)
        {
            // The names follow one another in the order of the offsets.
            start = _next == 0 ? 0 : (ulong)NameStart + (ulong)NameLength + 1;
            offset = Word(_table[(_next * _width)..]);
        }
        else
        {
            start = Word(_table[(_next * 2 * _width)..]);
            offset = Word(_table[((_next * 2 * _width) + _width)..]);
        }

        int length = start < (ulong)_names.Length ? _names[(int)start..].IndexOf((byte)0) : -1;
        if (length < 0)
        {
            throw Fault($"name of entry {_next} at {start} does not end in the {CountText.Of(_names.Length, "byte")} of names");
        }

        if (offset > int.MaxValue)
        {
            throw Fault($"entry {_next} refers to a member at {offset}, past the end of the archive");
        }

        // BSD's entries may share names, but not so that reading them takes time out of proportion to the file.
        _allowance -= length;
        if (_allowance < 0)
        {
            throw Fault("names of the symbol index overlap");
        }

        (NameStart, NameLength, Offset) = ((int)start, length, (int)offset);
        _next++;
        return true;
    }

    private readonly ulong Word(ReadOnlySpan<byte> bytes) => (_isGnu, _width) switch
    {
        (true, sizeof(uint)) => BinaryPrimitives.ReadUInt32BigEndian(bytes),
        (true, _) => BinaryPrimitives.ReadUInt64BigEndian(bytes),
        (false, sizeof(uint)) => BinaryPrimitives.ReadUInt32LittleEndian(bytes),
        _ => BinaryPrimitives.ReadUInt64LittleEndian(bytes),
    };

    private readonly LinkException Fault(string message) =>
        new(LinkErrorCode.Malformed, new LinkLocation(_archive), message);
}
