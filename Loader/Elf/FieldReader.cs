using System.Buffers.Binary;

namespace ElfLoader.Elf;

/// <summary>Reads the little-endian fields of one ELF structure in file order.</summary>
/// <remarks>
/// The span is at least one structure long, cut by <see cref="ElfImage.Slice"/>, so reads cannot fail.
/// </remarks>
internal ref struct FieldReader(ReadOnlySpan<byte> structure)
{
    private ReadOnlySpan<byte> _rest = structure;

    /// <summary>Elf_Half.</summary>
    public ushort U16() => BinaryPrimitives.ReadUInt16LittleEndian(Take(sizeof(ushort)));

    /// <summary>Elf_Word.</summary>
    public uint U32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(sizeof(uint)));

    /// <summary>Elf64_Xword.</summary>
    public ulong U64() => BinaryPrimitives.ReadUInt64LittleEndian(Take(sizeof(ulong)));

    private ReadOnlySpan<byte> Take(int count)
    {
        ReadOnlySpan<byte> taken = _rest[..count];
        _rest = _rest[count..];
        return taken;
    }
}
