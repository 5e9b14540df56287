using ElfLoader.Linking;
using ElfLoader.Loading;
using ElfLoader.Memory;

namespace ElfLoader.Diagnostics;

/// <summary>What debuggers and profilers were told of a unit, as far as it has to be taken back.</summary>
internal sealed class UnitDiagnostics
{
    private readonly NativeBlock _symbolFile;

    private UnitDiagnostics(NativeBlock symbolFile) => _symbolFile = symbolFile;

    /// <summary>
    /// How code is to be written. Where the caller does not insist, there is one view for debuggers and the map of
    /// symbols: Linux lets a debugger put breakpoints into private memory only, and <c>perf</c> asks the map for what
    /// lies in anonymous memory only; code that is seen through two views is neither.
    /// </summary>
    internal static MemoryMapping MappingFor(ObjectLibraryOptions options) =>
        options.Mapping is MemoryMapping.Auto && (HasDebugger(options) || Profiler(options).HasFlag(ProfilerSupport.PerfMap))
            ? MemoryMapping.WriteThenProtect
            : options.Mapping;

    /// <summary>Tells whoever is to be told of a unit that is sealed and has not run yet.</summary>
    /// <returns>What is to be withdrawn before the unit's memory is freed; null for nothing.</returns>
    internal static UnitDiagnostics? Announce(
        LoadedUnit unit, LinkRules rules, SymbolResolution resolution, StubTable stubs, UnitLayout layout)
    {
        ObjectLibraryOptions options = unit.Library.Options;
        ProfilerSupport profiler = Profiler(options);
        if (profiler is not ProfilerSupport.Off)
        {
            TellProfiler(unit, layout, profiler);
        }

        if (!HasDebugger(options))
        {
            return null;
        }

        return new UnitDiagnostics(ProcessDiagnostics.Current.Debugger.Register(SymbolFile.Write(
            unit,
            UnwindTable(layout, out ulong address),
            address,
            DebugInformation.Collect(rules, resolution, stubs, layout.Tls))));
    }

    /// <summary>Takes it back.</summary>
    internal void Withdraw() => ProcessDiagnostics.Current.Debugger.Deregister(_symbolFile);

    private static bool HasDebugger(ObjectLibraryOptions options) =>
        options.Debugger is not DebuggerSupport.Off || DiagnosticVariables.Debugger;

    private static ProfilerSupport Profiler(ObjectLibraryOptions options) => options.Profiler | DiagnosticVariables.Profiler;

    private static void TellProfiler(LoadedUnit unit, UnitLayout layout, ProfilerSupport profiler)
    {
        List<LoadedFunction> functions = LoadedFunction.Of(unit);
        if (profiler.HasFlag(ProfilerSupport.PerfMap))
        {
            ProcessDiagnostics.Current.PerfMap.Add(functions);
        }

        if (profiler.HasFlag(ProfilerSupport.JitDump))
        {
            ReadOnlySpan<byte> table = UnwindTable(layout, out ulong address);
            ProcessDiagnostics.Current.JitDump.Add(functions, new UnwindIndex(table, address));
        }
    }

    private static ReadOnlySpan<byte> UnwindTable(UnitLayout layout, out ulong address)
    {
        ulong end = layout.UnwindOffset + layout.UnwindSize;
        if (layout.UnwindSize is 0 || layout.UnwindStart >= end)
        {
            address = 0;
            return [];
        }

        address = layout.Blocks[(int)MemoryZone.ReadOnly].Address + layout.UnwindStart;
        return NativeBytes.ReadOnlyAt(address, (int)(end - layout.UnwindStart));
    }
}
