namespace ElfLoader.Memory;

/// <summary>How code comes to be written without a mapping that is writable and executable.</summary>
public enum MemoryMapping
{
    /// <summary>Two views where the system allows them, else write, then protect.</summary>
    Auto,

    /// <summary>The same pages are mapped twice: one view to write, one to execute.</summary>
    Dual,

    /// <summary>One view: writable until it is sealed, then executable, and never writable again.</summary>
    WriteThenProtect,
}

/// <summary>Choices for <see cref="MemoryPools"/>.</summary>
public sealed record MemoryOptions
{
    /// <summary>How code is mapped.</summary>
    public MemoryMapping Mapping { get; init; } = MemoryMapping.Auto;

    /// <summary>
    /// Bytes of address space that a pool shared by many loads reserves; less is taken where less is free.
    /// </summary>
    public ulong DefaultPoolSize { get; init; } = 1UL << 30;
}
