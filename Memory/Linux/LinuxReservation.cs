namespace ElfLoader.Memory.Linux;

/// <summary>A pool's address space and the pages of its zones.</summary>
internal sealed class LinuxReservation : IReservation
{
    private readonly IZonePages[] _zones;
    private readonly ulong _size;

    /// <summary>Takes over reserved address space.</summary>
    internal LinuxReservation(ulong start, in Layout layout, bool twoViews)
    {
        Start = start;
        Mapping = twoViews ? MemoryMapping.Dual : MemoryMapping.WriteThenProtect;
        _size = layout.Size;
        _zones = new IZonePages[MemoryRequest.Zones];
        for (MemoryZone zone = 0; zone <= MemoryZone.Data; zone++)
        {
            ulong zoneStart = start + layout.Offset(zone);
            bool isCode = zone is MemoryZone.Code;
            _zones[(int)zone] = zone is MemoryZone.Data ? new PrivatePages(zoneStart, layout.SizeOf(zone))
                : twoViews ? new TwoViewPages(zoneStart, layout.SizeOf(zone), isCode)
                : new SealedPages(zoneStart, isCode);
        }
    }

    public ulong Start { get; }

    public MemoryMapping Mapping { get; }

    public IZonePages this[MemoryZone zone] => _zones[(int)zone];

    public void Dispose()
    {
        foreach (IZonePages zone in _zones)
        {
            zone.Dispose();
        }

        AddressSpace.Release(Start, _size);
    }
}
