namespace ElfLoader.Memory.Linux;

/// <summary>Pages of Linux.</summary>
internal sealed class LinuxMemory : IMemorySystem
{
    // A pool smaller than this isn't worth sharing; then one view has to do.
    private const ulong LeastSharedPool = 16 << 20;

    private readonly MemoryMapping _mapping;
    private readonly CoreBarrier _barrier = new();
    private readonly KeptRooms _rooms = new();

    /// <summary>Looks at what this system permits.</summary>
    /// <param name="mapping">What is wanted.</param>
    /// <exception cref="MemoryException">Two views are demanded and not permitted.</exception>
    internal LinuxMemory(MemoryMapping mapping)
    {
        _mapping = mapping;
        if (mapping is not MemoryMapping.WriteThenProtect && !TwoViewProbe.Succeeds(out MemoryException? why))
        {
            _mapping = mapping is MemoryMapping.Auto && !why.IsPassing // else it would be so for ever
                ? MemoryMapping.WriteThenProtect
                : throw new MemoryException($"Code can't be mapped twice here: {why.Message}", why);
        }

        Host = FindHost();
    }

    public AddressRange Host { get; }

    public IReservation Reserve(MemoryPlacement placement, AddressRange near, in Layout layout)
    {
        bool twoViews = _mapping switch
        {
            MemoryMapping.Dual => true,
            MemoryMapping.WriteThenProtect => false,
            _ => LargestFile(layout) <= MemoryFile.SizeLimit,
        };
        return placement is MemoryPlacement.Near && _rooms.TryTake(near, layout, out ulong start)
            ? new LinuxReservation(start, layout, twoViews, _rooms.Give)
            : new LinuxReservation(
                AddressSpace.Reserve(placement, near, layout.Size, layout.Alignment, layout.SizeOf(MemoryZone.Code)),
                layout,
                twoViews,
                AddressSpace.Release);
    }

    public IDisposable? KeepRoom(AddressRange near) => _rooms.Keep(near);

    public IDisposable FillNarrowGaps(ulong room) => FilledGaps.Fill(room);

    /// <summary>Where the system does not tell what is mapped, nothing is known to be near.</summary>
    private static AddressRange FindHost()
    {
        try
        {
            return HostLibraries.Find(ProcessMaps.Read());
        }
        catch (MemoryException exception) when (!exception.IsPassing)
        {
            return default;
        }
    }

    public ulong LimitSharedPool(ulong wanted)
    {
        if (_mapping is MemoryMapping.WriteThenProtect)
        {
            return wanted;
        }

        ulong limit = MemoryFile.SizeLimit;
        ulong size = wanted;
        while (size > LeastSharedPool && LargestFile(Layout.Shared(size)) > limit)
        {
            size /= 2;
        }

        // Where even a small pool is too large, two views are given up, and with them the limit.
        return LargestFile(Layout.Shared(size)) > limit && _mapping is MemoryMapping.Auto ? wanted : size;
    }

    public AddressRange WithLibraries(AddressRange range) =>
        range.Join(DynamicLinker.ExtentOf(range.Start)).Join(DynamicLinker.ExtentOf(range.End - 1));

    public void SynchronizeCores() => _barrier.Synchronize();

    private static ulong LargestFile(in Layout layout) => Math.Max(
        layout.SizeOf(MemoryZone.Code), Math.Max(layout.SizeOf(MemoryZone.ReadOnly), layout.SizeOf(MemoryZone.Relro)));
}
