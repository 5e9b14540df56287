namespace ElfLoader.Memory;

/// <summary>Where in the address space a pool lies.</summary>
public enum MemoryPlacement
{
    /// <summary>Anywhere; host libraries are out of reach of a 32-bit displacement.</summary>
    Far,

    /// <summary>
    /// Every byte of the pool is within 2 GiB of every byte of the libraries that were mapped at process start, or of what
    /// else a load is said to reach.
    /// </summary>
    Near,

    /// <summary>Below 2 GiB, where an absolute address fits 32 bits, signed and unsigned.</summary>
    Low,
}
