using ElfLoader.Diagnostics;
using ElfLoader.Memory;

namespace ElfLoader.Fuzz.Faults;

/// <summary>Uses most of what calls the system, one after the other, whatever fails: loading, replacing, unloading, profiling.</summary>
internal sealed class FaultRound
{
    private readonly MemoryMapping _mapping;
    private readonly List<string> _findings = [];
    private readonly List<string> _refusals = [];

    private FaultRound(MemoryMapping mapping) => _mapping = mapping;

    /// <summary>Runs it.</summary>
    /// <param name="mapping">How code is mapped.</param>
    /// <returns>The steps that a <see cref="LinkException"/> has refused, and what should not have happened.</returns>
    internal static (IReadOnlyList<string> Refusals, IReadOnlyList<string> Findings) Run(MemoryMapping mapping)
    {
        var round = new FaultRound(mapping);
        round.Plain();
        round.Redirected();
        round.Never("TrimAddressSpace", ObjectLibrary.TrimAddressSpace);
        return (round._refusals, round._findings);
    }

    private static string Fixture(string name) => Path.Combine(Programs.Repository, "fixtures", "x64", name + ".o");

    private ObjectLibraryOptions Options => new()
    {
        Mapping = _mapping,
        Profiler = ProfilerSupport.PerfMap | ProfilerSupport.JitDump,
        Debugger = DebuggerSupport.On,
    };

    private void Plain()
    {
        var library = new ObjectLibrary("plain", Options);
        Try("AddSharedLibrary", () => library.AddSharedLibrary("libm.so.6"));
        Try("Load", () => library.Load(Fixture("counter")));
        Try("Load, thread-local", () => library.Load(Fixture("tls-pic"), Fixture("tls2-pic")));
        Try("Load, together", () => library.Load(Fixture("shapes2"), Fixture("templates2")));
        foreach (LoadedUnit unit in library.Units.Take(1).ToArray())
        {
            Never("Unload", unit.Unload);
        }

        Never("Dispose", library.Dispose);
    }

    private void Redirected()
    {
        var library = new ObjectLibrary("redirected", Options with { Redirectable = true });
        Replacement? replacement = null;
        Try("DefineLazy", () => library.DefineLazy("chosen_later", Fixture("chosen")));
        Try("Load, redirectable", () => library.Load(Fixture("counter")));
        Try("Replace", () => replacement = library.Replace([Fixture("counter")], new ReplaceOptions { RunInitializers = false }));
        Try("Undo", () => replacement?.Undo());
        Never("Reclaim", () => library.Reclaim());
        Never("Unload all", library.Unload);
        Never("Dispose", library.Dispose);
    }

    /// <summary>A step that may be refused.</summary>
    private void Try(string step, Action action)
    {
        try
        {
            action();
        }
        catch (LinkException exception)
        {
            _refusals.Add($"{step}: {exception.Message}");
        }
        catch (Exception exception)
        {
            _findings.Add($"{step}: {exception.GetType().Name}: {exception.Message}");
        }
    }

    /// <summary>A step that gives back, and does not fail.</summary>
    private void Never(string step, Action action)
    {
        try
        {
            action();
        }
        catch (Exception exception)
        {
            _findings.Add($"{step}: {exception.GetType().Name}: {exception.Message}");
        }
    }
}
