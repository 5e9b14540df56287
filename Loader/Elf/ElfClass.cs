using System.Buffers.Binary;

namespace ElfLoader.Elf;

/// <summary>
/// What ELFCLASS32 and ELFCLASS64 do differently. Readers take the class as a type argument, so each is written
/// once and compiled twice.
/// </summary>
internal interface IElfClass
{
    /// <summary>The value of EI_CLASS.</summary>
    static abstract byte Ident { get; }

    /// <summary>Bytes in an Elf_Addr, Elf_Off, or one of the words that grew with the class.</summary>
    static abstract int WordSize { get; }

    /// <summary>Bytes in the file header.</summary>
    static abstract int FileHeaderSize { get; }

    /// <summary>Bytes in a program header.</summary>
    static abstract int ProgramHeaderSize { get; }

    /// <summary>Bytes in a section header.</summary>
    static abstract int SectionHeaderSize { get; }

    /// <summary>Bytes in a symbol.</summary>
    static abstract int SymbolSize { get; }

    /// <summary>Bytes in a compression header.</summary>
    static abstract int CompressionHeaderSize { get; }

    /// <summary>Reads a word, <see cref="WordSize"/> bytes long.</summary>
    static abstract ulong ReadWord(ref FieldReader fields);

    /// <summary>Reads a word at the start of a span.</summary>
    static abstract ulong Word(ReadOnlySpan<byte> bytes);

    /// <summary>Reads a signed word at the start of a span.</summary>
    static abstract long SignedWord(ReadOnlySpan<byte> bytes);

    /// <summary>Cuts a number to the width of a word, as sums of addresses are.</summary>
    static abstract ulong Truncate(ulong value);

    /// <summary>Cuts a number to the width of a word and takes it as signed.</summary>
    static abstract long SignExtend(ulong value);

    /// <summary>Reads a symbol, whose fields are the same for both classes but in another order.</summary>
    static abstract RawSymbol ReadSymbol(ReadOnlySpan<byte> symbol);

    /// <summary>The symbol index of an r_info.</summary>
    static abstract uint SymbolOf(ulong info);

    /// <summary>The relocation type of an r_info.</summary>
    static abstract uint TypeOf(ulong info);
}

/// <summary>ELFCLASS32.</summary>
internal readonly struct Elf32 : IElfClass
{
    /// <inheritdoc/>
    public static byte Ident => ElfConstants.ELFCLASS32;

    /// <inheritdoc/>
    public static int WordSize => sizeof(uint);

    /// <inheritdoc/>
    public static int FileHeaderSize => 52;

    /// <inheritdoc/>
    public static int ProgramHeaderSize => 32;

    /// <inheritdoc/>
    public static int SectionHeaderSize => 40;

    /// <inheritdoc/>
    public static int SymbolSize => 16;

    /// <inheritdoc/>
    public static int CompressionHeaderSize => 12;

    /// <inheritdoc/>
    public static ulong ReadWord(ref FieldReader fields) => fields.U32();

    /// <inheritdoc/>
    public static ulong Word(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt32LittleEndian(bytes);

    /// <inheritdoc/>
    public static long SignedWord(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadInt32LittleEndian(bytes);

    /// <inheritdoc/>
    public static ulong Truncate(ulong value) => (uint)value;

    /// <inheritdoc/>
    public static long SignExtend(ulong value) => (int)value;

    /// <inheritdoc/>
    public static RawSymbol ReadSymbol(ReadOnlySpan<byte> symbol) => new(
        Name: BinaryPrimitives.ReadUInt32LittleEndian(symbol),
        Value: BinaryPrimitives.ReadUInt32LittleEndian(symbol[4..]),
        Size: BinaryPrimitives.ReadUInt32LittleEndian(symbol[8..]),
        Info: symbol[12],
        Other: symbol[13],
        Section: BinaryPrimitives.ReadUInt16LittleEndian(symbol[14..]));

    /// <inheritdoc/>
    public static uint SymbolOf(ulong info) => (uint)info >> 8;

    /// <inheritdoc/>
    public static uint TypeOf(ulong info) => (byte)info;
}

/// <summary>ELFCLASS64.</summary>
internal readonly struct Elf64 : IElfClass
{
    /// <inheritdoc/>
    public static byte Ident => ElfConstants.ELFCLASS64;

    /// <inheritdoc/>
    public static int WordSize => sizeof(ulong);

    /// <inheritdoc/>
    public static int FileHeaderSize => 64;

    /// <inheritdoc/>
    public static int ProgramHeaderSize => 56;

    /// <inheritdoc/>
    public static int SectionHeaderSize => 64;

    /// <inheritdoc/>
    public static int SymbolSize => 24;

    /// <inheritdoc/>
    public static int CompressionHeaderSize => 24;

    /// <inheritdoc/>
    public static ulong ReadWord(ref FieldReader fields) => fields.U64();

    /// <inheritdoc/>
    public static ulong Word(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt64LittleEndian(bytes);

    /// <inheritdoc/>
    public static long SignedWord(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadInt64LittleEndian(bytes);

    /// <inheritdoc/>
    public static ulong Truncate(ulong value) => value;

    /// <inheritdoc/>
    public static long SignExtend(ulong value) => (long)value;

    /// <inheritdoc/>
    public static RawSymbol ReadSymbol(ReadOnlySpan<byte> symbol) => new(
        Name: BinaryPrimitives.ReadUInt32LittleEndian(symbol),
        Info: symbol[4],
        Other: symbol[5],
        Section: BinaryPrimitives.ReadUInt16LittleEndian(symbol[6..]),
        Value: BinaryPrimitives.ReadUInt64LittleEndian(symbol[8..]),
        Size: BinaryPrimitives.ReadUInt64LittleEndian(symbol[16..]));

    /// <inheritdoc/>
    public static uint SymbolOf(ulong info) => (uint)(info >> 32);

    /// <inheritdoc/>
    public static uint TypeOf(ulong info) => (uint)info;
}
