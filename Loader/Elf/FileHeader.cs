namespace ElfLoader.Elf;

/// <summary>The file header after e_ident (gABI chapter 2, "ELF Header").</summary>
internal readonly record struct FileHeader(
    ushort Type, ushort Machine, uint Version, ulong Entry, ulong ProgramHeaders, ulong SectionHeaders, uint Flags,
    ushort Size, ushort ProgramHeaderSize, ushort ProgramHeaderCount,
    ushort SectionHeaderSize, ushort SectionCount, ushort SectionNames)
{
    /// <summary>Bytes in e_ident, which stands before the fields.</summary>
    public const int IdentSize = 16;

    /// <summary>Reads the header, <see cref="IElfClass.FileHeaderSize"/> bytes long with e_ident.</summary>
    public static FileHeader Read<TClass>(ReadOnlySpan<byte> header)
        where TClass : IElfClass
    {
        FieldReader fields = new(header[IdentSize..]);
        return new FileHeader(
            Type: fields.U16(),
            Machine: fields.U16(),
            Version: fields.U32(),
            Entry: TClass.ReadWord(ref fields),
            ProgramHeaders: TClass.ReadWord(ref fields),
            SectionHeaders: TClass.ReadWord(ref fields),
            Flags: fields.U32(),
            Size: fields.U16(),
            ProgramHeaderSize: fields.U16(),
            ProgramHeaderCount: fields.U16(),
            SectionHeaderSize: fields.U16(),
            SectionCount: fields.U16(),
            SectionNames: fields.U16());
    }
}
