namespace ElfLoader.Memory.Linux;

/// <summary>A pool's address space and the pages of its zones.</summary>
internal sealed class LinuxReservation : IReservation
{
    private readonly List<IZonePages> _zones = new(MemoryRequest.Zones);
    private readonly ulong _size;
    private readonly Action<ulong, ulong> _release;

    /// <summary>Takes over reserved address space, and gives it back if it can't be used.</summary>
    /// <param name="start">Its first address.</param>
    /// <param name="layout">Its size, and where the zones lie.</param>
    /// <param name="twoViews">Whether code is mapped twice.</param>
    /// <param name="release">Gives it back, with what is mapped in it: first address, bytes.</param>
    /// <exception cref="MemoryException">There is no address space for the writable views.</exception>
    internal LinuxReservation(ulong start, in Layout layout, bool twoViews, Action<ulong, ulong> release)
    {
        _release = release;
        Start = start;
        Mapping = twoViews ? MemoryMapping.Dual : MemoryMapping.WriteThenProtect;
        _size = layout.Size;
        try
        {
            for (MemoryZone zone = 0; zone <= MemoryZone.Data; zone++)
            {
                _zones.Add(Pages(zone, start + layout.Offset(zone), layout.SizeOf(zone)));
            }
        }
        catch (MemoryException)
        {
            Dispose();
            throw;
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

        _release(Start, _size);
    }

    private IZonePages Pages(MemoryZone zone, ulong start, ulong size) => (zone, Mapping) switch
    {
        (MemoryZone.Data, _) => new PrivatePages(start, size),
        (_, MemoryMapping.Dual) => new TwoViewPages(start, size, zone is MemoryZone.Code),
        _ => new SealedPages(start, zone is MemoryZone.Code),
    };
}
