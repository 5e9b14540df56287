namespace ElfLoader.Elf;

/// <summary>
/// The relocations of an SHT_RELA section of an ELFCLASS64 object, by index: the format of x86-64, for loops that
/// must cost no more than reading the fields.
/// </summary>
public readonly ref struct RelaTable
{
    private const int EntrySize = 24;

    private readonly ReadOnlySpan<byte> _entries;

    internal RelaTable(ReadOnlySpan<byte> entries) => _entries = entries;

    /// <summary>Number of relocations.</summary>
    public int Count => _entries.Length / EntrySize;

    /// <summary>The relocation at an index below <see cref="Count"/>.</summary>
    public RelocationRecord this[int index] =>
        RelocationRecord.ReadWithAddend<Elf64>(_entries.Slice(index * EntrySize, EntrySize));
}
