using ElfLoader.Linking;
using ElfLoader.Memory;
using ElfLoader.Runtime;

namespace ElfLoader.Fuzz.Mutating;

/// <summary>What loaded code holds of the process: memory, and room for static thread-local storage.</summary>
/// <param name="Allocations">Allocations of the pools.</param>
/// <param name="Allocated">Bytes of them.</param>
/// <param name="StaticTls">Bytes of static thread-local storage that are free.</param>
internal readonly record struct Footprint(int Allocations, ulong Allocated, int StaticTls)
{
    /// <summary>As it is now.</summary>
    internal static Footprint Take()
    {
        MemoryStatistics statistics = NativeProcess.Current.Pools(MemoryMapping.Auto).Statistics;
        return new Footprint(statistics.Allocations, statistics.Allocated, HostRuntime.Instance.Tls.Arena.Free);
    }
}
