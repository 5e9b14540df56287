using System.Numerics;
using ElfLoader.Elf;

namespace ElfLoader.Linking;

/// <summary>
/// What a library defines, found by hash over UTF-8 names. Names are copied, so that the objects' bytes need not be
/// kept.
/// </summary>
/// <remarks>Not thread-safe: the library guards it.</remarks>
internal sealed class DefinitionTable
{
    // Entries in blocks of this many stay where they are, however many there are, and are no large objects, of which each
    // few megabytes cost a collection of everything.
    private const int BlockBits = 6;
    private const int BlockSize = 1 << BlockBits;
    private const int None = -1;

    private readonly bool _isOfGroups;
    private Entry[][] _blocks = [new Entry[16]]; // the first grows, the others are whole
    private ulong[] _buckets = new ulong[32]; // one more than the index, and above it the upper half of the hash; 0 for none
    private byte[] _names = new byte[256];
    private int _nameBytes;
    private int _count;

    // Read without the library's lock, to skip looking for what cannot be there: it never is less than what is there.
    private volatile int _live;

    /// <param name="isOfGroups">Whether the names are those of groups. A unit may be in one table of each kind.</param>
    internal DefinitionTable(bool isOfGroups = false) => _isOfGroups = isOfGroups;

    private struct Entry
    {
        internal ulong Hash;
        internal int NameOffset;
        internal int NameLength;

        /// <summary>The entries before and after it of what the same unit holds.</summary>
        internal int Previous;
        internal int Next;

        internal Definition Definition;

        /// <summary>Whether there is a definition, or only the name of one has stayed behind.</summary>
        internal readonly bool IsLive => Definition.Exists;
    }

    /// <summary>Number of names with a definition.</summary>
    internal int Count => _live;

    /// <summary>Finds a definition; one with <see cref="Definition.Exists"/> false where there is none.</summary>
    internal Definition Find(ulong hash, ReadOnlySpan<byte> name)
    {
        int index = IndexOf(hash, name);
        return index >= 0 ? At(index).Definition : default;
    }

    /// <summary>Adds a definition, or puts it in the place of the one that was there.</summary>
    internal void Set(ulong hash, ReadOnlySpan<byte> name, in Definition definition)
    {
        int index = IndexOf(hash, name);
        if (index < 0)
        {
            index = Append(hash, name);
            _live++;
        }
        else if (!At(index).IsLive) // its name has stayed behind
        {
            _live++;
        }
        else
        {
            Unlink(index);
        }

        At(index).Definition = definition;
        Link(index);
    }

    /// <summary>Makes room for so many more names, so that none of the following additions grows the table.</summary>
    internal void Reserve(int more)
    {
        int wanted = _count + more;
        if (_blocks[0].Length < Math.Min(wanted, BlockSize))
        {
            Array.Resize(ref _blocks[0], (int)BitOperations.RoundUpToPowerOf2((uint)Math.Min(wanted, BlockSize)));
        }

        int blocks = _blocks.Length;
        int wantedBlocks = (wanted + BlockSize - 1) >> BlockBits;
        if (wantedBlocks > blocks)
        {
            Array.Resize(ref _blocks, wantedBlocks + (blocks / 4));
        }

        if (wanted * 2 > _buckets.Length)
        {
            Rehash((int)BitOperations.RoundUpToPowerOf2((uint)wanted * 2));
        }
    }

    /// <summary>Removes the definition of a name, if there is one.</summary>
    internal void Remove(ulong hash, ReadOnlySpan<byte> name)
    {
        int index = IndexOf(hash, name);
        if (index >= 0 && At(index).IsLive)
        {
            Clear(index);
            CompactIfWorthwhile();
        }
    }

    /// <summary>Whether a unit holds any definition.</summary>
    internal bool HasAny(LoadedUnit unit) => FirstOf(unit) is not 0;

    /// <summary>Removes the definitions that a unit holds.</summary>
    /// <param name="unit">The unit.</param>
    /// <param name="left">
    /// What others still use of it: of the definitions that several units may have copies of, all stay where it is data; where
    /// it is code only, the functions do, for the data has been destroyed.
    /// </param>
    internal void Remove(LoadedUnit unit, UnitUse left = UnitUse.None)
    {
        int next;
        for (int i = FirstOf(unit) - 1; i != None; i = next)
        {
            next = At(i).Next;
            if (!Stays(At(i).Definition, left))
            {
                Clear(i);
            }
        }

        CompactIfWorthwhile();
    }

    /// <summary>The names and definitions, in the order in which the names came.</summary>
    internal IEnumerable<(string Name, Definition Definition)> All()
    {
        for (int i = 0; i < _count; i++)
        {
            if (At(i).IsLive)
            {
                yield return (System.Text.Encoding.UTF8.GetString(NameOf(i)), At(i).Definition);
            }
        }
    }

    private static bool Stays(in Definition definition, UnitUse left) => definition.IsWeak
        && ((left & UnitUse.SharedData) != 0
            || ((left & UnitUse.SharedCode) != 0 && definition.Type is SymbolType.Function));

    private ReadOnlySpan<byte> NameOf(int index) =>
        _names.AsSpan(At(index).NameOffset, At(index).NameLength);

    private ref Entry At(int index) => ref _blocks[index >> BlockBits][index & (BlockSize - 1)];

    /// <summary>One more than the index of the first entry that a unit holds, or 0.</summary>
    private ref int FirstOf(LoadedUnit unit) => ref _isOfGroups ? ref unit.FirstGroup : ref unit.FirstDefinition;

    private void Link(int index)
    {
        ref Entry entry = ref At(index);
        (entry.Previous, entry.Next) = (None, None);
        if (entry.Definition.Unit is { } unit)
        {
            ref int first = ref FirstOf(unit);
            if (first is not 0)
            {
                entry.Next = first - 1;
                At(first - 1).Previous = index;
            }

            first = index + 1;
        }
    }

    private void Unlink(int index)
    {
        ref Entry entry = ref At(index);
        if (entry.Definition.Unit is not { } unit)
        {
            return;
        }

        if (entry.Next != None)
        {
            At(entry.Next).Previous = entry.Previous;
        }

        if (entry.Previous != None)
        {
            At(entry.Previous).Next = entry.Next;
        }
        else
        {
            FirstOf(unit) = entry.Next + 1;
        }
    }

    private void Clear(int index)
    {
        Unlink(index);
        At(index).Definition = default;
        _live--;
    }

    private int IndexOf(ulong hash, ReadOnlySpan<byte> name)
    {
        int mask = _buckets.Length - 1;
        for (int bucket = (int)hash & mask; _buckets[bucket] is not 0; bucket = (bucket + 1) & mask)
        {
            int candidate = (int)_buckets[bucket] - 1;
            if (_buckets[bucket] >> 32 == hash >> 32 && At(candidate).Hash == hash && NameOf(candidate).SequenceEqual(name))
            {
                return candidate;
            }
        }

        return None;
    }

    private int Append(ulong hash, ReadOnlySpan<byte> name)
    {
        Reserve(1);
        int offset = _nameBytes;
        if (name.Length > _names.Length - offset)
        {
            Array.Resize(ref _names, (int)Math.Min((long)Array.MaxLength, (_names.Length + (long)name.Length) * 2));
        }

        name.CopyTo(_names.AsSpan(offset));
        _nameBytes += name.Length;
        int index = _count++;
        ref Entry[] block = ref _blocks[index >> BlockBits];
        block ??= new Entry[BlockSize];
        At(index) = new Entry { Hash = hash, NameOffset = offset, NameLength = name.Length };
        Insert(index, hash);
        return index;
    }

    private void Insert(int index, ulong hash)
    {
        int mask = _buckets.Length - 1;
        int bucket = (int)hash & mask;
        while (_buckets[bucket] is not 0)
        {
            bucket = (bucket + 1) & mask;
        }

        _buckets[bucket] = ((hash >> 32) << 32) | (uint)(index + 1);
    }

    private void Rehash(int size)
    {
        _buckets = new ulong[size];
        for (int i = 0; i < _count; i++)
        {
            Insert(i, At(i).Hash);
        }
    }

    private void CompactIfWorthwhile()
    {
        int removed = _count - _live;
        if (removed > 64 && removed > _count / 2)
        {
            Compact();
        }
    }

    private void Compact()
    {
        Entry[][] old = _blocks;
        byte[] names = _names;
        int count = _count;
        _blocks = [new Entry[16]];
        _buckets = new ulong[32];
        _names = new byte[256];
        (_nameBytes, _count) = (0, 0);
        Reserve(_live);
        for (int i = 0; i < count; i++)
        {
            if (old[i >> BlockBits][i & (BlockSize - 1)] is { IsLive: true, Definition.Unit: { } unit })
            {
                FirstOf(unit) = 0;
            }
        }

        for (int i = 0; i < count; i++)
        {
            ref Entry entry = ref old[i >> BlockBits][i & (BlockSize - 1)];
            if (entry.IsLive)
            {
                int index = Append(entry.Hash, names.AsSpan(entry.NameOffset, entry.NameLength));
                At(index).Definition = entry.Definition;
                Link(index);
            }
        }
    }
}
