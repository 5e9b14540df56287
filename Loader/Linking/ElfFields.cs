using System.Buffers;
using System.Buffers.Binary;
using ElfLoader.Elf;

namespace ElfLoader.Linking;

/// <summary>Writes the little-endian structures of an ELF file of either class.</summary>
internal sealed class ElfFields
{
    private readonly bool _is64Bit;
    private readonly ArrayBufferWriter<byte> _bytes = new();

    internal ElfFields(bool is64Bit) => _is64Bit = is64Bit;

    internal void Bytes(ReadOnlySpan<byte> bytes) => _bytes.Write(bytes);

    internal void U16(ushort value)
    {
        Span<byte> field = stackalloc byte[sizeof(ushort)];
        BinaryPrimitives.WriteUInt16LittleEndian(field, value);
        _bytes.Write(field);
    }

    internal void U32(uint value)
    {
        Span<byte> field = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(field, value);
        _bytes.Write(field);
    }

    /// <summary>A word that has grown with the class.</summary>
    internal void Word(ulong value)
    {
        if (!_is64Bit)
        {
            U32((uint)value);
            return;
        }

        Span<byte> field = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(field, value);
        _bytes.Write(field);
    }

    internal void ProgramHeader(in ProgramHeader header)
    {
        U32(header.Type);
        if (_is64Bit)
        {
            U32(header.Flags);
        }

        Word(header.Offset);
        Word(header.Address);
        Word(header.Address);
        Word(header.FileSize);
        Word(header.MemorySize);
        if (!_is64Bit)
        {
            U32(header.Flags);
        }

        Word(header.Alignment);
    }

    internal void SectionHeader(uint name, in SectionHeader header)
    {
        U32(name);
        U32(header.Type);
        Word(header.Flags);
        Word(header.Address);
        Word(header.Offset);
        Word(header.Size);
        U32(header.Link);
        U32(header.Info);
        Word(header.Alignment);
        Word(header.EntrySize);
    }

    internal byte[] ToArray() => _bytes.WrittenSpan.ToArray();
}
