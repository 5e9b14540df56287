using ElfLoader.Diagnostics;
using ElfLoader.Elf;
using ElfLoader.Memory;

namespace ElfLoader;

/// <summary>How a library links and loads.</summary>
public sealed record ObjectLibraryOptions
{
    /// <summary>Whether names may be found in the host process (its executable and the libraries it has loaded).</summary>
    public bool UseHostProcess { get; init; } = true;

    /// <summary>
    /// Whether symbols without a definition are given <see cref="UndefinedAddress"/> instead of being an error.
    /// </summary>
    public bool AllowUndefined { get; init; }

    /// <summary>
    /// The value of symbols without a definition, where that is allowed; null: an address in reach, at which an
    /// instruction traps.
    /// </summary>
    public ulong? UndefinedAddress { get; init; }

    /// <summary>
    /// Whether code may run while loading: initializers, and the resolvers of STT_GNU_IFUNC symbols. Without it
    /// calling such a symbol traps.
    /// </summary>
    public bool RunCode { get; init; } = true;

    /// <summary>
    /// Whether functions can be redirected: each global one has an address of its own for the life of the library, through
    /// which all callers reach the code that it has at the time.
    /// </summary>
    public bool Redirectable { get; init; }

    /// <summary>
    /// A function that is called in place of one that can be redirected and has no code: it has been unloaded, or a lazy
    /// definition has failed. It gets the arguments of the call. 0: the process ends with a message.
    /// </summary>
    public nint MissingFunction { get; init; }

    /// <summary>
    /// Whether variables that many objects bring a copy of (inline variables, static variables of inline functions, static
    /// members of templates) are one with those of the host and of the libraries that this one is linked to.
    /// </summary>
    public VagueLinkage VagueLinkage { get; init; }

    /// <summary>Where the units lie; null: each where its relocations need it.</summary>
    public MemoryPlacement? Placement { get; init; }

    /// <summary>
    /// How code is written without a mapping that is writable and executable: through a second view, or by making it
    /// executable once it is written. By default the second view, where the system permits it.
    /// </summary>
    public MemoryMapping Mapping { get; init; }

    /// <summary>Most bytes of memory that one load may take, zero-initialized data included.</summary>
    public ulong MaximumUnitSize { get; init; } = 4UL << 30;

    /// <summary>
    /// Most threads that one load may use, the caller's included; 0: as many as there are processors. Small loads use one.
    /// Foreign code (initializers, IFUNC resolvers) runs on the caller's thread in any case.
    /// </summary>
    public int MaximumParallelism { get; init; }

    /// <summary>
    /// Whether small links take the ways that are meant for large ones, too: several threads, symbols that are bound late. It
    /// makes no difference to what they give, which is for tests to see.
    /// </summary>
    internal bool TreatsAsLarge { get; init; }

    /// <summary>Limits of what objects may claim.</summary>
    public ReadLimits ReadLimits { get; init; } = ReadLimits.Default;

    /// <summary>
    /// What initializers get as argc and argv: the strings. envp is the process's environment; it and the process's auxiliary
    /// vector lie behind argv, as the system lays them out.
    /// </summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>
    /// Whether <see cref="LoadedUnit.Patches"/> tells of every patched place. It costs time and memory for each relocation, and
    /// nothing where it is not asked for.
    /// </summary>
    public bool RecordPatches { get; init; }

    /// <summary>Whether debuggers are told of what is loaded. <c>ELFLOADER_DEBUGGER=1</c> in the environment does it, too.</summary>
    public DebuggerSupport Debugger { get; init; }

    /// <summary>
    /// Which files tell <c>perf</c> of what is loaded. <c>ELFLOADER_PERF=map</c>, <c>jitdump</c> or <c>map,jitdump</c> in
    /// the environment does it, too.
    /// </summary>
    public ProfilerSupport Profiler { get; init; }
}
