using System.Runtime.ExceptionServices;

namespace ElfLoader.Linking;

/// <summary>The objects of a link, cut into runs of about the same number of bytes, so that threads can share them.</summary>
internal sealed class ObjectRanges
{
    /// <summary>Less than this is done before another thread has woken up.</summary>
    private const int LeastBytes = 256 << 10;

    /// <summary>Runs for each thread, for objects are not all the same work.</summary>
    private const int RangesPerThread = 4;

    private readonly List<Range> _ranges = [];
    private readonly int _threads;

    private ObjectRanges(int threads) => _threads = threads;

    /// <summary>Number of runs.</summary>
    internal int Count => _ranges.Count;

    /// <summary>Cuts objects.</summary>
    /// <param name="objects">The objects.</param>
    /// <param name="threads">Most threads; 0 for as many as there are processors.</param>
    /// <param name="isLarge">Whether they are taken for many bytes, whatever they are.</param>
    internal static ObjectRanges Cut(IReadOnlyList<LinkObject> objects, int threads, bool isLarge = false)
    {
        long total = 0;
        foreach (LinkObject file in objects)
        {
            total += file.Elf.Bytes.Length;
        }

        int most = threads > 0 ? threads : Environment.ProcessorCount;
        var ranges = new ObjectRanges(isLarge ? most : (int)Math.Clamp(total / LeastBytes, 1, most));
        long size = ranges._threads is 1 ? long.MaxValue : total / (ranges._threads * RangesPerThread);
        int start = 0;
        long bytes = 0;
        for (int i = 0; i < objects.Count; i++)
        {
            bytes += objects[i].Elf.Bytes.Length;
            if (bytes >= size || i == objects.Count - 1)
            {
                ranges._ranges.Add(start..(i + 1));
                start = i + 1;
                bytes = 0;
            }
        }

        return ranges;
    }

    /// <summary>Does something for each run; on several threads if that was asked for.</summary>
    internal void Run(Action<Range> work)
    {
        try
        {
            _ = Parallel.For(
                0, _ranges.Count, new ParallelOptions { MaxDegreeOfParallelism = _threads }, i => work(_ranges[i]));
        }
        catch (AggregateException exception)
        {
            ExceptionDispatchInfo.Throw(exception.InnerExceptions[0]);
        }
    }
}
