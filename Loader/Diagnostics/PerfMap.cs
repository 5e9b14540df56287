using System.Globalization;
using System.Text;
using ElfLoader.Memory;

namespace ElfLoader.Diagnostics;

/// <summary>
/// <c>/tmp/perf-PID.map</c> (Linux, "tools/perf/Documentation/jit-interface.txt"): lines of address, size and name.
/// </summary>
/// <remarks>Thread-safe. Each unit's lines are one write, so that lines of others do not end up within.</remarks>
internal sealed class PerfMap : IDisposable
{
    private readonly AppendOnlyFile _file;

    internal PerfMap(string path) => _file = new AppendOnlyFile(path);

    /// <summary>Where <c>perf report</c> looks for the map of this process.</summary>
    internal static string DefaultPath => $"/tmp/perf-{Environment.ProcessId}.map";

    /// <summary>Adds functions. What cannot be written is not known to the profiler, and that is all.</summary>
    internal void Add(IEnumerable<LoadedFunction> functions)
    {
        var lines = new StringBuilder();
        foreach (LoadedFunction function in functions)
        {
            lines.Append(CultureInfo.InvariantCulture, $"{function.Address:x} {function.Size:x} {OneLine(function.Name)}\n");
        }

        _ = _file.TryWrite(Encoding.UTF8.GetBytes(lines.ToString()));
    }

    /// <summary>Closes it; the profiler reads it after the process has ended.</summary>
    public void Dispose() => _file.Dispose();

    private static string OneLine(string name) => VisibleText.Escape(name);
}
