using ElfLoader.Memory;

namespace ElfLoader.Linking;

/// <summary>A unit's memory in this process, as the passes write it.</summary>
internal sealed class AllocationMemory : LinkMemory
{
    private readonly MemoryAllocation _allocation;
    private readonly byte _padding;

    /// <param name="allocation">The memory.</param>
    /// <param name="padding">What fills the gaps between sections of code.</param>
    internal AllocationMemory(MemoryAllocation allocation, byte padding)
    {
        _allocation = allocation;
        _padding = padding;
    }

    /// <inheritdoc/>
    internal override Span<byte> Writable(int block, ulong offset, int length) =>
        _allocation.Writable((MemoryZone)block, offset, length);

    /// <inheritdoc/>
    internal override ulong OffsetOf(in SectionPlace place) =>
        unchecked(place.Address - _allocation.Address((MemoryZone)place.Block));

    /// <inheritdoc/>
    internal override SectionWriter NewWriter() => new BufferedSectionWriter(this, _allocation, _padding);
}
