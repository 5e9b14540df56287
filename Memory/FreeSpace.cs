using System.Numerics;

namespace ElfLoader.Memory;

/// <summary>
/// Which bytes of a zone are free: extents below a high-water mark, and everything above it. Knows numbers only, and
/// touches no memory.
/// </summary>
/// <remarks>
/// Extents hang in lists by size class (four classes to each power of two), as in the TLSF allocator, and are found by
/// their first and last byte when a neighbour is given back. Taking and giving cost the same however many blocks live.
/// Not thread-safe.
/// </remarks>
internal sealed class FreeSpace
{
    // A list is looked through this far before a larger class is tried.
    private const int Patience = 16;
    private const int None = -1;

    private readonly ulong _start;
    private readonly ulong _size;
    private readonly ulong _granule;
    private readonly int[] _heads = new int[64 * 4];
    private readonly ulong[] _occupied = new ulong[4];
    private readonly Dictionary<ulong, int> _byStart = [];
    private readonly Dictionary<ulong, int> _byEnd = [];
    private readonly Stack<int> _spare = [];
    private Extent[] _extents = new Extent[16];
    private int _extentCount;

    /// <summary>Everything is free.</summary>
    /// <param name="start">Address of the zone, which alignment is measured by; a multiple of the granule.</param>
    /// <param name="size">Bytes, a multiple of the granule.</param>
    /// <param name="granule">Bytes that sizes are rounded up to; a power of two.</param>
    internal FreeSpace(ulong start, ulong size, ulong granule)
    {
        _start = start;
        _size = size;
        _granule = granule;
        Array.Fill(_heads, None);
    }

    /// <summary>Offset above which nothing is taken.</summary>
    internal ulong Top { get; private set; }

    /// <summary>Bytes that are taken, in whole granules.</summary>
    internal ulong Taken { get; private set; }

    /// <summary>Bytes that a block of the given size occupies.</summary>
    internal ulong Rounded(ulong size) => Layout.AlignUp(size, _granule);

    /// <summary>Takes a block.</summary>
    /// <param name="size">Bytes, more than 0; the block occupies whole granules.</param>
    /// <param name="alignment">Power of two, or 0.</param>
    /// <param name="offset">Bytes from the start of the zone.</param>
    /// <returns>Whether there was room.</returns>
    internal bool TryTake(ulong size, ulong alignment, out ulong offset)
    {
        size = Rounded(size);
        alignment = Math.Max(alignment, _granule);
        if (!TryTakeExtent(size, alignment, out offset) && !TryTakeFresh(size, alignment, out offset))
        {
            return false;
        }

        Taken += size;
        return true;
    }

    /// <summary>The free bytes that there will be around a block, itself included, once it is given back.</summary>
    internal (ulong Start, ulong End) Around(ulong offset, ulong size)
    {
        ulong end = offset + Rounded(size);
        ulong first = _byEnd.TryGetValue(offset, out int before) ? _extents[before].Start : offset;
        ulong last = end == Top ? _size : _byStart.TryGetValue(end, out int after) ? _extents[after].End : end;
        return (first, last);
    }

    /// <summary>Gives a block back, and joins it with its free neighbours.</summary>
    /// <param name="offset">As it was taken.</param>
    /// <param name="size">As it was taken.</param>
    internal void Give(ulong offset, ulong size)
    {
        size = Rounded(size);
        Taken -= size;
        ulong start = offset;
        ulong end = offset + size;
        if (_byEnd.TryGetValue(start, out int before))
        {
            start = _extents[before].Start;
            Remove(before);
        }

        if (end == Top)
        {
            Top = start;
            return;
        }

        if (_byStart.TryGetValue(end, out int after))
        {
            end = _extents[after].End;
            Remove(after);
        }

        Add(start, end);
    }

    private bool TryTakeExtent(ulong size, ulong alignment, out ulong offset)
    {
        for (int list = NextOccupied(Class(size)); list >= 0; list = NextOccupied(list + 1))
        {
            int patience = Patience;
            for (int i = _heads[list]; i != None && patience > 0; i = _extents[i].Next, patience--)
            {
                (ulong start, ulong end) = (_extents[i].Start, _extents[i].End);
                offset = Aligned(start, alignment);
                if (offset < end && size <= end - offset)
                {
                    Remove(i);
                    Add(start, offset);
                    Add(offset + size, end);
                    return true;
                }
            }
        }

        offset = 0;
        return false;
    }

    private bool TryTakeFresh(ulong size, ulong alignment, out ulong offset)
    {
        offset = Aligned(Top, alignment);
        if (offset > _size || size > _size - offset)
        {
            return false;
        }

        Add(Top, offset);
        Top = offset + size;
        return true;
    }

    private ulong Aligned(ulong offset, ulong alignment) => Layout.AlignUp(_start + offset, alignment) - _start;

    // Class 4n+k holds extents of 2^n + k * 2^(n-2) granules and more, up to the next class.
    private int Class(ulong size)
    {
        ulong granules = size / _granule;
        int power = BitOperations.Log2(granules);
        int quarter = power < 2 ? (int)((granules << (2 - power)) & 3) : (int)((granules >> (power - 2)) & 3);
        return (power * 4) + quarter;
    }

    private int NextOccupied(int list)
    {
        for (int word = list >> 6; word < _occupied.Length; word++, list = word << 6)
        {
            ulong bits = _occupied[word] >> (list & 63);
            if (bits != 0)
            {
                return list + BitOperations.TrailingZeroCount(bits);
            }
        }

        return None;
    }

    private void Add(ulong start, ulong end)
    {
        if (start == end)
        {
            return;
        }

        if (!_spare.TryPop(out int i))
        {
            i = _extentCount++;
            if (i == _extents.Length)
            {
                Array.Resize(ref _extents, i * 2);
            }
        }

        int list = Class(end - start);
        int head = _heads[list];
        _extents[i] = new Extent(start, end, None, head);
        if (head != None)
        {
            _extents[head].Previous = i;
        }

        _heads[list] = i;
        _occupied[list >> 6] |= 1UL << (list & 63);
        _byStart.Add(start, i);
        _byEnd.Add(end, i);
    }

    private void Remove(int i)
    {
        Extent extent = _extents[i];
        int list = Class(extent.End - extent.Start);
        if (extent.Previous == None)
        {
            _heads[list] = extent.Next;
        }
        else
        {
            _extents[extent.Previous].Next = extent.Next;
        }

        if (extent.Next != None)
        {
            _extents[extent.Next].Previous = extent.Previous;
        }

        if (_heads[list] == None)
        {
            _occupied[list >> 6] &= ~(1UL << (list & 63));
        }

        _ = _byStart.Remove(extent.Start);
        _ = _byEnd.Remove(extent.End);
        _spare.Push(i);
    }

    private struct Extent(ulong start, ulong end, int previous, int next)
    {
        internal readonly ulong Start = start;
        internal readonly ulong End = end;
        internal int Previous = previous;
        internal int Next = next;
    }
}
