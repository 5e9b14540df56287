using ElfLoader.Elf;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Tests.Support;

/// <summary>Writes the structures of an ELF file, little-endian, of either class.</summary>
internal readonly struct ElfWriter(bool is64Bit)
{
    public void FileHeader(Stream file, FileHeader header)
    {
        file.Write([0x7f, (byte)'E', (byte)'L', (byte)'F', is64Bit ? ELFCLASS64 : ELFCLASS32, ELFDATA2LSB, EV_CURRENT]);
        file.Write(new byte[9]);
        WriteHalf(file, header.Type);
        WriteHalf(file, header.Machine);
        Write32(file, header.Version);
        WriteWord(file, header.Entry);
        WriteWord(file, header.ProgramHeaders);
        WriteWord(file, header.SectionHeaders);
        Write32(file, header.Flags);
        WriteHalf(file, header.Size);
        WriteHalf(file, header.ProgramHeaderSize);
        WriteHalf(file, header.ProgramHeaderCount);
        WriteHalf(file, header.SectionHeaderSize);
        WriteHalf(file, header.SectionCount);
        WriteHalf(file, header.SectionNames);
    }

    public void SectionHeader(Stream file, SectionHeader header)
    {
        Write32(file, header.Name);
        Write32(file, header.Type);
        WriteWord(file, header.Flags);
        WriteWord(file, header.Address);
        WriteWord(file, header.Offset);
        WriteWord(file, header.Size);
        Write32(file, header.Link);
        Write32(file, header.Info);
        WriteWord(file, header.Alignment);
        WriteWord(file, header.EntrySize);
    }

    public byte[] Symbols(IEnumerable<RawSymbol> symbols)
    {
        MemoryStream table = new();
        foreach (RawSymbol symbol in symbols)
        {
            Write32(table, symbol.Name);
            if (!is64Bit)
            {
                WriteWord(table, symbol.Value);
                WriteWord(table, symbol.Size);
            }

            table.WriteByte(symbol.Info);
            table.WriteByte(symbol.Other);
            WriteHalf(table, symbol.Section);
            if (is64Bit)
            {
                WriteWord(table, symbol.Value);
                WriteWord(table, symbol.Size);
            }
        }

        return table.ToArray();
    }

    public static byte[] LargeIndices(IEnumerable<uint> indices)
    {
        MemoryStream table = new();
        foreach (uint index in indices)
        {
            Write32(table, index);
        }

        return table.ToArray();
    }

    public byte[] Relocations(uint type, List<RelocationRecord> relocations)
    {
        if (type is SHT_CREL or SHT_CREL_LLVM)
        {
            return CrelWriter.Write(relocations, hasAddends: true);
        }

        MemoryStream table = new();
        foreach (RelocationRecord relocation in relocations)
        {
            WriteWord(table, relocation.Offset);
            WriteWord(table, is64Bit
                ? (ulong)relocation.Symbol << 32 | relocation.Type
                : (ulong)relocation.Symbol << 8 | (byte)relocation.Type);
            if (type == SHT_RELA)
            {
                WriteWord(table, (ulong)relocation.Addend);
            }
        }

        return table.ToArray();
    }

    private static void WriteHalf(Stream stream, ushort value) => WriteLittleEndian(stream, value, 2);

    private static void Write32(Stream stream, uint value) => WriteLittleEndian(stream, value, 4);

    private void WriteWord(Stream stream, ulong value) => WriteLittleEndian(stream, value, is64Bit ? 8 : 4);

    private static void WriteLittleEndian(Stream stream, ulong value, int size)
    {
        for (int i = 0; i < size; i++)
        {
            stream.WriteByte((byte)(value >> (8 * i)));
        }
    }
}
