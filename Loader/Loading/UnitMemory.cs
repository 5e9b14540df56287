using ElfLoader.Diagnostics;
using ElfLoader.Linking;
using ElfLoader.Memory;
using ElfLoader.Runtime;

namespace ElfLoader.Loading;

/// <summary>Takes the memory of a unit: as near to what it refers to as its relocations need, beside another unit if that helps.</summary>
internal static class UnitMemory
{
    /// <summary>Takes it.</summary>
    /// <param name="library">The library that it is for, whose options decide first.</param>
    /// <param name="process">What has memory.</param>
    /// <param name="resolution">What the names are bound to, for messages.</param>
    /// <param name="scan">What the relocations need.</param>
    /// <param name="blocks">The sizes, in the order of <see cref="MemoryZone"/>.</param>
    /// <param name="location">For messages.</param>
    /// <exception cref="LinkException">
    /// It is more than the library's limit, or there is none within reach of what the relocations reach.
    /// </exception>
    /// <exception cref="MemoryException">There is none, or none at such a place.</exception>
    internal static MemoryAllocation Allocate(
        ObjectLibrary library,
        NativeProcess process,
        SymbolResolution resolution,
        RelocationScan scan,
        ReadOnlySpan<LinkBlock> blocks,
        LinkLocation location)
    {
        ObjectLibraryOptions options = library.Options;
        ulong total = 0;
        foreach (LinkBlock block in blocks)
        {
            total = block.Size > ulong.MaxValue - total ? ulong.MaxValue : total + block.Size;
        }

        if (total > options.MaximumUnitSize)
        {
            throw new LinkException(
                LinkErrorCode.LimitExceeded,
                location,
                $"the sections take {CountText.Of(total, "byte")} of memory together, and the limit (MaximumUnitSize) is {options.MaximumUnitSize}");
        }

        var request = new MemoryRequest(Zone(blocks[0]), Zone(blocks[1]), Zone(blocks[2]), Zone(blocks[3]));
        MemoryPlacement placement = options.Placement
            ?? (scan.NeedsLow ? MemoryPlacement.Low
                : scan.Reached.Range.Size is not 0 ? MemoryPlacement.Near
                : MemoryPlacement.Far);
        AddressRange reached = options.Placement is null && placement is MemoryPlacement.Near ? scan.Reached.Range : default;
        MemoryMapping mapping = UnitDiagnostics.MappingFor(options);
        MemoryPool? neighbour = ((LoadedUnit?)scan.WantsNeighbour)?.Resources.Pool ?? library.Contents.LastPool;
        try
        {
            MemoryAllocation allocation = neighbour is not null && (mapping is MemoryMapping.Auto || neighbour.Mapping == mapping)
                && (placement is MemoryPlacement.Far || process.Pools(mapping).Serves(neighbour, placement, reached))
                && neighbour.TryAllocate(request, out MemoryAllocation? beside)
                ? beside
                : process.Pools(mapping).Allocate(placement, request, reached);
            if (allocation.Pool.Mapping is MemoryMapping.Dual)
            {
                HostRuntime.TryHandleForks();
            }

            return allocation;
        }
        catch (MemoryException exception) when (reached.Size is not 0 && !process.Pools(mapping).Host.Contains(reached))
        {
            throw scan.Reached.Refusal(resolution, exception);
        }

        static ZoneRequest Zone(LinkBlock block) => new(block.Size, block.Alignment);
    }
}
