using System.Diagnostics;

namespace ElfLoader.Benchmarks.Jobs;

/// <summary>Measures from its creation on.</summary>
internal readonly struct Meter
{
    // As the harnesses of the peers do it; there it is one thread's time, here the process's.
    private static readonly bool UsesProcessorTime = Environment.GetEnvironmentVariable("BENCHMARK_CLOCK") is "cpu";

    private readonly bool _allThreads;
    private readonly long _allocatedBefore;
    private readonly double _start;

    private Meter(bool allThreads)
    {
        _allThreads = allThreads;
        _allocatedBefore = Allocated(allThreads);
        _start = Now();
    }

    /// <summary>Starts to measure.</summary>
    /// <param name="threads">With more than one, allocations of the whole process are counted.</param>
    public static Meter Start(int threads = 1) => new(threads > 1);

    /// <summary>What has passed since.</summary>
    public Measurement Stop()
    {
        double elapsed = Now() - _start;
        return new Measurement(elapsed, Allocated(_allThreads) - _allocatedBefore);
    }

    private static double Now() => UsesProcessorTime
        ? Environment.CpuUsage.TotalTime.TotalMilliseconds
        : Stopwatch.GetTimestamp() * 1000.0 / Stopwatch.Frequency;

    private static long Allocated(bool allThreads) =>
        allThreads ? GC.GetTotalAllocatedBytes(precise: true) : GC.GetAllocatedBytesForCurrentThread();
}
