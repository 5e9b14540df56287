using ElfLoader.Relocations;

namespace ElfLoader.Linking;

/// <summary>What the relocations of a unit need to know beside their symbols.</summary>
internal sealed record RelocationContext
{
    internal required LinkRules Rules { get; init; }

    internal required SymbolResolution Resolution { get; init; }

    internal required StubTable Stubs { get; init; }

    /// <summary>The stubs of single branches; null in links that have none of these.</summary>
    internal IBranchRoutes? BranchRoutes { get; init; }

    internal required TlsTemplate Tls { get; init; }

    internal required LinkMemory Memory { get; init; }

    internal required LinkErrors Errors { get; init; }

    /// <summary>Whether threads share the work even where there is little of it.</summary>
    internal bool TreatsAsLarge { get; init; }

    /// <summary>Finds the static base B(S) of the symbol that has an address (AAELF32); null where the machine has none.</summary>
    internal Func<ulong, ulong>? StaticBase { get; init; }

    /// <summary>Address of <see cref="Architecture.TlsCall"/>, where the link has it.</summary>
    internal ulong TlsCall { get; init; }

    /// <summary>Whether instructions may be rewritten to cheaper forms.</summary>
    internal bool Relax { get; init; } = true;

    /// <summary>The functions that are seen at entries; null if none is.</summary>
    internal ICodeAddresses? Entries { get; set; }

    /// <summary>Whether thread-local accesses become local exec: in executables, which own the static block.</summary>
    internal bool RelaxTls { get; init; }

    /// <summary>Adds to a message on a value that is out of range what would help.</summary>
    internal Func<LinkObject, int, RelocationRule, string?>? Advice { get; init; }
}
