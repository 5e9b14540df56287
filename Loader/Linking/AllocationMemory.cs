using ElfLoader.Memory;

namespace ElfLoader.Linking;

/// <summary>A unit's memory in this process, as the passes write it.</summary>
internal sealed class AllocationMemory : LinkMemory
{
    private readonly MemoryAllocation _allocation;

    internal AllocationMemory(MemoryAllocation allocation) => _allocation = allocation;

    /// <inheritdoc/>
    internal override Span<byte> Writable(int block, ulong offset, int length) =>
        _allocation.Writable((MemoryZone)block, offset, length);
}
