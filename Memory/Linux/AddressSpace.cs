using System.Globalization;
using System.Runtime.InteropServices;

namespace ElfLoader.Memory.Linux;

/// <summary>Finds and reserves address space where it is wanted.</summary>
internal static class AddressSpace
{
    private const ulong Reach = 1UL << 31;
    private const ulong LowestAddress = 1UL << 20;
    private const ulong BlindSpot = 1UL << 32;

    // Another thread may map something between our look and our reservation; more often than this it won't.
    private const int Attempts = 16;

    // Where only small gaps are left near to a library, not all of them are kept.
    private const int MostKept = 8;

    /// <summary>Reserves inaccessible address space that costs no memory.</summary>
    /// <param name="placement">Where.</param>
    /// <param name="near">What <see cref="MemoryPlacement.Near"/> is near to.</param>
    /// <param name="size">Bytes, a multiple of the page.</param>
    /// <param name="alignment">Of its start: a power of two, at least a page.</param>
    /// <param name="codeSize">How much of it, from its start, is for code.</param>
    /// <exception cref="MemoryException">There is none.</exception>
    internal static ulong Reserve(
        MemoryPlacement placement, AddressRange near, ulong size, ulong alignment, ulong codeSize)
    {
        if (size > Layout.AddressSpace || (placement != MemoryPlacement.Far && size > Reach))
        {
            throw Refused(placement, near, size, "more than there can be");
        }

        return placement is MemoryPlacement.Far
            ? ReserveAnywhere(size, alignment, codeSize)
            : ReserveInside(placement, near, size, alignment, codeSize);
    }

    /// <summary>Gives address space back, with what is mapped in it.</summary>
    internal static void Release(ulong start, ulong size)
    {
        if (size != 0)
        {
            _ = Libc.Unmap((nint)start, (nuint)size);
        }
    }

    /// <summary>Replaces what is mapped by inaccessible address space.</summary>
    /// <returns>False if the system refused; something may be mapped there still.</returns>
    internal static bool Empty(ulong start, ulong size) => Map(start, size, Libc.MapFixed) == start;

    /// <summary>Reserves just these addresses, if all of them are free.</summary>
    internal static bool TryReserve(AddressRange range)
    {
        ulong start = Map(range.Start, range.Size, Libc.MapFixedNoReplace);
        if (start != range.Start)
        {
            Release(start, start == 0 ? 0 : range.Size); // A kernel before 4.17 takes the address for a hint.
        }

        return start == range.Start;
    }

    /// <summary>
    /// Reserves free ranges that are near to a range, the largest and then the closest first, each without a multiple of 4 GiB
    /// inside (<see cref="PastMultiple"/>).
    /// </summary>
    /// <param name="near">What they are near to.</param>
    /// <param name="most">Bytes of all of them together.</param>
    /// <param name="least">Bytes of each.</param>
    /// <exception cref="MemoryException">The system does not tell what is mapped, or the range is too wide.</exception>
    internal static List<AddressRange> ReserveNear(AddressRange near, ulong most, ulong least)
    {
        List<AddressRange> reserved = [];
        IEnumerable<AddressRange> gaps =
            from gap in Gaps(Window(MemoryPlacement.Near, near, least))
            let whole = new AddressRange(Layout.AlignUp(gap.Start, Layout.PageSize), Layout.AlignDown(gap.End, Layout.PageSize))
            where whole.Start < whole.End && whole.Size >= least
            orderby Math.Min(whole.Size, most) descending, near.Join(whole).Size - whole.Size
            select whole;
        foreach (AddressRange gap in gaps.Take(MostKept))
        {
            ulong size = Math.Min(gap.Size, most);
            ulong first = gap.Start >= near.End ? gap.Start : gap.End - size;
            var range = new AddressRange(PastMultiple(first, size, Layout.PageSize), first + size);
            if (range.Start < range.End && range.Size >= least && TryReserve(range))
            {
                reserved.Add(range);
                most -= range.Size;
            }

            if (most < least)
            {
                break;
            }
        }

        return reserved;
    }

    /// <summary>All address ranges where nothing is mapped.</summary>
    /// <exception cref="MemoryException">The system does not tell what is mapped.</exception>
    internal static IEnumerable<AddressRange> AllGaps() => Gaps(new AddressRange(
        Math.Max(LowestAddress, LeastMappable()), Layout.AddressSpace - Layout.PageSize));

    /// <summary>
    /// Where code of so many bytes can begin, at or above an address, without having a multiple of 4 GiB in it. libgcc's
    /// unwinder takes a function there for one that the linker has dropped, if its table has addresses of 32 bits: it
    /// compares just these with zero.
    /// </summary>
    internal static ulong PastMultiple(ulong start, ulong codeSize, ulong alignment)
    {
        ulong multiple = Layout.AlignUp(start, BlindSpot);
        return codeSize >= BlindSpot || alignment >= BlindSpot || multiple >= start + codeSize
            ? start
            : Layout.AlignUp(multiple + 1, alignment);
    }

    /// <summary>Reserves inaccessible address space where the kernel likes.</summary>
    /// <exception cref="MemoryException">There is none.</exception>
    internal static ulong ReserveAnywhere(ulong size, ulong alignment, ulong codeSize = 0)
    {
        ulong start = ReserveAligned(size, alignment);
        if (PastMultiple(start, codeSize, alignment) == start)
        {
            return start;
        }

        Release(start, size);
        ulong larger = size + codeSize + alignment;
        start = ReserveAligned(larger, alignment);
        ulong chosen = PastMultiple(start, codeSize, alignment);
        Release(start, chosen - start);
        Release(chosen + size, start + larger - (chosen + size));
        return chosen;
    }

    private static ulong ReserveAligned(ulong size, ulong alignment)
    {
        ulong slack = alignment - Layout.PageSize;
        ulong start = Map(0, size + slack, 0);
        if (start == 0)
        {
            throw Libc.Failure($"No address space of {CountText.Of(size, "byte", "N0")} aligned to 0x{alignment:x}");
        }

        ulong aligned = Layout.AlignUp(start, alignment);
        Release(start, aligned - start);
        Release(aligned + size, start + slack - aligned);
        return aligned;
    }

    private static ulong ReserveInside(
        MemoryPlacement placement, AddressRange near, ulong size, ulong alignment, ulong codeSize)
    {
        AddressRange window = Window(placement, near, size);
        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            bool raced = false;
            foreach (ulong candidate in Candidates(placement, near, window, size, alignment, codeSize))
            {
                ulong start = Map(candidate, size, Libc.MapFixedNoReplace);
                if (start == candidate)
                {
                    return start;
                }

                raced |= start != 0 || Marshal.GetLastPInvokeError() is Libc.EExist;
                Release(start, start == 0 ? 0 : size); // A kernel before 4.17 takes the address for a hint.
            }

            if (!raced)
            {
                break;
            }
        }

        throw Refused(placement, near, size, $"no free range of that size in {window}, alignment 0x{alignment:x}");
    }

    // Where the pool may lie. Near: its first byte is within 2^31 - 1 of the last of what it is near to, and so on.
    private static AddressRange Window(MemoryPlacement placement, AddressRange near, ulong size)
    {
        if (placement is MemoryPlacement.Low)
        {
            return new AddressRange(Math.Max(LowestAddress, LeastMappable()), Reach);
        }

        if (near.Size is 0)
        {
            throw Refused(placement, near, size, "the libraries mapped at process start were not found close together");
        }

        ulong last = near.Start < Layout.AddressSpace ? near.Start + Reach : Layout.AddressSpace;
        var window = new AddressRange(
            Math.Max(Math.Max(near.End, Reach) - Reach, Math.Max(LowestAddress, LeastMappable())),
            Math.Min(last, Layout.AddressSpace - Layout.PageSize));
        return window.Start < window.End && window.Size >= size
            ? window
            : throw Refused(placement, near, size, $"no address is within 2 GiB of all of {near}");
    }

    // What lies above it comes first: the kernel gives out addresses downwards, and what is below will be wanted
    // by others. The closer, the more room is left in the window.
    private static IEnumerable<ulong> Candidates(
        MemoryPlacement placement, AddressRange near, AddressRange window, ulong size, ulong alignment, ulong codeSize)
    {
        List<AddressRange> gaps = [.. Gaps(window).Where(gap => Fits(gap, size, alignment))];
        if (placement is MemoryPlacement.Low)
        {
            return gaps.Select(gap => Layout.AlignUp(gap.Start, alignment));
        }

        IEnumerable<ulong> above = from gap in gaps
                                   where gap.Start >= near.End
                                   let start = PastMultiple(Layout.AlignUp(gap.Start, alignment), codeSize, alignment)
                                   where start <= gap.End - size
                                   select start;
        IEnumerable<ulong> below = from gap in gaps.AsEnumerable().Reverse()
                                   where gap.Start < near.End
                                   let start = BeforeMultiple(Layout.AlignDown(gap.End - size, alignment), codeSize, alignment)
                                   where start >= gap.Start
                                   select start;
        return above.Concat(below);
    }

    private static ulong BeforeMultiple(ulong start, ulong codeSize, ulong alignment)
    {
        bool isClear = PastMultiple(start, codeSize, alignment) == start;
        return isClear ? start : Layout.AlignDown(Layout.AlignUp(start, BlindSpot) - codeSize, alignment);
    }

    private static bool Fits(AddressRange gap, ulong size, ulong alignment) =>
        gap.Size >= size && Layout.AlignUp(gap.Start, alignment) <= gap.End - size;

    private static IEnumerable<AddressRange> Gaps(AddressRange window)
    {
        ulong free = window.Start;
        foreach (ProcessMapping mapping in ProcessMaps.Read())
        {
            ulong end = mapping.Path is "[stack]" ? BelowStack(mapping.Start) : mapping.Start;
            end = Math.Min(end, window.End);
            if (end > free)
            {
                yield return new AddressRange(free, end);
            }

            free = Math.Max(free, mapping.End);
        }

        if (free < window.End)
        {
            yield return new AddressRange(free, window.End);
        }
    }

    // The main thread's stack grows downwards to its limit, and the kernel keeps 1 MiB (256 pages) free below it.
    private static ulong BelowStack(ulong start)
    {
        ulong limit = Libc.Limit(Libc.LimitStack);
        ulong room = limit > 1UL << 30 ? 1UL << 30 : limit;
        return start - Math.Min(start, Layout.AlignUp(room, Layout.PageSize) + (1UL << 20));
    }

    private static ulong LeastMappable()
    {
        try
        {
            string text = File.ReadAllText("/proc/sys/vm/mmap_min_addr");
            return ulong.TryParse(text.AsSpan().Trim(), CultureInfo.InvariantCulture, out ulong address)
                ? Layout.AlignUp(Math.Min(address, Reach), Layout.PageSize)
                : 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return 0; // A system that doesn't tell has the usual 64 KiB, which is less than we keep off.
        }
    }

    private static ulong Map(ulong address, ulong size, int flags)
    {
        // Private and not writable: nothing is charged, so that MAP_NORESERVE isn't needed, which would keep a later
        // mprotect from charging.
        flags |= Libc.MapPrivate | Libc.MapAnonymous;
        nint mapped = Libc.Map((nint)address, (nuint)size, Libc.ProtNone, flags, -1, 0);
        return mapped == Libc.MapFailed ? 0 : (ulong)mapped;
    }

    private static MemoryException Refused(MemoryPlacement placement, AddressRange near, ulong size, string why) =>
        new($"{CountText.Of(size, "byte", "N0")} {Described(placement, near)} can't be had: {why}");

    private static string Described(MemoryPlacement placement, AddressRange near) => placement switch
    {
        MemoryPlacement.Near => $"within 2 GiB of {(near.Size is 0 ? "the host's libraries" : near.ToString())}",
        MemoryPlacement.Low => "below 2 GiB",
        _ => "of address space",
    };
}
