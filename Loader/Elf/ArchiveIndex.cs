using System.Numerics;
using System.Text;

namespace ElfLoader.Elf;

/// <summary>How an archive's index of symbols is written.</summary>
internal enum ArchiveIndexFormat
{
    /// <summary>There is none.</summary>
    None,

    /// <summary>"/": big-endian 32-bit count and offsets, then names.</summary>
    Gnu,

    /// <summary>"/SYM64/": the same with 64 bits.</summary>
    Gnu64,

    /// <summary>"__.SYMDEF": little-endian 32-bit pairs of name and member, then names.</summary>
    Bsd,

    /// <summary>"__.SYMDEF_64": the same with 64 bits.</summary>
    Bsd64,
}

/// <summary>
/// Which member of an archive defines a symbol: a hash table over the names where they stand, in the archive's own
/// index or, without one, in the members' string tables.
/// </summary>
internal sealed class ArchiveIndex
{
    private readonly Archive _archive;

    /// <summary>The names of all entries; null where each entry's are in its member.</summary>
    private readonly ReadOnlyMemory<byte>? _names;

    private Entry[] _entries;
    private int[] _slots;
    private int _count;
    private bool _hasVersions;

    private ArchiveIndex(Archive archive, ReadOnlyMemory<byte>? names, int capacity)
    {
        _archive = archive;
        _names = names;
        _entries = new Entry[capacity];
        _slots = new int[SlotsFor(capacity)];
    }

    /// <summary>Reads the index that is there.</summary>
    /// <exception cref="LinkException">It is malformed.</exception>
    public static ArchiveIndex Read(Archive archive, ReadOnlyMemory<byte> bytes, ArchiveIndexFormat format)
    {
        ArchiveIndexEntries entries = new(archive.Name, bytes.Span, format);
        ReadOnlyMemory<byte> names = bytes[entries.NamesStart..];
        ArchiveIndex index = new(archive, names, entries.Count) { _hasVersions = VersionedName.MayBeIn(names.Span) };
        while (entries.MoveNext())
        {
            index.AddDefinition(entries.NameStart, entries.NameLength, entries.Offset);
        }

        return index;
    }

    /// <summary>Makes an index from the symbols that the members define.</summary>
    /// <exception cref="LinkException">A member cannot be read.</exception>
    public static ArchiveIndex Scan(Archive archive, ReadLimits? limits)
    {
        ArchiveIndex index = new(archive, names: null, capacity: 64);
        for (int i = 0; i < archive.Members.Count; i++)
        {
            ArchiveMember member = archive.Members[i];
            if (FileKind.Detect(member.Bytes.Span) != FileKind.Object)
            {
                continue;
            }

            ElfObject read = ElfObject.Read(member.Bytes, member.FullName, limits);
            index._hasVersions |= read.MayHaveVersions;
            SymbolTable symbols = read.Symbols;
            for (int s = read.FirstGlobalSymbol; s < symbols.Count; s++)
            {
                SymbolRecord symbol = symbols[s];
                if (symbol.IsDefined)
                {
                    int start = read.SymbolNamesStart + (int)symbol.NameOffset;
                    index.AddDefinition(start, symbols.Name(symbol).Length, i);
                }
            }
        }

        return index;
    }

    /// <summary>The names of the symbols.</summary>
    internal IEnumerable<string> Names
    {
        get
        {
            for (int i = 0; i < _count; i++)
            {
                yield return NameText.Shown(NameOf(_entries[i]));
            }
        }
    }

    /// <summary>Finds the first member that defines a symbol.</summary>
    public bool TryFind(ReadOnlySpan<byte> symbol, out int member)
    {
        int found = Find(symbol);
        if (found < 0 && _hasVersions)
        {
            VersionedName versioned = VersionedName.Of(symbol);
            for (int form = 0; found < 0 && versioned.TryGetDefault(form, out ReadOnlySpan<byte> definition); form++)
            {
                found = Find(definition);
            }
        }

        member = found < 0 ? -1 : MemberOf(_entries[found]);
        return found >= 0;
    }

    private int Find(ReadOnlySpan<byte> symbol) => _slots[FindSlot(symbol, Hash(symbol))] - 1;

    /// <summary>Seeded anew in each process, so that no input can be made to collide.</summary>
    private static uint Hash(ReadOnlySpan<byte> name)
    {
        HashCode hash = default;
        hash.AddBytes(name);
        return (uint)hash.ToHashCode();
    }

    /// <summary>A power of two, at most half of it used.</summary>
    private static int SlotsFor(int entries) => (int)BitOperations.RoundUpToPowerOf2((uint)entries * 2 | 1);

    /// <summary>Adds what a member defines; a name with the default version is that without a version, too.</summary>
    private void AddDefinition(int nameStart, int nameLength, int place)
    {
        Add(nameStart, nameLength, place);
        if (_hasVersions && VersionedName.Of(NameOf(new Entry(0, nameStart, nameLength, place))) is { IsDefault: true } versioned)
        {
            Add(nameStart, versioned.Name.Length, place);
        }
    }

    private void Add(int nameStart, int nameLength, int place)
    {
        if (_count == _entries.Length)
        {
            Grow();
        }

        Entry entry = new(0, nameStart, nameLength, place);
        ReadOnlySpan<byte> name = NameOf(entry);
        uint hash = Hash(name);
        int slot = FindSlot(name, hash);

        // The first one stays: that is the member that a linker takes.
        if (_slots[slot] == 0)
        {
            _entries[_count++] = entry with { Hash = hash };
            _slots[slot] = _count;
        }
    }

    /// <summary>The slot that holds a name, or the free one where it belongs.</summary>
    private int FindSlot(ReadOnlySpan<byte> name, uint hash)
    {
        int mask = _slots.Length - 1;
        int slot = (int)hash & mask;
        while (_slots[slot] != 0)
        {
            ref readonly Entry entry = ref _entries[_slots[slot] - 1];
            if (entry.Hash == hash && NameOf(entry).SequenceEqual(name))
            {
                break;
            }

            slot = (slot + 1) & mask;
        }

        return slot;
    }

    private void Grow()
    {
        Array.Resize(ref _entries, (_entries.Length * 2) + 1);
        int[] slots = new int[SlotsFor(_entries.Length)];
        int mask = slots.Length - 1;
        for (int i = 0; i < _count; i++)
        {
            int slot = (int)_entries[i].Hash & mask;
            while (slots[slot] != 0)
            {
                slot = (slot + 1) & mask;
            }

            slots[slot] = i + 1;
        }

        _slots = slots;
    }

    private ReadOnlySpan<byte> NameOf(in Entry entry)
    {
        ReadOnlyMemory<byte> names = _names ?? _archive.Members[entry.Place].Bytes;
        return names.Span.Slice(entry.NameStart, entry.NameLength);
    }

    private int MemberOf(in Entry entry)
    {
        if (_names is null)
        {
            return entry.Place;
        }

        IReadOnlyList<ArchiveMember> members = _archive.Members;
        int low = 0, high = members.Count - 1;
        while (low <= high)
        {
            int middle = (low + high) / 2;
            int offset = members[middle].Offset;
            if (offset == entry.Place)
            {
                return middle;
            }

            (low, high) = offset < entry.Place ? (middle + 1, high) : (low, middle - 1);
        }

        throw new LinkException(
            LinkErrorCode.Malformed,
            new LinkLocation(_archive.Name, Symbol: Encoding.UTF8.GetString(NameOf(entry))),
            $"the index refers to a member at {entry.Place}, where none begins");
    }

    /// <summary>A name and where it is defined.</summary>
    /// <param name="Hash">Of the name.</param>
    /// <param name="NameStart">Where the name stands in the index's names, or in its member.</param>
    /// <param name="NameLength">Bytes in the name.</param>
    /// <param name="Place">Offset of the member's header; index of the member where it was scanned.</param>
    private readonly record struct Entry(uint Hash, int NameStart, int NameLength, int Place);
}
