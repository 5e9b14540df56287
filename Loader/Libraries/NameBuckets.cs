using System.Numerics;

namespace ElfLoader.Libraries;

/// <summary>
/// Finds the indices of names by their hashes: open addressing, half of each hash beside the index, so that mostly no name is
/// looked at in vain.
/// </summary>
internal sealed class NameBuckets
{
    private const int HalfBits = 32;

    private ulong[] _buckets; // one more than the index, and above it the upper half of the hash; 0 for none

    /// <param name="names">Names that there is room for.</param>
    internal NameBuckets(int names) => _buckets = new ulong[SizeFor(names)];

    /// <summary>The next index whose hash may be the one that is searched.</summary>
    /// <param name="hash">The hash.</param>
    /// <param name="bucket">Where to go on from: <see cref="First"/>, then what was left here.</param>
    /// <returns>-1 if there is no more.</returns>
    internal int Next(ulong hash, ref int bucket)
    {
        ulong[] buckets = _buckets;
        int mask = buckets.Length - 1;
        while (buckets[bucket & mask] is not 0 and ulong entry)
        {
            bucket++;
            if (entry >> HalfBits == hash >> HalfBits)
            {
                return (int)entry - 1;
            }
        }

        return -1;
    }

    /// <summary>Where to search a hash from.</summary>
    internal int First(ulong hash) => (int)hash & (_buckets.Length - 1);

    /// <summary>Adds an index.</summary>
    internal void Add(ulong hash, int index)
    {
        int mask = _buckets.Length - 1;
        int bucket = (int)hash & mask;
        while (_buckets[bucket] is not 0)
        {
            bucket = (bucket + 1) & mask;
        }

        _buckets[bucket] = ((hash >> HalfBits) << HalfBits) | (uint)(index + 1);
    }

    /// <summary>Makes room.</summary>
    /// <param name="names">Names that there will be.</param>
    /// <param name="lowerHalf">The lower half of the hash of an index.</param>
    internal void Reserve(int names, Func<int, uint> lowerHalf)
    {
        if (names + (names / 2L) > _buckets.Length)
        {
            ulong[] old = _buckets;
            _buckets = new ulong[SizeFor(names)];
            foreach (ulong entry in old)
            {
                if (entry is not 0)
                {
                    int index = (int)entry - 1;
                    Add(((entry >> HalfBits) << HalfBits) | lowerHalf(index), index);
                }
            }
        }
    }

    /// <summary>The indices and the hashes of what is here.</summary>
    /// <param name="lowerHalf">The lower half of the hash of an index.</param>
    internal IEnumerable<(int Index, ulong Hash)> All(Func<int, uint> lowerHalf)
    {
        foreach (ulong entry in _buckets)
        {
            if (entry is not 0)
            {
                int index = (int)entry - 1;
                yield return (index, ((entry >> HalfBits) << HalfBits) | lowerHalf(index));
            }
        }
    }

    private static int SizeFor(int names) => (int)BitOperations.RoundUpToPowerOf2((uint)(names + (names / 2)));
}
