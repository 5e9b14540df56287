namespace ElfLoader.Memory;

/// <content>Room near to shared libraries that the process opens late.</content>
public sealed partial class MemoryPools
{
    /// <summary>
    /// Makes the system map libraries where there is room for a pool near to them, until the result is disposed. Memory that
    /// others map meanwhile may come to lie elsewhere, too.
    /// </summary>
    public IDisposable PlaceLibrariesNearRoom() => _system.FillNarrowGaps(LeastSharedPool);

    /// <summary>
    /// Keeps free address space for pools near to a library that has been opened, since whatever else the process maps could take
    /// all that is within reach of it before anything is loaded.
    /// </summary>
    /// <param name="library">All addresses of the library.</param>
    /// <returns>
    /// What gives the room back when it is disposed; what is loaded there stays. Null if nothing need be kept, or there is no room.
    /// </returns>
    public IDisposable? KeepRoom(AddressRange library)
    {
        // The kernel maps nothing above what the process started with as long as there is room below.
        bool sharesHostPool = Host.Size is not 0 && Host.Join(library).Size <= (1UL << 31) - LeastSharedPool;
        if (library.Size is 0 || sharesHostPool)
        {
            return null;
        }

        foreach (MemoryPool pool in _pools)
        {
            if (pool.Size >= LeastSharedPool && Serves(pool, MemoryPlacement.Near, library))
            {
                return null;
            }
        }

        return _system.KeepRoom(library);
    }
}
