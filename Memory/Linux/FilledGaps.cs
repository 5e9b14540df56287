namespace ElfLoader.Memory.Linux;

/// <summary>
/// The gaps between mappings that have no room for code near to them, filled for a while, so that the kernel puts a library
/// elsewhere. It takes the highest gap that a library fits into: often a narrow one above the 256 GiB that .NET reserves for its heap.
/// </summary>
internal sealed class FilledGaps : IDisposable
{
    // The runtime unmaps things of its own while the first passes are compiled.
    private const int MostPasses = 6;

    private readonly List<AddressRange> _filled = [];

    private FilledGaps()
    {
    }

    /// <summary>Fills them; none if the system does not tell what is mapped.</summary>
    /// <param name="room">Bytes of free address space that a library is to have within reach.</param>
    internal static FilledGaps Fill(ulong room)
    {
        var filled = new FilledGaps();
        int before;
        int passes = 0;
        do
        {
            before = filled._filled.Count;
            filled.FillOnce(room);
        }
        while (++passes < MostPasses && (filled._filled.Count > before || passes < 2));

        return filled;
    }

    public void Dispose()
    {
        foreach (AddressRange gap in _filled)
        {
            AddressSpace.Release(gap.Start, gap.Size);
        }
    }

    private void FillOnce(ulong room)
    {
        try
        {
            AddressRange[] gaps = [.. AddressSpace.AllGaps()];
            AddressRange[] wide = [.. gaps.Where(gap => gap.Size >= room)];
            foreach (AddressRange gap in gaps)
            {
                if (gap.Size < room && !Array.Exists(wide, other => HasRoom(other, gap, room)) && AddressSpace.TryReserve(gap))
                {
                    _filled.Add(gap);
                }
            }
        }
        catch (MemoryException)
        {
            // The library lies where it may.
        }
    }

    // Whether a part of the wide gap is large enough and within reach of all of the other.
    private static bool HasRoom(AddressRange wide, AddressRange gap, ulong room)
    {
        AddressRange part = wide.Start >= gap.End
            ? new AddressRange(wide.Start, wide.Start + room)
            : new AddressRange(wide.End - room, wide.End);
        return part.Reaches(gap);
    }
}
