namespace ElfLoader.Elf;

/// <summary>
/// What the relocations of an object's sections in memory have in common. Where it says that they are all harmless, nobody
/// needs to look at each of them before it is applied.
/// </summary>
internal struct RelocationSummary
{
    /// <summary>
    /// How many bytes ahead loops over relocations have them fetched: processors do so by themselves, but not beyond the page,
    /// of which a large object has thousands.
    /// </summary>
    public const int PrefetchDistance = 2048;

    private const int WordSize = 4;
    private const int LongWordSize = 8;
    private const int LastBit = 31;

    /// <summary>The bits of the types that are used in sections whose relocated places may be 8 bytes.</summary>
    public uint TypesOfLongWords { get; private set; }

    /// <summary>The bits of the types that are used in sections whose relocated places may be 4 bytes, but not all 8.</summary>
    public uint TypesOfWords { get; private set; }

    /// <summary>Whether some may have places that are not in their sections, or were not summed up.</summary>
    public bool IsUnknown { get; private set; }

    /// <summary>The bit of a type: from 31 on, all have one.</summary>
    public static uint BitOf(uint type) => 1u << (int)Math.Min(type, LastBit);

    /// <summary>Adds the relocations of a section.</summary>
    /// <param name="target">The section that they are for.</param>
    /// <param name="types">The bits of their types.</param>
    /// <param name="last">The greatest of their offsets.</param>
    public void Add(in SectionHeader target, uint types, ulong last)
    {
        if (!target.Has(ElfConstants.SHF_ALLOC))
        {
            return;
        }

        if (target.Size >= LongWordSize && last <= target.Size - LongWordSize)
        {
            TypesOfLongWords |= types;
        }
        else if (target.Size >= WordSize && last <= target.Size - WordSize)
        {
            TypesOfWords |= types;
        }
        else
        {
            IsUnknown = true;
        }

        IsUnknown |= target.Type is ElfConstants.SHT_NOBITS;
    }

    /// <summary>Adds relocations of which nothing is known.</summary>
    public void AddUnknown() => IsUnknown = true;
}
