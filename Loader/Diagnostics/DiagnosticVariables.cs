namespace ElfLoader.Diagnostics;

/// <summary>What the environment asks for, for all libraries of the process; read once.</summary>
internal static class DiagnosticVariables
{
    /// <summary><c>ELFLOADER_DEBUGGER=1</c>.</summary>
    internal static bool Debugger { get; } = Environment.GetEnvironmentVariable("ELFLOADER_DEBUGGER") is "1";

    /// <summary><c>ELFLOADER_PERF=map,jitdump</c>.</summary>
    internal static ProfilerSupport Profiler { get; } = Parse(Environment.GetEnvironmentVariable("ELFLOADER_PERF"));

    /// <summary>Reads a list of names; what is not a name counts for nothing.</summary>
    internal static ProfilerSupport Parse(string? list)
    {
        ProfilerSupport support = ProfilerSupport.Off;
        foreach (string name in (list ?? "").Split(',', StringSplitOptions.TrimEntries))
        {
            support |= name switch
            {
                "map" => ProfilerSupport.PerfMap,
                "jitdump" => ProfilerSupport.JitDump,
                _ => ProfilerSupport.Off,
            };
        }

        return support;
    }
}
