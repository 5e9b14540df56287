namespace ElfLoader.Elf;

/// <summary>
/// A section header, widened to 64 bits (gABI chapter 4, "Section Header"): field by field an Elf64_Shdr, as which it is read in place.
/// </summary>
/// <param name="Name">Offset of the name in the section name string table, in bytes.</param>
/// <param name="Type">sh_type, one of <c>SHT_…</c>.</param>
/// <param name="Flags">sh_flags, a sum of <c>SHF_…</c>.</param>
/// <param name="Address">sh_addr; zero in a relocatable object.</param>
/// <param name="Offset">Bytes from the start of the file; meaningless for SHT_NOBITS.</param>
/// <param name="Size">Bytes in memory; bytes in the file unless SHT_NOBITS.</param>
/// <param name="Link">Index of another section; which, depends on the type.</param>
/// <param name="Info">Section index or count; which, depends on the type.</param>
/// <param name="Alignment">sh_addralign: zero or a power of two, in bytes; 0 and 1 both mean none.</param>
/// <param name="EntrySize">Bytes per entry of a table; else zero.</param>
public readonly record struct SectionHeader(
    uint Name, uint Type, ulong Flags, ulong Address, ulong Offset, ulong Size,
    uint Link, uint Info, ulong Alignment, ulong EntrySize)
{
    /// <summary>Whether the section has no bytes in the file: SHT_NOBITS and SHT_NULL.</summary>
    public bool HasNoBytes => Type is ElfConstants.SHT_NOBITS or ElfConstants.SHT_NULL;

    /// <summary>Whether a flag is set.</summary>
    /// <param name="flag">One of <c>SHF_…</c>.</param>
    public bool Has(ulong flag) => (Flags & flag) != 0;

    /// <summary>Reads one header, <see cref="IElfClass.SectionHeaderSize"/> bytes long.</summary>
    internal static SectionHeader Read<TClass>(ReadOnlySpan<byte> header)
        where TClass : IElfClass
    {
        FieldReader fields = new(header);
        return new SectionHeader(
            Name: fields.U32(),
            Type: fields.U32(),
            Flags: TClass.ReadWord(ref fields),
            Address: TClass.ReadWord(ref fields),
            Offset: TClass.ReadWord(ref fields),
            Size: TClass.ReadWord(ref fields),
            Link: fields.U32(),
            Info: fields.U32(),
            Alignment: TClass.ReadWord(ref fields),
            EntrySize: TClass.ReadWord(ref fields));
    }
}
