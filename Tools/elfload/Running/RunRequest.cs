using ElfLoader.Elf;

namespace ElfLoader.Tools.Running;

/// <summary>What to run, and how.</summary>
internal sealed record RunRequest
{
    /// <summary>Objects, archives, linker scripts, shared libraries.</summary>
    public required IReadOnlyList<string> Inputs { get; init; }

    /// <summary>What they may claim, and name.</summary>
    public required ReadLimits Limits { get; init; }

    /// <summary>The function to call.</summary>
    public required string Entry { get; init; }

    /// <summary>Whether the user named it.</summary>
    public required bool EntryIsChosen { get; init; }

    /// <summary>Shared libraries to resolve against.</summary>
    public required IReadOnlyList<string> Libraries { get; init; }

    /// <summary>Whether to resolve against the host process.</summary>
    public required bool UsesHost { get; init; }

    /// <summary>File of the link map; null for none.</summary>
    public required string? Map { get; init; }

    /// <summary>Symbols to define, what becomes of undefined ones; for an image, all else about its linking.</summary>
    public required ImageOptions Image { get; init; }

    /// <summary>For a program of another machine, the command that runs it; null for the usual emulator.</summary>
    public required string? Runner { get; init; }

    /// <summary>argv.</summary>
    public required IReadOnlyList<string> Arguments { get; init; }

    /// <summary>What to say where the entry does not exist.</summary>
    /// <param name="names">The names that do.</param>
    internal string NoEntry(IEnumerable<string> names) => $"no input defines the entry '{Entry}'"
        + (NearestName.Find(Entry, names) is { } near ? $"; did you mean '{near}'?" : "");
}
