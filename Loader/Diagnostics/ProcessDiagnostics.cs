using System.ComponentModel;
using System.Diagnostics;
using ElfLoader.Loading;
using ElfLoader.Memory;

namespace ElfLoader.Diagnostics;

/// <summary>What of the diagnostics there is once in a process; each is made when it is asked for.</summary>
internal sealed class ProcessDiagnostics
{
    private static readonly MadeOnce<ProcessDiagnostics> Shared = new(() => new ProcessDiagnostics());

    private readonly MadeOnce<DebuggerRegistry> _debugger = new(() => new DebuggerRegistry(NativeProcess.Host.Shim));
    private readonly MadeOnce<PerfMap> _perfMap = new(() => Create(PerfMap.DefaultPath, path => new PerfMap(path)));
    private readonly MadeOnce<JitDump> _jitDump = new(CreateJitDump);

    private ProcessDiagnostics()
    {
    }

    /// <summary>The one of this process.</summary>
    internal static ProcessDiagnostics Current => Shared.Value;

    /// <summary>What debuggers read.</summary>
    internal DebuggerRegistry Debugger => _debugger.Value;

    /// <summary>What <c>perf report</c> reads.</summary>
    /// <exception cref="LinkException">It cannot be opened.</exception>
    internal PerfMap PerfMap => _perfMap.Value;

    /// <summary>What <c>perf inject</c> reads.</summary>
    /// <exception cref="LinkException">It cannot be created.</exception>
    internal JitDump JitDump => _jitDump.Value;

    private static JitDump CreateJitDump()
    {
        string folder = Environment.GetEnvironmentVariable("JITDUMPDIR") is { Length: > 0 } wished ? wished : "/tmp";
        JitDump dump = Create(
            Path.Combine(folder, $"jit-{Environment.ProcessId}.dump"), path => new JitDump(path, HostMachine.Architecture.Machine));
        AppDomain.CurrentDomain.ProcessExit += (_, _) => dump.Dispose();
        return dump;
    }

    private static T Create<T>(string path, Func<string, T> create)
    {
        try
        {
            if (File.Exists(path) && File.GetLastWriteTimeUtc(path) < Process.GetCurrentProcess().StartTime.ToUniversalTime())
            {
                File.Delete(path); // of a process that has ended, and had the same number
            }

            return create(path);
        }
        catch (Exception exception) when (exception is Win32Exception or IOException or UnauthorizedAccessException)
        {
            throw new LinkException(
                LinkErrorCode.File, new LinkLocation(path), $"the profiler's file cannot be made: {exception.Message}");
        }
    }
}
