using System.Text;
using ElfLoader.DynamicLinking;
using ElfLoader.Elf;
using ElfLoader.Linking;

namespace ElfLoader.Libraries;

/// <summary>
/// What a library defines, found by hash over UTF-8 names: 40 bytes for each definition of a unit, whose name stays where it
/// stands in the unit's object. All other names are copied.
/// </summary>
/// <remarks>Not thread-safe: the library guards it.</remarks>
internal sealed partial class DefinitionTable
{
    private const int LeastEntries = 16;
    private const int LeastWorthCompacting = 64;
    private const int EntriesOfPiece = 1_000;
    private const int BytesOfPiece = 1 << 16;
    private const int None = -1;

    private readonly bool _isOfGroups;
    private readonly Func<int, uint> _lowerHalfOfHash;
    private readonly DefinitionOrigins _origins = new();
    private BlockArray<Entry> _entries = new(LeastEntries);
    private NameBuckets _buckets = new(LeastEntries);
    private byte[] _names = [];
    private int _nameBytes;
    private int _unusedNameBytes;
    private int _count;

    // Read without the library's lock, to skip looking for what cannot be there: it never is less than what is there.
    private volatile int _live;

    /// <param name="isOfGroups">Whether the names are those of groups. A unit may be in one table of each kind.</param>
    internal DefinitionTable(bool isOfGroups = false)
    {
        _isOfGroups = isOfGroups;
        _lowerHalfOfHash = index => At(index).Hash;
    }

    [Flags]
    private enum Traits : byte
    {
        Live = 1,
        Weak = 2,
        Hidden = 4,
        Absolute = 8,
        Thumb = 16,

        /// <summary>The name is in the table's own bytes rather than in the object's.</summary>
        NameIsCopied = 32,

        /// <summary>The definition has more to say than there is room for here.</summary>
        Rare = 64,
    }

    private struct Entry
    {
        internal ulong Address;
        internal uint Hash; // the lower half
        internal int Origin;
        internal int NameOffset;
        internal int NameLength;
        internal uint Size;

        /// <summary>The entries before and after it of what the same unit holds.</summary>
        internal int Previous;
        internal int Next;

        internal SymbolType Type;
        internal Traits Traits;

        internal readonly bool Is(Traits traits) => (Traits & traits) != 0;
    }

    /// <summary>What native code sees of the definitions; null as long as none looks.</summary>
    internal NameTable? Native { get; set; }

    /// <summary>Number of names with a definition.</summary>
    internal int Count => _live;

    /// <summary>Finds a definition; one with <see cref="Definition.Exists"/> false where there is none.</summary>
    internal Definition Find(ulong hash, ReadOnlySpan<byte> name)
    {
        int index = IndexOf(hash, name, out _);
        return index >= 0 ? DefinitionAt(At(index)) : default;
    }

    /// <summary>Adds a definition, or puts it in the place of the one that was there; the name is copied.</summary>
    internal void Set(ulong hash, ReadOnlySpan<byte> name, in Definition definition)
    {
        int index = Place(hash, name);
        ref Entry entry = ref At(index);
        if (!entry.Is(Traits.NameIsCopied) || entry.NameLength != name.Length)
        {
            ForgetName(entry);
            entry.NameOffset = CopyName(name);
            entry.NameLength = name.Length;
        }
        else
        {
            name.CopyTo(_names.AsSpan(entry.NameOffset)); // that of a definition with the same hash that was removed
        }

        Fill(ref entry, definition, _origins.Add(definition), Traits.NameIsCopied);
        Link(index);
        Native?.Set(name, definition);
    }

    /// <summary>
    /// Adds a definition that an object brings, or puts it in the place of the one that was there; the name stays in the
    /// object.
    /// </summary>
    /// <param name="hash">The name's hash.</param>
    /// <param name="elf">The object, which lives as long as the definition's unit.</param>
    /// <param name="offset">Where the name stands in the string table of its symbols.</param>
    /// <param name="length">Its bytes.</param>
    /// <param name="definition">The definition, whose provider is the object.</param>
    /// <param name="origin">Where the table notes what this object's definitions have in common; 0 at first.</param>
    internal void Set(
        ulong hash, ElfObject elf, uint offset, int length, in Definition definition, ref int origin)
    {
        if (DefinitionOrigins.IsRare(definition))
        {
            Set(hash, elf.NameAt((int)offset, length), definition);
            return;
        }

        int index = Place(hash, elf.NameAt((int)offset, length));
        ref Entry entry = ref At(index);
        ForgetName(entry);
        entry.NameOffset = (int)offset;
        entry.NameLength = length;
        origin = _origins.Add(definition.Unit, elf, origin - 1) + 1;
        Fill(ref entry, definition, origin - 1, 0);
        Link(index);
        Native?.Set(NameOf(entry), definition);
    }

    /// <summary>Makes room for so many more names, so that none of the following additions grows the table.</summary>
    internal void Reserve(int more)
    {
        _entries.Reserve(_count + more);
        _buckets.Reserve(_count + more, _lowerHalfOfHash);
    }

    /// <summary>Removes the definition of a name, if there is one.</summary>
    internal void Remove(ulong hash, ReadOnlySpan<byte> name)
    {
        int index = IndexOf(hash, name, out _);
        if (index >= 0)
        {
            Clear(index);
            CompactIfWorthwhile();
        }
    }

    /// <summary>The names and definitions, about in the order in which the names came.</summary>
    internal IEnumerable<(string Name, Definition Definition)> All()
    {
        for (int i = 0; i < _count; i++)
        {
            if (At(i).Is(Traits.Live))
            {
                yield return (Encoding.UTF8.GetString(NameOf(At(i))), DefinitionAt(At(i)));
            }
        }
    }

    /// <summary>Copies a piece of the names, so that whoever guards the table need not do so for all of them.</summary>
    /// <param name="next">Where the piece begins, 0 at first; then where the next one does.</param>
    /// <param name="names">The names, and whether they are hidden, in the place of what was there.</param>
    /// <returns>Whether there is more.</returns>
    internal bool TryCopyNames(ref int next, List<(string Name, bool IsHidden)> names)
    {
        names.Clear();
        int end = Math.Min(_count, next + EntriesOfPiece);
        for (int bytes = 0; next < end && bytes < BytesOfPiece; next++)
        {
            ref readonly Entry entry = ref At(next);
            if (entry.Is(Traits.Live))
            {
                names.Add((Encoding.UTF8.GetString(NameOf(entry)), entry.Is(Traits.Hidden)));
                bytes += entry.NameLength;
            }
        }

        return next < _count;
    }

    private Definition DefinitionAt(in Entry entry) => entry.Is(Traits.Rare)
        ? _origins.Rare(entry.Origin)
        : new Definition
        {
            Address = entry.Address,
            Size = entry.Size,
            Type = entry.Type,
            IsWeak = entry.Is(Traits.Weak),
            IsHidden = entry.Is(Traits.Hidden),
            IsAbsolute = entry.Is(Traits.Absolute),
            IsThumb = entry.Is(Traits.Thumb),
            Owner = _origins.UnitOf(entry.Origin),
            Provider = _origins.ProviderOf(entry.Origin),
        };

    private static void Fill(ref Entry entry, in Definition definition, int origin, Traits traits)
    {
        entry.Origin = origin;
        entry.Address = definition.Address;
        entry.Size = unchecked((uint)definition.Size); // one that has more is rare
        entry.Type = definition.Type;
        entry.Traits = traits | Traits.Live
            | (definition.IsWeak ? Traits.Weak : 0)
            | (definition.IsHidden ? Traits.Hidden : 0)
            | (definition.IsAbsolute ? Traits.Absolute : 0)
            | (definition.IsThumb ? Traits.Thumb : 0)
            | (DefinitionOrigins.IsRare(definition) ? Traits.Rare : 0);
    }

    private ReadOnlySpan<byte> NameOf(in Entry entry) => entry.Is(Traits.NameIsCopied)
        ? _names.AsSpan(entry.NameOffset, entry.NameLength)
        : _origins.ObjectOf(entry.Origin).NameAt(entry.NameOffset, entry.NameLength);

    private ref Entry At(int index) => ref _entries[index];

    /// <summary>Finds the entry of a name that is defined, or else, perhaps, one that can be used for it.</summary>
    /// <param name="hash">The name's hash.</param>
    /// <param name="name">The name.</param>
    /// <param name="unused">An entry with this hash that is not live, or -1.</param>
    private int IndexOf(ulong hash, ReadOnlySpan<byte> name, out int unused)
    {
        unused = None;
        int bucket = _buckets.First(hash);
        while (_buckets.Next(hash, ref bucket) is >= 0 and int candidate)
        {
            ref readonly Entry entry = ref At(candidate);
            if (entry.Hash != (uint)hash)
            {
                continue;
            }

            if (!entry.Is(Traits.Live))
            {
                unused = candidate;
            }
            else if (NameOf(entry).SequenceEqual(name))
            {
                return candidate;
            }
        }

        return None;
    }

    /// <summary>The entry for a name: the one it has, without its definition, or a new one.</summary>
    private int Place(ulong hash, ReadOnlySpan<byte> name)
    {
        int index = IndexOf(hash, name, out int unused);
        if (index >= 0)
        {
            KeepReplaced(hash, name, At(index));
            Unlink(index);
            _origins.Release(At(index).Origin);
            return index;
        }

        _live++;
        if (unused >= 0)
        {
            return unused;
        }

        Reserve(1);
        index = _count++;
        _entries.Add(index) = new Entry { Hash = (uint)hash };
        _buckets.Add(hash, index);
        return index;
    }

    private void Clear(int index)
    {
        Unlink(index);
        ref Entry entry = ref At(index);
        Native?.Remove(NameOf(entry));
        _origins.Release(entry.Origin);
        entry.Traits &= Traits.NameIsCopied;
        _live--;
    }

    private int CopyName(ReadOnlySpan<byte> name)
    {
        int offset = _nameBytes;
        if (name.Length > _names.Length - offset)
        {
            Array.Resize(ref _names, (int)Math.Min(Array.MaxLength, (_names.Length + (long)name.Length) * 2));
        }

        name.CopyTo(_names.AsSpan(offset));
        _nameBytes += name.Length;
        return offset;
    }

    private void ForgetName(in Entry entry) => _unusedNameBytes += entry.Is(Traits.NameIsCopied) ? entry.NameLength : 0;

    private void CompactIfWorthwhile()
    {
        int removed = _count - _live;
        if ((removed > LeastWorthCompacting && removed > _count / 2)
            || (_unusedNameBytes > LeastWorthCompacting * LeastWorthCompacting && _unusedNameBytes > _nameBytes / 2))
        {
            Compact();
        }
    }

    private void Compact()
    {
        (BlockArray<Entry> old, NameBuckets buckets, byte[] names, int count) = (_entries, _buckets, _names, _count);
        _entries = new BlockArray<Entry>(LeastEntries);
        _buckets = new NameBuckets(Math.Max(_live, LeastEntries));
        _names = [];
        (_nameBytes, _unusedNameBytes, _count) = (0, 0, 0);
        Reserve(_live);
        int[] moved = new int[count];
        for (int i = 0; i < count; i++)
        {
            ref Entry entry = ref old[i];
            moved[i] = None;
            if (entry.Is(Traits.Live))
            {
                moved[i] = _count++;
                _entries.Add(moved[i]) = entry;
                if (entry.Is(Traits.NameIsCopied))
                {
                    At(moved[i]).NameOffset = CopyName(names.AsSpan(entry.NameOffset, entry.NameLength));
                }

                if (_origins.UnitOf(entry.Origin) is { } unit)
                {
                    FirstOf(unit) = 0;
                }
            }
        }

        for (int i = 0; i < _count; i++)
        {
            Link(i);
        }

        foreach ((int index, ulong hash) in buckets.All(index => old[index].Hash))
        {
            if (moved[index] >= 0)
            {
                _buckets.Add(hash, moved[index]);
            }
        }
    }
}
