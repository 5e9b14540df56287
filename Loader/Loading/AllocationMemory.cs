using ElfLoader.Linking;
using ElfLoader.Memory;

namespace ElfLoader.Loading;

/// <summary>A unit's memory in this process, as the passes write it.</summary>
internal sealed class AllocationMemory : LinkMemory
{
    private readonly byte _padding;
    private readonly SectionWriter _direct;

    /// <param name="padding">What fills the gaps between sections of code.</param>
    internal AllocationMemory(byte padding)
    {
        _padding = padding;
        _direct = new SectionWriter(this);
    }

    /// <summary>The memory.</summary>
    internal MemoryAllocation Allocation { get; set; } = null!;

    /// <inheritdoc/>
    internal override Span<byte> Writable(int block, ulong offset, int length) =>
        Allocation.Writable((MemoryZone)block, offset, length);

    /// <inheritdoc/>
    internal override ulong OffsetOf(in SectionPlace place) =>
        unchecked(place.Address - Allocation.Address((MemoryZone)place.Block));

    /// <inheritdoc/>
    internal override SectionWriter NewWriter() =>
        BufferedSectionWriter.IsFor(Allocation) ? new BufferedSectionWriter(this, Allocation, _padding) : _direct;
}
