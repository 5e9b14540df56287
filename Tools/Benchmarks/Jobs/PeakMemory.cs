using System.Globalization;

namespace ElfLoader.Benchmarks.Jobs;

/// <summary>
/// The proportional set size (PSS) of this process, watched while something runs: what is in memory, shared pages counted
/// in parts, pages that are mapped twice counted once.
/// </summary>
internal sealed class PeakMemory : IDisposable
{
    private readonly Thread _watch;
    private volatile bool _isOver;
    private long _peak;

    /// <summary>Starts to watch.</summary>
    public PeakMemory()
    {
        _watch = new Thread(() =>
        {
            while (!_isOver)
            {
                _peak = Math.Max(_peak, Current());
            }
        });
        _watch.Start();
    }

    /// <summary>The most that was seen, in bytes.</summary>
    public long Peak
    {
        get
        {
            Dispose();
            return _peak;
        }
    }

    /// <summary>What is in memory now, in bytes.</summary>
    public static long Current()
    {
        foreach (string line in File.ReadLines("/proc/self/smaps_rollup"))
        {
            if (line.StartsWith("Pss:", StringComparison.Ordinal))
            {
                return long.Parse(line.AsSpan(4, line.Length - 6), CultureInfo.InvariantCulture) * 1024;
            }
        }

        throw new MeasurementException("/proc/self/smaps_rollup does not tell the PSS");
    }

    /// <summary>Ends to watch.</summary>
    public void Dispose()
    {
        _isOver = true;
        if (_watch.IsAlive)
        {
            _watch.Join();
        }
    }
}
