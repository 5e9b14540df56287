using ElfLoader.Tools.Arguments;

namespace ElfLoader.Tools.Running;

/// <summary>What to run, and how.</summary>
internal sealed record RunRequest
{
    /// <summary>Objects, archives, linker scripts, shared libraries.</summary>
    public required IReadOnlyList<string> Inputs { get; init; }

    /// <summary>The function to call.</summary>
    public required string Entry { get; init; }

    /// <summary>Symbols to define.</summary>
    public required IReadOnlyList<SymbolDefinition> Definitions { get; init; }

    /// <summary>Shared libraries to resolve against.</summary>
    public required IReadOnlyList<string> Libraries { get; init; }

    /// <summary>Whether to resolve against the host process.</summary>
    public required bool UsesHost { get; init; }

    /// <summary>Whether undefined symbols are no error.</summary>
    public required bool AllowUndefined { get; init; }

    /// <summary>The address they are to have; null for one that traps.</summary>
    public required ulong? UndefinedAddress { get; init; }

    /// <summary>File of the link map; null for none.</summary>
    public required string? Map { get; init; }

    /// <summary>argv.</summary>
    public required IReadOnlyList<string> Arguments { get; init; }
}
