namespace ElfLoader.Memory.Linux;

/// <summary>Arithmetic of pages and of the way zones grow.</summary>
internal static class PageRange
{
    private const ulong LeastGrowth = 64 << 10;
    private const ulong MostGrowth = 4 << 20;

    /// <summary>
    /// Bytes at the start of a zone whose pages are kept when they are free: to have pages from the system, two views of them, and
    /// to give them back costs more than a small load does, and is what loading, unloading and loading again would mostly do.
    /// </summary>
    private const ulong Kept = 16 << 10;

    /// <summary>
    /// Where a zone's mapped part ends after it has grown to hold <paramref name="needed"/> bytes: by a quarter, so
    /// that calls are few, but little is mapped in vain.
    /// </summary>
    internal static ulong Grown(ulong mapped, ulong needed, ulong size)
    {
        ulong step = Math.Clamp(mapped / 4, LeastGrowth, MostGrowth);
        ulong end = Layout.AlignUp(Math.Max(needed, mapped + step), Layout.PageSize);
        return Math.Min(end, size);
    }

    /// <summary>
    /// The pages that hold bytes of a block just freed, lie wholly in free bytes and are not to be kept; what of the block lies
    /// outside of them is zeroed through <paramref name="writeAddress"/>.
    /// </summary>
    /// <param name="offset">The block.</param>
    /// <param name="size">Its bytes.</param>
    /// <param name="free">The free bytes around it, itself included.</param>
    /// <param name="mapped">Bytes of the zone that are backed.</param>
    /// <param name="writeAddress">Where offset 0 is written.</param>
    internal static AddressRange ClearEdges(
        ulong offset, ulong size, (ulong Start, ulong End) free, ulong mapped, ulong writeAddress)
    {
        ulong page = Layout.PageSize;
        ulong end = offset + size;
        ulong first = Math.Max(Layout.AlignUp(free.Start, page), Layout.AlignDown(offset, page));
        first = Math.Max(first, Kept);
        ulong last = Math.Min(Layout.AlignDown(Math.Min(free.End, mapped), page), Layout.AlignUp(end, page));
        if (first >= last)
        {
            NativeBytes.Clear(writeAddress + offset, size);
            return default;
        }

        if (first > offset)
        {
            NativeBytes.Clear(writeAddress + offset, first - offset);
        }

        if (end > last)
        {
            NativeBytes.Clear(writeAddress + last, end - last);
        }

        return new AddressRange(first, last);
    }

    /// <summary>Hints that bytes are going to be used as a whole, so that large pages may hold them.</summary>
    internal static void PreferLarge(ulong start, ulong size)
    {
        ulong first = Layout.AlignUp(start, Layout.PageSize);
        ulong last = Layout.AlignDown(start + size, Layout.PageSize);
        if (first < last)
        {
            _ = Libc.Advise((nint)first, (nuint)(last - first), Libc.AdviseHugePage);
        }
    }

    /// <summary>Hints that bytes are about to be written.</summary>
    internal static void Populate(ulong start, ulong offset, ulong size)
    {
        ulong first = Layout.AlignDown(start + offset, Layout.PageSize);
        ulong last = Layout.AlignUp(start + offset + size, Layout.PageSize);
        _ = Libc.Advise((nint)first, (nuint)(last - first), Libc.AdvisePopulateWrite);
    }
}
