using System.Buffers;
using System.Buffers.Binary;

namespace ElfLoader.Elf.Writing;

/// <summary>Writes the little-endian structures of an ELF file of either class.</summary>
internal sealed class ElfFields
{
    private readonly bool _is64Bit;
    private readonly ArrayBufferWriter<byte> _bytes = new();

    internal ElfFields(bool is64Bit) => _is64Bit = is64Bit;

    /// <summary>Bytes of a file header.</summary>
    internal int FileHeaderSize => _is64Bit ? Elf64.FileHeaderSize : Elf32.FileHeaderSize;

    /// <summary>Bytes of a program header.</summary>
    internal int ProgramHeaderSize => _is64Bit ? Elf64.ProgramHeaderSize : Elf32.ProgramHeaderSize;

    /// <summary>Bytes of a section header.</summary>
    internal int SectionHeaderSize => _is64Bit ? Elf64.SectionHeaderSize : Elf32.SectionHeaderSize;

    /// <summary>Bytes as they are.</summary>
    internal void Bytes(ReadOnlySpan<byte> bytes) => _bytes.Write(bytes);

    /// <summary>A field of two bytes.</summary>
    internal void U16(ushort value)
    {
        Span<byte> field = stackalloc byte[sizeof(ushort)];
        BinaryPrimitives.WriteUInt16LittleEndian(field, value);
        _bytes.Write(field);
    }

    /// <summary>A field of four bytes.</summary>
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

    /// <summary>A file header; the sizes in it are those of the class.</summary>
    /// <param name="osAbi">EI_OSABI.</param>
    /// <param name="header">The fields.</param>
    internal void FileHeader(byte osAbi, in FileHeader header)
    {
        Bytes(
        [
            0x7f, (byte)'E', (byte)'L', (byte)'F', _is64Bit ? ElfConstants.ELFCLASS64 : ElfConstants.ELFCLASS32,
            ElfConstants.ELFDATA2LSB, ElfConstants.EV_CURRENT, osAbi, 0, 0, 0, 0, 0, 0, 0, 0,
        ]);
        U16(header.Type);
        U16(header.Machine);
        U32(ElfConstants.EV_CURRENT);
        Word(header.Entry);
        Word(header.ProgramHeaders);
        Word(header.SectionHeaders);
        U32(header.Flags);
        U16((ushort)FileHeaderSize);
        U16((ushort)ProgramHeaderSize);
        U16(header.ProgramHeaderCount);
        U16((ushort)SectionHeaderSize);
        U16(header.SectionCount);
        U16(header.SectionNames);
    }

    /// <summary>A program header, whose fields are the same for both classes but in another order.</summary>
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

    /// <summary>A section header.</summary>
    internal void SectionHeader(in SectionHeader header)
    {
        U32(header.Name);
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

    /// <summary>All that was written.</summary>
    internal byte[] ToArray() => _bytes.WrittenSpan.ToArray();
}
