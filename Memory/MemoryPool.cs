using System.Diagnostics.CodeAnalysis;

namespace ElfLoader.Memory;

/// <summary>
/// One reservation of address space, divided into the four zones, that many loads share. Its zones are contiguous:
/// code, read-only, RELRO, data.
/// </summary>
/// <remarks>
/// All members may be called from any thread. A load that fits into pages already mapped makes no system call.
/// Memory lives until <see cref="MemoryAllocation.Free"/> or until the pools are disposed; nothing is freed by the
/// garbage collector, since native code may still point to it.
/// </remarks>
public sealed class MemoryPool
{
    // Below this, touching pages one by one costs less than asking for all of them.
    private const ulong LeastPopulated = 256 << 10;

    // Above it, it is left to those who know that they are going to write all of it.
    private const ulong MostPopulated = 64 << 20;

    private readonly Lock _lock = new();
    private readonly IReservation _reservation;
    private readonly Zone[] _zones;
    private readonly Action<MemoryPool>? _emptied;
    private int _allocations;
    private volatile bool _disposed;

    /// <summary>Takes over a reservation.</summary>
    /// <param name="system">Where it is from.</param>
    /// <param name="reservation">Address space.</param>
    /// <param name="placement">Where that lies.</param>
    /// <param name="layout">How it is divided.</param>
    /// <param name="emptied">Called, outside of any lock, when the last allocation was freed.</param>
    internal MemoryPool(
        IMemorySystem system,
        IReservation reservation,
        MemoryPlacement placement,
        in Layout layout,
        Action<MemoryPool>? emptied)
    {
        _reservation = reservation;
        _emptied = emptied;
        Placement = placement;
        Size = layout.Size;
        _zones = new Zone[MemoryRequest.Zones];
        for (MemoryZone zone = 0; zone <= MemoryZone.Data; zone++)
        {
            _zones[(int)zone] = new Zone(
                system,
                reservation[zone],
                reservation.Start + layout.Offset(zone),
                layout.SizeOf(zone),
                zone is MemoryZone.Code);
        }
    }

    /// <summary>First address.</summary>
    public ulong Start => _reservation.Start;

    /// <summary>Bytes of address space; loads may be placed anywhere in it.</summary>
    public ulong Size { get; }

    /// <summary>Its addresses.</summary>
    public AddressRange Range => new(Start, Start + Size);

    /// <summary>Where it lies.</summary>
    public MemoryPlacement Placement { get; }

    /// <summary>How its code is mapped: <see cref="MemoryMapping.Dual"/> or the other.</summary>
    public MemoryMapping Mapping => _reservation.Mapping;

    /// <summary>Whether the pool is gone, and all that was allocated from it.</summary>
    internal bool IsDisposed => _disposed;

    /// <summary>What it holds now.</summary>
    public MemoryStatistics Statistics
    {
        get
        {
            lock (_lock)
            {
                ulong mapped = 0;
                ulong taken = 0;
                foreach (Zone zone in _zones)
                {
                    mapped += zone.Pages.Mapped;
                    taken += zone.Taken;
                }

                return _disposed ? default : new MemoryStatistics(1, Size, mapped, taken, _allocations);
            }
        }
    }

    /// <summary>First address of a zone.</summary>
    public ulong ZoneStart(MemoryZone zone) => _zones[(int)zone].Start;

    /// <summary>Allocates zeroed memory in every zone, or nothing at all.</summary>
    /// <param name="request">Bytes and alignment for each zone.</param>
    /// <param name="allocation">What was allocated.</param>
    /// <returns>False if the pool has no room, or was disposed in the meantime.</returns>
    /// <exception cref="MemoryException">There is room, but the system has no more memory.</exception>
    public bool TryAllocate(in MemoryRequest request, [NotNullWhen(true)] out MemoryAllocation? allocation)
    {
        request.Validate();
        allocation = null;
        PerZone offsets = default;
        lock (_lock)
        {
            if (_disposed || !TryTake(request, ref offsets))
            {
                return false;
            }

            Commit(request, offsets);
            _allocations++;
        }

        allocation = new MemoryAllocation(this, request, offsets);
        for (MemoryZone zone = 0; zone < MemoryZone.Data; zone++)
        {
            if (Mapping is MemoryMapping.WriteThenProtect && request[zone].Size is >= LeastPopulated and <= MostPopulated)
            {
                Pages(zone).Populate(offsets[(int)zone], request[zone].Size);
            }
        }

        return true;
    }

    /// <summary>Whether the request would fit now.</summary>
    internal bool HasRoom(in MemoryRequest request)
    {
        lock (_lock)
        {
            PerZone offsets = default;
            if (_disposed || !TryTake(request, ref offsets))
            {
                return false;
            }

            GiveBack(request, offsets, MemoryRequest.Zones);
            return true;
        }
    }

    /// <summary>The pages of a zone; they outlive the pool as an object, not as memory.</summary>
    internal IZonePages Pages(MemoryZone zone) => _zones[(int)zone].Pages;

    /// <summary>Protects what an allocation has in three zones.</summary>
    internal void Seal(in PerZone sizes, in PerZone offsets)
    {
        lock (_lock)
        {
            for (MemoryZone zone = 0; zone < MemoryZone.Data && !_disposed; zone++)
            {
                if (sizes[(int)zone] != 0)
                {
                    Pages(zone).Seal(offsets[(int)zone], sizes[(int)zone]);
                }
            }
        }
    }

    /// <summary>Writes into sealed memory.</summary>
    internal void WriteSealed(MemoryZone zone, ulong offset, ReadOnlySpan<byte> bytes)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            Pages(zone).WriteSealed(offset, bytes);
        }
    }

    /// <summary>Takes the code of an allocation back, whose other parts stay.</summary>
    internal void FreeCode(in PerZone offsets, ulong size)
    {
        lock (_lock)
        {
            if (!_disposed)
            {
                _zones[(int)MemoryZone.Code].Give(offsets[(int)MemoryZone.Code], size);
            }
        }
    }

    /// <summary>Takes an allocation back.</summary>
    internal void Free(in PerZone sizes, in PerZone offsets)
    {
        lock (_lock)
        {
            if (_disposed)
            {
                return;
            }

            for (MemoryZone zone = 0; zone <= MemoryZone.Data; zone++)
            {
                _zones[(int)zone].Give(offsets[(int)zone], sizes[(int)zone]);
            }

            _allocations--;
            if (_allocations != 0)
            {
                return;
            }

            _ = _zones[(int)MemoryZone.Code].ReclaimWaiting();
        }

        _emptied?.Invoke(this);
    }

    /// <summary>Unmaps the pool if nothing is allocated from it; tells whether it is gone.</summary>
    internal bool DisposeIfEmpty()
    {
        lock (_lock)
        {
            if (_allocations is 0)
            {
                Dispose();
            }

            return _disposed;
        }
    }

    /// <summary>Unmaps the pool, whatever is still allocated from it.</summary>
    internal void Dispose()
    {
        lock (_lock)
        {
            if (!_disposed)
            {
                _disposed = true;
                _reservation.Dispose();
            }
        }
    }

    private bool TryTake(in MemoryRequest request, ref PerZone offsets)
    {
        for (int zone = 0; zone < MemoryRequest.Zones; zone++)
        {
            if (!_zones[zone].TryTake(request[(MemoryZone)zone], out ulong offset))
            {
                GiveBack(request, offsets, zone);
                return false;
            }

            offsets[zone] = offset;
        }

        return true;
    }

    private void GiveBack(in MemoryRequest request, in PerZone offsets, int count)
    {
        for (int zone = 0; zone < count; zone++)
        {
            _zones[zone].Return(offsets[zone], request[(MemoryZone)zone].Size);
        }
    }

    private void Commit(in MemoryRequest request, in PerZone offsets)
    {
        int zone = 0;
        try
        {
            for (; zone < MemoryRequest.Zones; zone++)
            {
                _zones[zone].Commit(offsets[zone], request[(MemoryZone)zone].Size);
            }
        }
        catch (MemoryException)
        {
            for (int i = 0; i < MemoryRequest.Zones; i++)
            {
                ulong size = request[(MemoryZone)i].Size;
                if (i < zone)
                {
                    _zones[i].Reclaim(offsets[i], size);
                }
                else
                {
                    _zones[i].Return(offsets[i], size);
                }
            }

            throw;
        }
    }
}
