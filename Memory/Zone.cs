namespace ElfLoader.Memory;

/// <summary>One zone of a pool: its free bytes and its pages. Calls are serialised by the pool.</summary>
/// <remarks>
/// Free bytes that are committed are always zero: they are zeroed when they are given back, so that taking costs
/// nothing. Blocks of code that are given back wait until all cores have been synchronised; a few kilobytes at most,
/// so that small loads share the cost.
/// </remarks>
internal sealed class Zone
{
    private const ulong MostWaitingBytes = 64 << 10;
    private const int MostWaitingBlocks = 64;

    private readonly IMemorySystem _system;
    private readonly IZonePages _pages;
    private readonly FreeSpace _free;
    private readonly bool _isCode;
    private readonly List<(ulong Offset, ulong Size)> _waiting = [];
    private ulong _waitingBytes;

    /// <summary>Everything is free.</summary>
    internal Zone(IMemorySystem system, IZonePages pages, ulong start, ulong size, bool isCode)
    {
        _system = system;
        _pages = pages;
        _isCode = isCode;
        _free = new FreeSpace(start, size, pages.Granule);
        Start = start;
    }

    /// <summary>First address.</summary>
    internal ulong Start { get; }

    /// <summary>Its pages.</summary>
    internal IZonePages Pages => _pages;

    /// <summary>Bytes that blocks occupy.</summary>
    internal ulong Taken => _free.Taken - _waitingBytes;

    /// <summary>Takes a block, of nothing if nothing is asked.</summary>
    internal bool TryTake(ZoneRequest request, out ulong offset)
    {
        offset = 0;
        if (request.Size is 0 || _free.TryTake(request.Size, request.Alignment, out offset))
        {
            return true;
        }

        return ReclaimWaiting() && _free.TryTake(request.Size, request.Alignment, out offset);
    }

    /// <summary>Takes back a block that was never committed, and so never used.</summary>
    internal void Return(ulong offset, ulong size)
    {
        if (size != 0)
        {
            _free.Give(offset, size);
        }
    }

    /// <summary>Makes a block that was taken accessible.</summary>
    /// <exception cref="MemoryException">The system has no more.</exception>
    internal void Commit(ulong offset, ulong size)
    {
        if (size != 0)
        {
            _pages.Commit(offset, size);
        }
    }

    /// <summary>Takes back a block that was committed but never used.</summary>
    internal void Reclaim(ulong offset, ulong size)
    {
        if (size != 0 && _pages.Reclaim(offset, _free.Rounded(size), _free.Around(offset, size)))
        {
            _free.Give(offset, size);
        }
    }

    /// <summary>Takes back a block that was used.</summary>
    internal void Give(ulong offset, ulong size)
    {
        if (size is 0)
        {
            return;
        }

        if (!_isCode)
        {
            Reclaim(offset, size);
            return;
        }

        _waiting.Add((offset, size));
        _waitingBytes += _free.Rounded(size);
        if (_waitingBytes >= MostWaitingBytes || _waiting.Count >= MostWaitingBlocks)
        {
            _ = ReclaimWaiting();
        }
    }

    /// <summary>Frees the blocks of code that wait for it; tells whether there were any.</summary>
    internal bool ReclaimWaiting()
    {
        if (_waiting.Count is 0)
        {
            return false;
        }

        _system.SynchronizeCores();
        foreach ((ulong offset, ulong size) in _waiting)
        {
            Reclaim(offset, size);
        }

        _waiting.Clear();
        _waitingBytes = 0;
        return true;
    }
}
