namespace ElfLoader.Memory;

/// <summary>All memory that is loaded into: pools for each placement, made as they are needed.</summary>
/// <remarks>
/// All members may be called from any thread. Disposing unmaps everything, whatever is still allocated: no code in it
/// may run, and no pointer into it be followed, from then on. There is no finalizer.
/// </remarks>
public sealed partial class MemoryPools : IDisposable
{
    // A request that takes more than this part of a shared pool's zone gets a pool of its own.
    private const ulong LargePart = 4;

    // A shared pool is made smaller than wanted down to this size, where addresses are scarce.
    private const ulong LeastSharedPool = 16 << 20;

    // To ask how much memory there is costs more than a small load.
    private const ulong CertainlyAvailable = 64 << 20;

    private readonly Lock _lock = new();
    private readonly MemoryOptions _options;
    private readonly IMemorySystem _system;
    private volatile MemoryPool[] _pools = [];
    private bool _disposed;

    /// <summary>Looks at what the system permits; reserves nothing yet.</summary>
    /// <param name="options">Choices; null for the defaults.</param>
    /// <exception cref="MemoryException">The mapping demanded is not permitted here.</exception>
    /// <exception cref="PlatformNotSupportedException">Memory of this operating system is not supported.</exception>
    public MemoryPools(MemoryOptions? options = null)
    {
        _options = options ?? new MemoryOptions();
        _system = IMemorySystem.OfThisProcess(_options.Mapping);
    }

    /// <summary>
    /// Addresses of the libraries that were mapped at process start: what <see cref="MemoryPlacement.Near"/> is near
    /// to. Empty if they could not be told.
    /// </summary>
    public AddressRange Host => _system.Host;

    /// <summary>What all pools hold now.</summary>
    public MemoryStatistics Statistics
    {
        get
        {
            MemoryStatistics sum = default;
            foreach (MemoryPool pool in _pools)
            {
                sum += pool.Statistics;
            }

            return sum;
        }
    }

    /// <summary>
    /// Finds the pool for a load: one of that placement that has room, or a new one. Others may take the room before it
    /// is allocated; then select again, or use <see cref="Allocate"/>.
    /// </summary>
    /// <param name="placement">Where.</param>
    /// <param name="request">What the load needs.</param>
    /// <param name="reached">
    /// What <see cref="MemoryPlacement.Near"/> is near to; empty: the libraries that were mapped at process start.
    /// </param>
    /// <exception cref="MemoryException">No address space of that size and placement is left.</exception>
    public MemoryPool Select(MemoryPlacement placement, in MemoryRequest request, AddressRange reached = default)
    {
        request.Validate();
        RefuseBeyondMemory(request);
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            foreach (MemoryPool pool in _pools)
            {
                if (Serves(pool, placement, reached) && pool.HasRoom(request))
                {
                    return pool;
                }
            }

            return NewPool(placement, request, reached);
        }
    }

    /// <summary>Selects a pool and allocates from it.</summary>
    /// <param name="placement">Where.</param>
    /// <param name="request">What the load needs.</param>
    /// <param name="reached">
    /// What <see cref="MemoryPlacement.Near"/> is near to; empty: the libraries that were mapped at process start.
    /// </param>
    /// <exception cref="MemoryException">It can't be had.</exception>
    public MemoryAllocation Allocate(MemoryPlacement placement, in MemoryRequest request, AddressRange reached = default)
    {
        while (true)
        {
            // Without the lock, so that large loads are not kept waiting for one another's pages.
            foreach (MemoryPool pool in _pools)
            {
                if (Serves(pool, placement, reached) && pool.TryAllocate(request, out MemoryAllocation? allocation))
                {
                    return allocation;
                }
            }

            // Makes a pool; others may take its room before we are back.
            _ = Select(placement, request, reached);
        }
    }

    /// <summary>Whether a pool of this process lies where a load must, by the same rule as those that are made for it.</summary>
    /// <param name="pool">The pool.</param>
    /// <param name="placement">Where.</param>
    /// <param name="reached">
    /// What <see cref="MemoryPlacement.Near"/> is near to; empty: the libraries that were mapped at process start.
    /// </param>
    public bool Serves(MemoryPool pool, MemoryPlacement placement, AddressRange reached = default)
    {
        ArgumentNullException.ThrowIfNull(pool);
        if (placement is not MemoryPlacement.Near)
        {
            return pool.Placement == placement;
        }

        // A pool of another kind serves what reaches into it: data of a unit that is there already.
        AddressRange near = reached.Size is 0 ? Host : reached;
        return near.Size is not 0 && pool.Range.Reaches(near)
            && (pool.Placement is MemoryPlacement.Near
                || pool.Range.Contains(near.Start) || pool.Range.Contains(near.End - 1));
    }

    /// <summary>Gives back the address space of pools that nothing is allocated from.</summary>
    public void Trim()
    {
        lock (_lock)
        {
            _pools = [.. _pools.Where(pool => !pool.DisposeIfEmpty())];
        }
    }

    /// <summary>Unmaps all pools.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            foreach (MemoryPool pool in _pools)
            {
                pool.Dispose();
            }

            _pools = [];
        }
    }

    // Pages of files in memory are not charged when they are mapped, and would be missing when they are written.
    private static void RefuseBeyondMemory(in MemoryRequest request)
    {
        ulong bytes = request.Code.Size + request.ReadOnly.Size + request.Relro.Size;
        if (bytes <= CertainlyAvailable)
        {
            return;
        }

        long available = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        if (available > 0 && bytes > (ulong)available)
        {
            throw new MemoryException($"{CountText.Of(bytes, "byte", "N0")} exceed the {available:N0} that this process may use");
        }
    }

    private MemoryPool? NewSharedPool(MemoryPlacement placement, AddressRange near, in MemoryRequest request)
    {
        ulong size = _system.LimitSharedPool(Math.Min(_options.DefaultPoolSize, Layout.AddressSpace));
        ulong least = Math.Min(size, LeastSharedPool);
        for (; size >= least && !IsLarge(request, Layout.Shared(size)); size -= size / 4)
        {
            try
            {
                return NewPool(placement, near, Layout.Shared(size), emptied: null);
            }
            catch (MemoryException)
            {
                // A part of it may be free, or at least what is asked.
            }
        }

        return null;
    }

    private static bool IsLarge(in MemoryRequest request, in Layout layout)
    {
        for (MemoryZone zone = 0; zone <= MemoryZone.Data; zone++)
        {
            if (request[zone].Size + request[zone].Alignment > layout.SizeOf(zone) / LargePart)
            {
                return true;
            }
        }

        return false;
    }

    private MemoryPool NewPool(MemoryPlacement placement, in MemoryRequest request, AddressRange reached)
    {
        AddressRange[] places = placement is MemoryPlacement.Near ? Neighbourhoods(reached) : [default];
        MemoryPool? pool = null;
        for (int i = 0; i < places.Length && pool is null; i++)
        {
            pool = NewSharedPool(placement, places[i], request);
        }

        pool ??= NewPool(placement, places[^1], Layout.Exactly(request), Remove);
        _pools = [.. _pools, pool];
        return pool;
    }

    /// <summary>
    /// What a new pool may be near to, so that it reaches what is asked for: the first serve more loads, the last is easiest to
    /// come by.
    /// </summary>
    private AddressRange[] Neighbourhoods(AddressRange reached)
    {
        if (reached.Size is 0 || Host.Contains(reached))
        {
            return [Host];
        }

        AddressRange libraries = _system.WithLibraries(reached);
        return [.. ((AddressRange[])[Host.Join(libraries), libraries, reached]).Distinct()];
    }

    private MemoryPool NewPool(
        MemoryPlacement placement, AddressRange near, in Layout layout, Action<MemoryPool>? emptied) =>
        new(_system, _system.Reserve(placement, near, layout), placement, layout, emptied);

    private void Remove(MemoryPool pool)
    {
        lock (_lock)
        {
            if (pool.DisposeIfEmpty())
            {
                _pools = [.. _pools.Where(other => other != pool)];
            }
        }
    }
}
