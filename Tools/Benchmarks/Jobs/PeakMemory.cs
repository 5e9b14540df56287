using System.Buffers.Text;
using System.Globalization;
using ElfLoader.Benchmarks.Measuring;
using Microsoft.Win32.SafeHandles;

namespace ElfLoader.Benchmarks.Jobs;

/// <summary>The memory of this process that is its own, watched while something runs.</summary>
/// <remarks>
/// That is the anonymous part of its proportional set size (PSS), and, apart, all pages of its memory files: sections are
/// written to these through descriptors, and pages that no code has touched yet are in no page table and so in no PSS.
/// Pages of the runtime's own files are left out: they are shared with all other .NET programs, so that the share of this
/// one changes with what else is running.
/// </remarks>
internal sealed class PeakMemory : IDisposable
{
    private const int Kilobyte = 1024;

    private readonly Thread _watch;
    private volatile bool _isOver;
    private long _peak;

    /// <summary>Starts to watch.</summary>
    public PeakMemory()
    {
        using var isWatching = new ManualResetEventSlim();
        _watch = new Thread(() =>
        {
            // What watches must not allocate: that would be seen.
            using SafeFileHandle file = Open();
            byte[] text = new byte[2 * Kilobyte];
            _peak = Anonymous(file, text);
            isWatching.Set();
            while (!_isOver)
            {
                _peak = Math.Max(_peak, Anonymous(file, text));
            }
        });
        _watch.Start();
        isWatching.Wait();
    }

    /// <summary>The most anonymous memory that was seen, in bytes.</summary>
    public long Peak
    {
        get
        {
            Dispose();
            return _peak;
        }
    }

    /// <summary>Anonymous memory now, in bytes.</summary>
    public static long Anonymous()
    {
        using SafeFileHandle file = Open();
        return Anonymous(file, new byte[2 * Kilobyte]);
    }

    /// <summary>Memory in the loader's memory files now, in bytes.</summary>
    public static long InFiles()
    {
        const int blockSize = 512; // of st_blocks
        string[] files =
        [
            .. Directory.GetFiles($"/proc/{Environment.ProcessId}/fd")
                .Where(path => new FileInfo(path).LinkTarget?.StartsWith("/memfd:elfloader", StringComparison.Ordinal) is true),
        ];
        return files.Length is 0
            ? 0
            : Shell.Run("stat", ["--dereference", "--format=%b", .. files]).Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Sum(line => long.Parse(line, CultureInfo.InvariantCulture) * blockSize);
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

    private static SafeFileHandle Open() => File.OpenHandle("/proc/self/smaps_rollup");

    private static long Anonymous(SafeFileHandle file, byte[] text)
    {
        ReadOnlySpan<byte> rest = text.AsSpan(0, RandomAccess.Read(file, text, fileOffset: 0));
        ReadOnlySpan<byte> name = "Pss_Anon:"u8;
        int start = rest.IndexOf(name);
        return start >= 0 && Utf8Parser.TryParse(rest[(start + name.Length)..].TrimStart((byte)' '), out long kilobytes, out _)
            ? kilobytes * Kilobyte
            : throw new MeasurementException("/proc/self/smaps_rollup does not tell the anonymous memory");
    }
}
