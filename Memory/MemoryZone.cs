namespace ElfLoader.Memory;

/// <summary>Parts of a pool, in the order of their addresses; the value indexes them.</summary>
public enum MemoryZone
{
    /// <summary>Readable and executable.</summary>
    Code,

    /// <summary>Read-only once sealed.</summary>
    ReadOnly,

    /// <summary>Read-only where code sees it; the loader may go on writing it (GOT slots, call cells).</summary>
    Relro,

    /// <summary>Readable and writable, private to the process.</summary>
    Data,
}
