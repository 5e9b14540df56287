namespace ElfLoader.Memory;

/// <summary>What one load needs of one zone.</summary>
/// <param name="Size">Bytes; 0 for nothing.</param>
/// <param name="Alignment">Power of two, of the address; 0 means 1.</param>
public readonly record struct ZoneRequest(ulong Size, ulong Alignment);

/// <summary>What one load needs of every zone.</summary>
/// <param name="Code">Executable bytes.</param>
/// <param name="ReadOnly">Constant bytes.</param>
/// <param name="Relro">Bytes that are relocated or written by the loader only.</param>
/// <param name="Data">Writable bytes.</param>
public readonly record struct MemoryRequest(ZoneRequest Code, ZoneRequest ReadOnly, ZoneRequest Relro, ZoneRequest Data)
{
    /// <summary>Number of zones.</summary>
    internal const int Zones = 4;

    /// <summary>The part of one zone.</summary>
    public ZoneRequest this[MemoryZone zone] => zone switch
    {
        MemoryZone.Code => Code,
        MemoryZone.ReadOnly => ReadOnly,
        MemoryZone.Relro => Relro,
        MemoryZone.Data => Data,
        _ => throw new ArgumentOutOfRangeException(nameof(zone)),
    };

    /// <summary>Checks that alignments are powers of two and that no sum of sizes can overflow.</summary>
    /// <exception cref="ArgumentException">An alignment is not a power of two.</exception>
    /// <exception cref="MemoryException">A size or alignment is beyond any address space.</exception>
    internal void Validate()
    {
        for (MemoryZone zone = 0; zone <= MemoryZone.Data; zone++)
        {
            (ulong size, ulong alignment) = this[zone];
            if ((alignment & (alignment - 1)) != 0 && alignment != 0)
            {
                throw new ArgumentException($"Alignment 0x{alignment:x} of {zone} is not a power of two.");
            }

            if (size > Layout.AddressSpace || alignment > Layout.AddressSpace)
            {
                throw new MemoryException(
                    $"{CountText.Of(size, "byte", "N0")} aligned to 0x{alignment:x} ({zone}) exceed the address space of this process.");
            }
        }
    }
}
