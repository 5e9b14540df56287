using System.Buffers;
using System.Numerics;
using System.Text;
using ElfLoader.Elf;

namespace ElfLoader.Linking;

/// <summary>How far a name has been defined.</summary>
internal enum SymbolState : byte
{
    /// <summary>Only referred to.</summary>
    Undefined,

    /// <summary>Defined by a weak symbol.</summary>
    Weak,

    /// <summary>A tentative definition (SHN_COMMON).</summary>
    Common,

    /// <summary>Defined by a global symbol.</summary>
    Strong,

    /// <summary>Bound to a definition outside of this link.</summary>
    External,
}

/// <summary>One name that the objects of a link share: 56 bytes, for there are as many as in all objects together.</summary>
internal struct LinkSymbol
{
    internal ulong Hash;

    /// <summary>Size of the definition; of a common symbol the largest claimed.</summary>
    internal ulong Size;

    /// <summary>The value, once known: an address, or a TLS template address.</summary>
    internal ulong Value;

    /// <summary>Ordinal of the object in which the name stands.</summary>
    internal int NameObject;

    /// <summary>Where the name stands in that object's string table.</summary>
    internal int NameOffset;

    /// <summary>Its bytes.</summary>
    internal int NameLength;

    /// <summary>Ordinal of the object whose definition prevails, or -1.</summary>
    internal int Definer;

    /// <summary>One more than the index of its stub in the unit, or 0.</summary>
    internal int Stub;

    private int _binding; // which of three it is depends on the state

    /// <summary>Traits of the definition.</summary>
    internal SymbolTraits Traits;

    internal SymbolState State;

    internal SymbolType Type;

    /// <summary>The most constraining visibility of all definitions and references (gABI, "Symbol Visibility").</summary>
    internal SymbolVisibility Visibility;

    private byte _alignment; // one more than its logarithm
    private Flags _flags;

    /// <summary>Whether an object of the link defines it.</summary>
    internal readonly bool IsDefinedInLink =>
        State is SymbolState.Weak or SymbolState.Common or SymbolState.Strong && Definer >= 0
        && (Traits & SymbolTraits.Discarded) == 0;

    [Flags]
    private enum Flags : byte
    {
        IsWanted = 1,
        HasCopy = 2,
        IsOwn = 4,
        IsShared = 8,
    }

    /// <summary>Index of the definition in <see cref="Definer"/>.</summary>
    internal int DefinerSymbol
    {
        readonly get => _binding;
        set => _binding = value;
    }

    /// <summary>One more than the index of what it is bound to outside of this link, or 0.</summary>
    internal int Outside
    {
        readonly get => State is SymbolState.External ? _binding : 0;
        set => _binding = value;
    }

    /// <summary>One more than the index of the linker-defined symbol that it is, or 0.</summary>
    internal int Synthetic
    {
        readonly get => State is SymbolState.Undefined ? _binding : 0;
        set => _binding = value;
    }

    /// <summary>Alignment of a common symbol: the largest claimed, a power of two or 0.</summary>
    internal ulong Alignment
    {
        readonly get => _alignment is 0 ? 0 : 1UL << (_alignment - 1);
        set => _alignment = value is 0 ? (byte)0 : (byte)(BitOperations.Log2(value) + 1);
    }

    /// <summary>Whether some reference is not weak.</summary>
    internal bool IsWanted
    {
        readonly get => (_flags & Flags.IsWanted) != 0;
        set => Set(Flags.IsWanted, value);
    }

    /// <summary>Whether one of the objects brought a definition, though another one prevails.</summary>
    internal bool HasCopy
    {
        readonly get => (_flags & Flags.HasCopy) != 0;
        set => Set(Flags.HasCopy, value);
    }

    /// <summary>Whether <see cref="Outside"/> belongs to the same library, linked earlier.</summary>
    internal bool IsOwn
    {
        readonly get => (_flags & Flags.IsOwn) != 0;
        set => Set(Flags.IsOwn, value);
    }

    /// <summary>Whether the objects' own definition gave way to what is at <see cref="Outside"/>.</summary>
    internal bool IsShared
    {
        readonly get => (_flags & Flags.IsShared) != 0;
        set => Set(Flags.IsShared, value);
    }

    private void Set(Flags flag, bool value) => _flags = value ? _flags | flag : _flags & ~flag;
}

/// <summary>The global names of one link, found by hash over their UTF-8 bytes, without a string for each.</summary>
/// <remarks>
/// They stand in chunks, so that a link of many objects takes no more memory than it has names: how many of the objects' are
/// the same is known only at the end.
/// </remarks>
internal sealed class LinkSymbols : IDisposable
{
    private const int ChunkBits = 9;
    private const int ChunkSize = 1 << ChunkBits;

    private static readonly int[] s_noBuckets = [0];

    private readonly List<LinkObject> _objects;
    private LinkSymbol[][] _chunks = [];
    private int _capacity;
    private int[] _buckets = s_noBuckets;

    /// <param name="objects">The objects of the link.</param>
    internal LinkSymbols(List<LinkObject> objects) => _objects = objects;

    /// <summary>Makes room for the names of a link, in the memory of the one before if that is enough.</summary>
    /// <param name="expected">Global symbols of all objects.</param>
    /// <param name="isOne">Whether that is one object: then all have different names.</param>
    internal void Begin(int expected, bool isOne)
    {
        int names = Math.Clamp(expected, 16, ChunkSize);
        int buckets = Math.Max(isOne ? expected * 2 : expected / 2, 32);
        Count = 0;
        if (names <= _capacity && buckets <= _buckets.Length)
        {
            Array.Clear(_buckets);
            return;
        }

        Dispose();
        LinkSymbol[] first = ArrayPool<LinkSymbol>.Shared.Rent(names);
        _chunks = [first];
        _capacity = Math.Min(first.Length, ChunkSize);
        _buckets = RentBuckets((int)BitOperations.RoundUpToPowerOf2((uint)buckets));
    }

    /// <summary>Number of names.</summary>
    internal int Count { get; private set; }

    /// <summary>The symbol with an index that <see cref="Intern"/> returned.</summary>
    internal ref LinkSymbol this[int index] => ref _chunks[index >> ChunkBits][index & (ChunkSize - 1)];

    /// <summary>Finds the entry of a name, or makes one.</summary>
    /// <param name="file">An object that has it.</param>
    /// <param name="offset">Where the name stands in the object's string table.</param>
    /// <param name="name">The name.</param>
    internal int Intern(LinkObject file, uint offset, ReadOnlySpan<byte> name)
    {
        ulong hash = NameHash.Of(name);
        int bucket = Bucket(hash, name, out int found);
        if (found >= 0)
        {
            return found;
        }

        if (Count == _capacity)
        {
            Grow();
        }

        int index = Count++;
        this[index] = new LinkSymbol
        {
            Hash = hash,
            NameObject = file.Ordinal,
            NameOffset = (int)offset,
            NameLength = name.Length,
            Definer = -1,
        };
        _buckets[bucket] = index + 1;
        if (Count * 2 > _buckets.Length)
        {
            Rehash();
        }

        return index;
    }

    /// <summary>Gives the memory back: there are no names any more.</summary>
    public void Dispose()
    {
        if (_capacity > 0)
        {
            foreach (LinkSymbol[] chunk in _chunks)
            {
                ArrayPool<LinkSymbol>.Shared.Return(chunk);
            }

            ArrayPool<int>.Shared.Return(_buckets);
            _chunks = [];
            _buckets = s_noBuckets;
            _capacity = 0;
            Count = 0;
        }
    }

    /// <summary>Finds the entry of a name, or returns -1.</summary>
    internal int Find(ReadOnlySpan<byte> name) => Find(NameHash.Of(name), name);

    /// <inheritdoc cref="Find(ReadOnlySpan{byte})"/>
    internal int Find(HashedName name) => Find(name.Hash, name.Bytes);

    /// <summary>Finds the entry of a name whose hash is known, or returns -1.</summary>
    internal int Find(ulong hash, ReadOnlySpan<byte> name)
    {
        _ = Bucket(hash, name, out int found);
        return found;
    }

    /// <summary>The name, as UTF-8.</summary>
    internal ReadOnlySpan<byte> Name(int index)
    {
        ref LinkSymbol symbol = ref this[index];
        return _objects[symbol.NameObject].Elf.NameAt(symbol.NameOffset, symbol.NameLength);
    }

    /// <summary>The name, for a person.</summary>
    internal string Text(int index) => Encoding.UTF8.GetString(Name(index));

    /// <summary>The bucket of a name: the one that refers to it, or the free one where it belongs.</summary>
    private int Bucket(ulong hash, ReadOnlySpan<byte> name, out int found)
    {
        int mask = _buckets.Length - 1;
        int bucket = (int)hash & mask;
        for (; _buckets[bucket] is not 0; bucket = (bucket + 1) & mask)
        {
            int candidate = _buckets[bucket] - 1;
            if (this[candidate].Hash == hash && Name(candidate).SequenceEqual(name))
            {
                found = candidate;
                return bucket;
            }
        }

        found = -1;
        return bucket;
    }

    private void Grow()
    {
        LinkSymbol[] last = _chunks[^1];
        if (last.Length < ChunkSize)
        {
            LinkSymbol[] larger = ArrayPool<LinkSymbol>.Shared.Rent(Math.Min(last.Length * 2, ChunkSize));
            last.CopyTo(larger, 0);
            ArrayPool<LinkSymbol>.Shared.Return(last);
            _chunks[^1] = larger;
            _capacity = larger.Length;
            return;
        }

        _chunks = [.. _chunks, ArrayPool<LinkSymbol>.Shared.Rent(ChunkSize)];
        _capacity += ChunkSize;
    }

    private void Rehash()
    {
        int[] buckets = RentBuckets(_buckets.Length * 2);
        int mask = buckets.Length - 1;
        for (int i = 0; i < Count; i++)
        {
            int bucket = (int)this[i].Hash & mask;
            while (buckets[bucket] is not 0)
            {
                bucket = (bucket + 1) & mask;
            }

            buckets[bucket] = i + 1;
        }

        ArrayPool<int>.Shared.Return(_buckets);
        _buckets = buckets;
    }

    /// <summary>Empty buckets, a power of two of them (which the pool gives from 16 on).</summary>
    private static int[] RentBuckets(int count)
    {
        int[] buckets = ArrayPool<int>.Shared.Rent(count);
        if (!BitOperations.IsPow2(buckets.Length))
        {
            return new int[count];
        }

        Array.Clear(buckets);
        return buckets;
    }
}
