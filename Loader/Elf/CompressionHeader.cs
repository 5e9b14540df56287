namespace ElfLoader.Elf;

/// <summary>What stands before the bytes of a compressed section (gABI chapter 4, "Section Compression").</summary>
/// <param name="Type">ch_type, one of <c>ELFCOMPRESS_…</c>.</param>
/// <param name="Size">Bytes once decompressed, as the object claims.</param>
/// <param name="Alignment">Alignment once decompressed, in bytes; 0 and 1 both mean none.</param>
public readonly record struct CompressionHeader(uint Type, ulong Size, ulong Alignment)
{
    /// <summary>Reads the header, <see cref="IElfClass.CompressionHeaderSize"/> bytes long.</summary>
    internal static CompressionHeader Read<TClass>(ReadOnlySpan<byte> header)
        where TClass : IElfClass
    {
        // ELFCLASS64 has a reserved word after the type: both classes' other fields stand at their own size.
        FieldReader fields = new(header[TClass.WordSize..]);
        return new CompressionHeader(
            new FieldReader(header).U32(),
            TClass.ReadWord(ref fields),
            TClass.ReadWord(ref fields));
    }
}
