using ElfLoader.Memory.Linux;

namespace ElfLoader.Memory;

/// <summary>What pools need of an operating system; one implementation for each.</summary>
internal interface IMemorySystem
{
    /// <summary>The one place that knows which systems there are.</summary>
    /// <exception cref="MemoryException">The mapping demanded is not permitted here.</exception>
    /// <exception cref="PlatformNotSupportedException">There is no implementation for this system yet.</exception>
    static IMemorySystem OfThisProcess(MemoryMapping mapping) => OperatingSystem.IsLinux()
        ? new LinuxMemory(mapping)
        : throw new PlatformNotSupportedException("ElfLoader maps memory on Linux only.");

    /// <summary>Reserves address space for the zones; no page is accessible yet.</summary>
    /// <param name="placement">Where.</param>
    /// <param name="near">What <see cref="MemoryPlacement.Near"/> is near to; empty for the others.</param>
    /// <param name="layout">How much, and where the zones lie in it.</param>
    /// <exception cref="MemoryException">There is no such address space.</exception>
    IReservation Reserve(MemoryPlacement placement, AddressRange near, in Layout layout);

    /// <summary>Largest shared pool that makes sense here, where the wanted size is allowed less.</summary>
    ulong LimitSharedPool(ulong wanted);

    /// <summary>Keeps free address space for reservations that are near to a library.</summary>
    /// <returns>What ends that when it is disposed; null if there is none.</returns>
    IDisposable? KeepRoom(AddressRange near);

    /// <summary>Makes the system map libraries where so many bytes are free within reach of them, until it is disposed.</summary>
    IDisposable FillNarrowGaps(ulong room);

    /// <summary>Addresses of the libraries mapped at process start; empty if they can't be told.</summary>
    AddressRange Host { get; }

    /// <summary>A range with the whole libraries that its ends lie in: more of them is going to be reached.</summary>
    AddressRange WithLibraries(AddressRange range);

    /// <summary>
    /// Returns when no core of this process can still execute instructions that it fetched before the call.
    /// </summary>
    void SynchronizeCores();
}

/// <summary>Address space of one pool. Disposing unmaps it with everything in it.</summary>
internal interface IReservation : IDisposable
{
    /// <summary>First address.</summary>
    ulong Start { get; }

    /// <summary>How code is mapped: never <see cref="MemoryMapping.Auto"/>.</summary>
    MemoryMapping Mapping { get; }

    /// <summary>The pages of a zone.</summary>
    IZonePages this[MemoryZone zone] { get; }
}

/// <summary>
/// The pages of one zone. Offsets count from the zone's start. Memory that is free reads as zero once it is committed.
/// Calls are serialised by the pool, except <see cref="Populate"/> and <see cref="CopyIn"/>.
/// </summary>
internal interface IZonePages : IDisposable
{
    /// <summary>Bytes that blocks are rounded up to: two blocks never share a granule.</summary>
    ulong Granule { get; }

    /// <summary>Bytes backed by pages.</summary>
    ulong Mapped { get; }

    /// <summary>Address that the loader writes offset 0 through; valid once something is committed.</summary>
    ulong WriteAddress { get; }

    /// <summary>Makes bytes accessible: zero, and writable through <see cref="WriteAddress"/>.</summary>
    /// <exception cref="MemoryException">The system has no more.</exception>
    void Commit(ulong offset, ulong size);

    /// <summary>Copies many bytes into a block that is not sealed, as cheaply as fresh pages are to be had.</summary>
    /// <exception cref="MemoryException">The system has no more.</exception>
    void CopyIn(ulong offset, ReadOnlySpan<byte> bytes);

    /// <summary>Hints that committed bytes are about to be written; does nothing where that isn't supported.</summary>
    void Populate(ulong offset, ulong size);

    /// <summary>Makes the block as its zone promises: the last moment at which its protection changes.</summary>
    /// <exception cref="MemoryException">The system refused.</exception>
    void Seal(ulong offset, ulong size);

    /// <summary>Writes bytes of a block that is sealed; never called for code.</summary>
    /// <exception cref="MemoryException">The system refused.</exception>
    void WriteSealed(ulong offset, ReadOnlySpan<byte> bytes);

    /// <summary>Zeroes a free block and gives the pages that lie wholly in free bytes back to the system.</summary>
    /// <param name="offset">The block.</param>
    /// <param name="size">Its bytes.</param>
    /// <param name="free">The free bytes around it, itself included.</param>
    /// <returns>False if the block can't be used again.</returns>
    bool Reclaim(ulong offset, ulong size, (ulong Start, ulong End) free);
}
