using System.Buffers;
using System.Numerics;
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

/// <summary>One name that the objects of a link share.</summary>
internal struct LinkSymbol
{
    internal ulong Hash;
    internal int NameObject;
    internal int NameSymbol;

    /// <summary>Where the name stands in that object's string table.</summary>
    internal int NameOffset;

    /// <summary>Its bytes.</summary>
    internal int NameLength;

    /// <summary>Ordinal of the object whose definition prevails, or -1.</summary>
    internal int Definer;

    /// <summary>Index of the definition in that object.</summary>
    internal int DefinerSymbol;

    internal SymbolState State;

    /// <summary>The most constraining visibility of all definitions and references (gABI, "Symbol Visibility").</summary>
    internal SymbolVisibility Visibility;

    /// <summary>Whether some reference is not weak.</summary>
    internal bool IsWanted;

    /// <summary>Whether one of the objects brought a definition, though another one prevails.</summary>
    internal bool HasCopy;

    internal SymbolType Type;

    /// <summary>Size of the definition; of a common symbol the largest claimed.</summary>
    internal ulong Size;

    /// <summary>Alignment of a common symbol: the largest claimed.</summary>
    internal ulong Alignment;

    /// <summary>The value, once known: an address, or a TLS template address.</summary>
    internal ulong Value;

    /// <summary>Traits of the definition.</summary>
    internal SymbolTraits Traits;

    /// <summary>One more than the index of its stub in the unit, or 0.</summary>
    internal int Stub;

    /// <summary>One more than the index of what it is bound to outside of this link, or 0.</summary>
    internal int Outside;

    /// <summary>One more than the index of the linker-defined symbol that it is, or 0.</summary>
    internal int Synthetic;

    /// <summary>Whether <see cref="Outside"/> belongs to the same library, linked earlier.</summary>
    internal bool IsOwn;
}

/// <summary>The global names of one link, found by hash over their UTF-8 bytes, without a string for each.</summary>
internal sealed class LinkSymbols : IDisposable
{
    private readonly List<LinkObject> _objects;
    private LinkSymbol[] _symbols;
    private int[] _buckets;

    internal LinkSymbols(List<LinkObject> objects, int expected)
    {
        _objects = objects;
        _symbols = ArrayPool<LinkSymbol>.Shared.Rent(Math.Max(expected, 16));
        _buckets = RentBuckets((int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(expected * 2, 32)));
    }

    /// <summary>Number of names.</summary>
    internal int Count { get; private set; }

    /// <summary>The symbol with an index that <see cref="Intern"/> returned.</summary>
    internal ref LinkSymbol this[int index] => ref _symbols[index];

    /// <summary>Finds the entry of a name, or makes one.</summary>
    /// <param name="file">An object that has it.</param>
    /// <param name="symbol">Index of the symbol there.</param>
    /// <param name="offset">Where the name stands in the object's string table.</param>
    /// <param name="name">The name.</param>
    internal int Intern(LinkObject file, int symbol, uint offset, ReadOnlySpan<byte> name)
    {
        ulong hash = NameHash.Of(name);
        int mask = _buckets.Length - 1;
        int bucket = (int)hash & mask;
        while (_buckets[bucket] is not 0)
        {
            int candidate = _buckets[bucket] - 1;
            if (_symbols[candidate].Hash == hash && Name(candidate).SequenceEqual(name))
            {
                return candidate;
            }

            bucket = (bucket + 1) & mask;
        }

        if (Count == _symbols.Length)
        {
            LinkSymbol[] larger = ArrayPool<LinkSymbol>.Shared.Rent(Count * 2);
            _symbols.AsSpan(0, Count).CopyTo(larger);
            ArrayPool<LinkSymbol>.Shared.Return(_symbols);
            _symbols = larger;
        }

        int index = Count++;
        _symbols[index] = new LinkSymbol
        {
            Hash = hash,
            NameObject = file.Ordinal,
            NameSymbol = symbol,
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
        if (_symbols.Length > 0)
        {
            ArrayPool<LinkSymbol>.Shared.Return(_symbols);
            ArrayPool<int>.Shared.Return(_buckets);
            _symbols = [];
            _buckets = [0];
            Count = 0;
        }
    }

    /// <summary>Finds the entry of a name, or returns -1.</summary>
    internal int Find(ReadOnlySpan<byte> name)
    {
        ulong hash = NameHash.Of(name);
        int mask = _buckets.Length - 1;
        for (int bucket = (int)hash & mask; _buckets[bucket] is not 0; bucket = (bucket + 1) & mask)
        {
            int candidate = _buckets[bucket] - 1;
            if (_symbols[candidate].Hash == hash && Name(candidate).SequenceEqual(name))
            {
                return candidate;
            }
        }

        return -1;
    }

    /// <summary>The name, as UTF-8.</summary>
    internal ReadOnlySpan<byte> Name(int index)
    {
        ref LinkSymbol symbol = ref _symbols[index];
        return _objects[symbol.NameObject].Elf.NameAt(symbol.NameOffset, symbol.NameLength);
    }

    /// <summary>The name, for a person.</summary>
    internal string Text(int index) =>
        _objects[_symbols[index].NameObject].Elf.SymbolNameText(_symbols[index].NameSymbol);

    private void Rehash()
    {
        int[] buckets = RentBuckets(_buckets.Length * 2);
        int mask = buckets.Length - 1;
        for (int i = 0; i < Count; i++)
        {
            int bucket = (int)_symbols[i].Hash & mask;
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
