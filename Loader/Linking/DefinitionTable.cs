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
    private Entry[] _entries = new Entry[16];
    private int[] _buckets = new int[32];
    private byte[] _names = new byte[256];
    private int _nameBytes;
    private int _count;
    private int _removed;

    private struct Entry
    {
        internal ulong Hash;
        internal int NameOffset;
        internal int NameLength;
        internal bool IsLive;
        internal Definition Definition;
    }

    /// <summary>Number of names with a definition.</summary>
    internal int Count => _count - _removed;

    /// <summary>Finds a definition; one with <see cref="Definition.Exists"/> false where there is none.</summary>
    internal Definition Find(ulong hash, ReadOnlySpan<byte> name)
    {
        int index = IndexOf(hash, name);
        return index >= 0 && _entries[index].IsLive ? _entries[index].Definition : default;
    }

    /// <summary>Adds a definition, or puts it in the place of the one that was there.</summary>
    internal void Set(ulong hash, ReadOnlySpan<byte> name, in Definition definition)
    {
        int index = IndexOf(hash, name);
        if (index < 0)
        {
            index = Append(hash, name);
        }
        else if (!_entries[index].IsLive) // its name has stayed behind
        {
            _removed--;
        }

        _entries[index].IsLive = true;
        _entries[index].Definition = definition;
    }

    /// <summary>Makes room for so many more names, so that none of the following additions grows the table.</summary>
    internal void Reserve(int more)
    {
        int wanted = _count + more;
        if (wanted > _entries.Length)
        {
            Array.Resize(ref _entries, (int)BitOperations.RoundUpToPowerOf2((uint)wanted));
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
        if (index >= 0 && _entries[index].IsLive)
        {
            _entries[index].IsLive = false;
            _entries[index].Definition = default;
            _removed++;
            CompactIfWorthwhile();
        }
    }

    /// <summary>Whether a unit holds any definition.</summary>
    internal bool HasAny(LoadedUnit unit)
    {
        for (int i = 0; i < _count; i++)
        {
            if (_entries[i].IsLive && ReferenceEquals(_entries[i].Definition.Unit, unit))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Removes the definitions that a unit holds.</summary>
    /// <param name="unit">The unit.</param>
    /// <param name="left">
    /// What others still use of it: of the definitions that several units may have copies of, all stay where it is data; where
    /// it is code only, the functions do, for the data has been destroyed.
    /// </param>
    internal void Remove(LoadedUnit unit, UnitUse left = UnitUse.None)
    {
        for (int i = 0; i < _count; i++)
        {
            if (_entries[i].IsLive && ReferenceEquals(_entries[i].Definition.Unit, unit)
                && !Stays(_entries[i].Definition, left))
            {
                _entries[i].IsLive = false;
                _entries[i].Definition = default;
                _removed++;
            }
        }

        CompactIfWorthwhile();
    }

    /// <summary>The names and definitions, in the order in which the names came.</summary>
    internal IEnumerable<(string Name, Definition Definition)> All()
    {
        for (int i = 0; i < _count; i++)
        {
            if (_entries[i].IsLive)
            {
                yield return (System.Text.Encoding.UTF8.GetString(NameOf(i)), _entries[i].Definition);
            }
        }
    }

    private static bool Stays(in Definition definition, UnitUse left) => definition.IsWeak
        && ((left & UnitUse.SharedData) != 0
            || ((left & UnitUse.SharedCode) != 0 && definition.Type is SymbolType.Function));

    private ReadOnlySpan<byte> NameOf(int index) =>
        _names.AsSpan(_entries[index].NameOffset, _entries[index].NameLength);

    private int IndexOf(ulong hash, ReadOnlySpan<byte> name)
    {
        int mask = _buckets.Length - 1;
        for (int bucket = (int)hash & mask; _buckets[bucket] is not 0; bucket = (bucket + 1) & mask)
        {
            int candidate = _buckets[bucket] - 1;
            if (_entries[candidate].Hash == hash && NameOf(candidate).SequenceEqual(name))
            {
                return candidate;
            }
        }

        return -1;
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
        _entries[index] = new Entry { Hash = hash, NameOffset = offset, NameLength = name.Length };
        Insert(index);
        return index;
    }

    private void Insert(int index)
    {
        int mask = _buckets.Length - 1;
        int bucket = (int)_entries[index].Hash & mask;
        while (_buckets[bucket] is not 0)
        {
            bucket = (bucket + 1) & mask;
        }

        _buckets[bucket] = index + 1;
    }

    private void Rehash(int size)
    {
        _buckets = new int[size];
        for (int i = 0; i < _count; i++)
        {
            Insert(i);
        }
    }

    private void CompactIfWorthwhile()
    {
        if (_removed > 64 && _removed > _count / 2)
        {
            Compact();
        }
    }

    private void Compact()
    {
        Entry[] old = _entries;
        byte[] names = _names;
        int count = _count;
        int live = count - _removed;
        _entries = new Entry[(int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(live, 16))];
        _buckets = new int[_entries.Length * 2];
        _names = new byte[256];
        (_nameBytes, _count, _removed) = (0, 0, 0);
        for (int i = 0; i < count; i++)
        {
            if (old[i].IsLive)
            {
                Set(old[i].Hash, names.AsSpan(old[i].NameOffset, old[i].NameLength), old[i].Definition);
            }
        }
    }
}
