using System.Diagnostics;

namespace ElfLoader.Benchmarks.Jobs;

/// <summary>Measures from its creation on.</summary>
internal readonly struct Meter
{
    private readonly bool _allThreads;
    private readonly long _allocatedBefore;
    private readonly long _start;

    private Meter(bool allThreads)
    {
        _allThreads = allThreads;
        _allocatedBefore = Allocated(allThreads);
        _start = Stopwatch.GetTimestamp();
    }

    /// <summary>Starts to measure.</summary>
    /// <param name="threads">With more than one, allocations of the whole process are counted.</param>
    public static Meter Start(int threads = 1) => new(threads > 1);

    /// <summary>What has passed since.</summary>
    public Measurement Stop()
    {
        double elapsed = Stopwatch.GetElapsedTime(_start).TotalMilliseconds;
        return new Measurement(elapsed, Allocated(_allThreads) - _allocatedBefore);
    }

    private static long Allocated(bool allThreads) =>
        allThreads ? GC.GetTotalAllocatedBytes(precise: true) : GC.GetAllocatedBytesForCurrentThread();
}
