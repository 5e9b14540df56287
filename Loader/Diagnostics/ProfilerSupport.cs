namespace ElfLoader.Diagnostics;

/// <summary>Which files tell <c>perf</c> of what is loaded.</summary>
[Flags]
public enum ProfilerSupport
{
    /// <summary>None, and it costs nothing.</summary>
    Off = 0,

    /// <summary><c>/tmp/perf-PID.map</c>: a line for each function. <c>perf report</c> reads it by itself.</summary>
    PerfMap = 1,

    /// <summary>
    /// <c>jit-PID.dump</c>: names, code and unwind tables with the time at which they came, for <c>perf inject --jit</c>.
    /// </summary>
    JitDump = 2,
}
