namespace ElfLoader.Runtime;

/// <summary>One unit's thread-local storage.</summary>
/// <remarks>
/// Module numbers have the sign bit, which none of the host's has. Bit 62 tells static storage, whose distance from the
/// thread pointer is then in the low half; otherwise the low half is an index into each thread's vector of blocks.
/// </remarks>
internal sealed class TlsModule
{
    private const ulong Ours = 1ul << 63;
    private const ulong Static = 1ul << 62;

    private TlsModule(ulong id, long? tpOffset, ulong size, ulong alignment)
    {
        Id = id;
        TpOffset = tpOffset;
        Size = size;
        Alignment = alignment;
    }

    /// <summary>Module number: the first word that <c>__tls_get_addr</c> takes (DTPMOD64).</summary>
    public ulong Id { get; }

    /// <summary>Distance of the block from every thread's thread pointer; negative. Null if it is not static.</summary>
    public long? TpOffset { get; }

    /// <summary>Bytes of a thread's block.</summary>
    public ulong Size { get; }

    /// <summary>Alignment of a thread's block.</summary>
    public ulong Alignment { get; }

    /// <summary>Whether each thread has its block, with initial values.</summary>
    public bool IsActive { get; set; }

    /// <summary>Whether it was given back.</summary>
    public bool IsReleased { get; set; }

    /// <summary>Index into the threads' vectors, of a module that is not static.</summary>
    public int Index => (int)(uint)Id;

    /// <summary>A module with a block in the arena.</summary>
    public static TlsModule InArena(long tpOffset, ulong size, ulong alignment) =>
        new(Ours | Static | (uint)(int)tpOffset, tpOffset, size, alignment);

    /// <summary>A module whose blocks are allocated for each thread that asks.</summary>
    public static TlsModule Allocated(int index, ulong size, ulong alignment) =>
        new(Ours | (uint)index, null, size, alignment);
}
