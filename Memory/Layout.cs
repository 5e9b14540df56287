using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ElfLoader.Memory;

/// <summary>One number for each zone.</summary>
[InlineArray(MemoryRequest.Zones)]
internal struct PerZone
{
    private ulong _first;
}

/// <summary>Where the zones lie in a reservation, in bytes from its start.</summary>
internal readonly struct Layout
{
    /// <summary>Bytes that a process can address; few enough that sums of sizes can't overflow.</summary>
    internal static readonly ulong AddressSpace =
        RuntimeInformation.ProcessArchitecture is Architecture.X64 ? 1UL << 47 : 1UL << 48;

    /// <summary>Least alignment of a zone: the page.</summary>
    internal static readonly ulong PageSize = (ulong)Environment.SystemPageSize;

    private readonly PerZone _offsets;
    private readonly PerZone _sizes;

    private Layout(PerZone offsets, PerZone sizes, ulong size, ulong alignment)
    {
        _offsets = offsets;
        _sizes = sizes;
        Size = size;
        Alignment = alignment;
    }

    /// <summary>Bytes of the whole reservation, a multiple of the page.</summary>
    internal ulong Size { get; }

    /// <summary>Alignment of its start: at least a page.</summary>
    internal ulong Alignment { get; }

    /// <summary>Zones for many loads to share: sixteenths as programs typically need them.</summary>
    internal static Layout Shared(ulong poolSize)
    {
        ulong part = AlignDown(poolSize / 16, PageSize);
        PerZone sizes = default;
        sizes[0] = part * 7;
        sizes[1] = part * 4;
        sizes[2] = part;
        sizes[3] = part * 4;
        return Place(sizes, default);
    }

    /// <summary>Zones that hold one request and not a page more.</summary>
    internal static Layout Exactly(in MemoryRequest request)
    {
        PerZone sizes = default;
        PerZone alignments = default;
        for (int zone = 0; zone < MemoryRequest.Zones; zone++)
        {
            ZoneRequest part = request[(MemoryZone)zone];
            sizes[zone] = AlignUp(part.Size, PageSize);
            alignments[zone] = part.Alignment;
        }

        return Place(sizes, alignments);
    }

    /// <summary>Bytes from the reservation's start to the zone.</summary>
    internal ulong Offset(MemoryZone zone) => _offsets[(int)zone];

    /// <summary>Bytes of the zone, a multiple of the page.</summary>
    internal ulong SizeOf(MemoryZone zone) => _sizes[(int)zone];

    /// <summary>The next multiple of a power of two; the caller keeps values below twice the address space.</summary>
    internal static ulong AlignUp(ulong value, ulong alignment) => (value + alignment - 1) & ~(alignment - 1);

    /// <summary>The multiple of a power of two at or below the value.</summary>
    internal static ulong AlignDown(ulong value, ulong alignment) => value & ~(alignment - 1);

    private static Layout Place(PerZone sizes, PerZone alignments)
    {
        PerZone offsets = default;
        ulong end = 0;
        ulong strictest = PageSize;
        for (int zone = 0; zone < MemoryRequest.Zones; zone++)
        {
            ulong alignment = Math.Max(alignments[zone], PageSize);
            strictest = Math.Max(strictest, alignment);
            offsets[zone] = AlignUp(end, alignment);
            end = offsets[zone] + sizes[zone];
        }

        return new Layout(offsets, sizes, end, strictest);
    }
}
