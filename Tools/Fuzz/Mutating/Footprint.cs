using ElfLoader.Loading;
using ElfLoader.Memory;
using ElfLoader.Runtime;

namespace ElfLoader.Fuzz.Mutating;

/// <summary>What loaded code holds of the process: memory, room for static thread-local storage, open files.</summary>
/// <param name="Allocations">Allocations of the pools.</param>
/// <param name="Allocated">Bytes of them.</param>
/// <param name="StaticTls">Bytes of static thread-local storage that are free.</param>
/// <param name="OpenFiles">Open files; 0 if they were not counted.</param>
internal readonly record struct Footprint(int Allocations, ulong Allocated, int StaticTls, int OpenFiles)
{
    /// <summary>Open files of this process.</summary>
    internal static int CountOpenFiles() => Directory.GetFileSystemEntries("/proc/self/fd").Length;

    /// <summary>As it is now.</summary>
    /// <param name="countsFiles">Whether to count open files, which takes longer than most mutants.</param>
    internal static Footprint Take(bool countsFiles)
    {
        MemoryStatistics statistics = NativeProcess.Current.Pools(MemoryMapping.Auto).Statistics;
        return new Footprint(statistics.Allocations, statistics.Allocated, HostRuntime.Instance.Tls.Arena.Free, countsFiles ? CountOpenFiles() : 0);
    }
}
