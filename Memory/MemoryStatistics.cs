namespace ElfLoader.Memory;

/// <summary>What a process's pools hold at one moment.</summary>
/// <param name="Pools">Number of pools.</param>
/// <param name="Reserved">Bytes of address space reserved where code runs, not counting writable views.</param>
/// <param name="Mapped">Bytes of these that are backed by pages, touched or not.</param>
/// <param name="Allocated">Bytes that allocations occupy, rounded up to the zones' granules.</param>
/// <param name="Allocations">Allocations that are not freed yet.</param>
public readonly record struct MemoryStatistics(
    int Pools, ulong Reserved, ulong Mapped, ulong Allocated, int Allocations)
{
    /// <summary>Adds up.</summary>
    public static MemoryStatistics operator +(MemoryStatistics left, MemoryStatistics right) => Add(left, right);

    /// <summary>Adds up.</summary>
    public static MemoryStatistics Add(MemoryStatistics left, MemoryStatistics right) => new(
        left.Pools + right.Pools,
        left.Reserved + right.Reserved,
        left.Mapped + right.Mapped,
        left.Allocated + right.Allocated,
        left.Allocations + right.Allocations);
}
