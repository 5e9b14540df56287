using System.Diagnostics.CodeAnalysis;
using System.Numerics;
using ElfLoader.Elf;

namespace ElfLoader.Linking;

/// <summary>The signatures of the COMDAT groups that a link keeps.</summary>
internal sealed class GroupSignatures
{
    private readonly IReadOnlyList<LinkObject> _objects;
    private (ulong Hash, int Object, int Symbol)[] _names = []; // C has no groups
    private int[] _buckets = [0];
    private readonly int _expected;
    private int _count;

    /// <param name="objects">The objects of the link.</param>
    /// <param name="expected">About how many different groups they have.</param>
    internal GroupSignatures(IReadOnlyList<LinkObject> objects, int expected)
    {
        _objects = objects;
        _expected = expected;
    }

    /// <summary>The hashes and the places of the names.</summary>
    internal ReadOnlySpan<(ulong Hash, int Object, int Symbol)> All => _names.AsSpan(0, _count);

    /// <summary>Adds a name; false if it was there.</summary>
    internal bool Add(ulong hash, int file, int symbol, ReadOnlySpan<byte> name)
    {
        int bucket = (int)hash & (_buckets.Length - 1);
        for (; _buckets[bucket] is not 0; bucket = (bucket + 1) & (_buckets.Length - 1))
        {
            (ulong otherHash, int otherFile, int otherSymbol) = _names[_buckets[bucket] - 1];
            if (otherHash == hash && Signature(_objects[otherFile].Elf, otherSymbol).SequenceEqual(name))
            {
                return false;
            }
        }

        if (_count == _names.Length)
        {
            Grow();
            bucket = FreeBucket(hash);
        }

        _names[_count++] = (hash, file, symbol);
        _buckets[bucket] = _count;
        return true;
    }

    /// <summary>Finds the object whose group of this name is kept, and the symbol that names it there.</summary>
    internal bool TryFind(ulong hash, ReadOnlySpan<byte> name, [NotNullWhen(true)] out LinkObject? file, out int symbol)
    {
        for (int bucket = (int)hash & (_buckets.Length - 1); _buckets[bucket] is not 0; bucket = (bucket + 1) & (_buckets.Length - 1))
        {
            (ulong otherHash, int otherFile, symbol) = _names[_buckets[bucket] - 1];
            file = _objects[otherFile];
            if (otherHash == hash && Signature(file.Elf, symbol).SequenceEqual(name))
            {
                return true;
            }
        }

        (file, symbol) = (null, 0);
        return false;
    }

    private void Grow()
    {
        const int least = 16;
        Array.Resize(ref _names, Math.Max(Math.Max(least, _expected), _count + (_count / 2)));
        _buckets = new int[BitOperations.RoundUpToPowerOf2((uint)(_names.Length + (_names.Length / 2)))];
        for (int i = 0; i < _count; i++)
        {
            _buckets[FreeBucket(_names[i].Hash)] = i + 1;
        }
    }

    private int FreeBucket(ulong hash)
    {
        int bucket = (int)hash & (_buckets.Length - 1);
        while (_buckets[bucket] is not 0)
        {
            bucket = (bucket + 1) & (_buckets.Length - 1);
        }

        return bucket;
    }

    /// <summary>
    /// The name of a group: that of its symbol, or, where that is a section symbol, of the section (gABI, "Section Groups").
    /// </summary>
    internal static ReadOnlySpan<byte> Signature(ElfObject elf, int symbol)
    {
        SymbolRecord record = elf.Symbol(symbol);
        return record.Type is SymbolType.Section && record.Place is SymbolPlace.Section
            ? elf.SectionName(record.Section)
            : elf.SymbolName(symbol);
    }
}
