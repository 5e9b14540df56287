namespace ElfLoader.Elf;

/// <summary>
/// What an object may claim. All else that it states is checked against the bytes that are there; these claims have
/// no bytes behind them by nature.
/// </summary>
public sealed record ReadLimits
{
    /// <summary>The limits where none are given.</summary>
    public static ReadLimits Default { get; } = new();

    /// <summary>Bytes that one compressed section may have once decompressed; 1 GiB.</summary>
    public ulong MaximumDecompressedSize { get; init; } = 1UL << 30;

    /// <summary>Bytes that an object's SHT_NOBITS sections and common symbols may have together; 16 GiB.</summary>
    public ulong MaximumZeroFilledSize { get; init; } = 1UL << 34;

    /// <summary>Bytes that an input may have which does not tell its length, a pipe or a device: it may have no end; 1 GiB.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is negative, or more than an array can have.</exception>
    public long MaximumStreamedSize
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, Array.MaxLength);
            field = value;
        }
    } = 1L << 30;

    /// <summary>
    /// Bytes in a name; 256 KiB. Many names may share the end of a long one, so that without a limit a small file
    /// could keep whoever compares them busy for hours.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is negative.</exception>
    public int MaximumNameLength
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            field = value;
        }
    } = 1 << 18;

    /// <summary>Alignment in bytes of a section in memory or of a common symbol; 1 GiB.</summary>
    public ulong MaximumAlignment { get; init; } = 1UL << 30;

    /// <summary>
    /// Whether thin archives and linker scripts may name files outside of the folder that they are in themselves; links that lead
    /// out of it count as outside. Whoever reads files of others may not want these to choose which of his own are read.
    /// </summary>
    public bool AllowsExternalFiles { get; init; } = true;
}
