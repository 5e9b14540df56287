using System.Buffers.Binary;
using System.Text;
using ElfLoader.Elf;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Fuzz;

/// <summary>Writes a small relocatable object: sections, symbols, relocations, in the format usual for the machine.</summary>
internal sealed class ObjectWriter(ushort machine)
{
    private readonly List<Section> _sections = [];
    private readonly List<Symbol> _symbols = [];

    private bool Is64 => machine is EM_X86_64;

    private int Word => Is64 ? 8 : 4;

    /// <summary>Adds a section; returns its index.</summary>
    internal int AddSection(string name, uint type, ulong flags, ReadOnlyMemory<byte> bytes, ulong size, ulong alignment)
    {
        _sections.Add(new Section(name, type, flags, bytes, size, alignment, []));
        return _sections.Count;
    }

    /// <summary>Adds a symbol; returns what relocations call it. Local and global ones may come in any order.</summary>
    internal int AddSymbol(string name, byte info, byte other, ushort section, ulong value, ulong size)
    {
        _symbols.Add(new Symbol(name, info, other, section, value, size));
        return _symbols.Count;
    }

    /// <summary>Adds a relocation of a section.</summary>
    internal void AddRelocation(int section, ulong offset, uint type, int symbol, long addend) =>
        _sections[section - 1].Relocations.Add((offset, type, symbol, addend));

    /// <summary>The file.</summary>
    internal byte[] Build()
    {
        int[] order = [.. Enumerable.Range(0, _symbols.Count).OrderBy(i => _symbols[i].Info >> 4 is STB_LOCAL ? 0 : 1)];
        int[] index = new int[_symbols.Count + 1];
        for (int i = 0; i < order.Length; i++)
        {
            index[order[i] + 1] = i + 1;
        }

        using var strings = new MemoryStream();
        strings.WriteByte(0);
        using var file = new MemoryStream();
        file.Write(new byte[Is64 ? 64 : 52]);
        int relocated = _sections.Count(section => section.Relocations.Count > 0);
        int symbolTable = _sections.Count + relocated + 1;
        List<SectionHeader> headers = [default];
        foreach (Section section in _sections)
        {
            Align(file, 16);
            headers.Add(new SectionHeader(
                Intern(strings, section.Name), section.Type, section.Flags, 0, (ulong)file.Length, section.Size, 0, 0, section.Alignment, 0));
            file.Write(section.Bytes.Span);
        }

        for (int i = 0; i < _sections.Count; i++)
        {
            if (_sections[i].Relocations.Count > 0)
            {
                headers.Add(WriteRelocations(file, strings, i, index, symbolTable));
            }
        }

        headers.Add(WriteSymbols(file, strings, order, symbolTable + 1));
        uint name = Intern(strings, ".strtab");
        headers.Add(new SectionHeader(name, SHT_STRTAB, 0, 0, (ulong)file.Length, (ulong)strings.Length, 0, 0, 1, 0));
        file.Write(strings.ToArray());
        Align(file, 8);
        ulong start = (ulong)file.Length;
        foreach (SectionHeader header in headers)
        {
            WriteHeader(file, header);
        }

        byte[] bytes = file.ToArray();
        WriteFileHeader(bytes, start, headers.Count);
        return bytes;
    }

    private SectionHeader WriteRelocations(MemoryStream file, MemoryStream strings, int target, int[] index, int symbolTable)
    {
        Align(file, 8);
        ulong start = (ulong)file.Length;
        foreach ((ulong offset, uint type, int symbol, long addend) in _sections[target].Relocations)
        {
            WriteWord(file, offset);
            WriteWord(file, Is64 ? ((ulong)index[symbol] << 32) | type : ((ulong)index[symbol] << 8) | type);
            if (Is64)
            {
                WriteWord(file, (ulong)addend);
            }
        }

        return new SectionHeader(
            Intern(strings, (Is64 ? ".rela" : ".rel") + _sections[target].Name),
            Is64 ? SHT_RELA : SHT_REL,
            SHF_INFO_LINK,
            0,
            start,
            (ulong)file.Length - start,
            (uint)symbolTable,
            (uint)target + 1,
            (ulong)Word,
            (ulong)(Is64 ? 24 : 8));
    }

    private SectionHeader WriteSymbols(MemoryStream file, MemoryStream strings, int[] order, int stringTable)
    {
        Align(file, 8);
        ulong start = (ulong)file.Length;
        file.Write(new byte[Is64 ? 24 : 16]);
        int locals = 1;
        foreach (int i in order)
        {
            Symbol symbol = _symbols[i];
            locals += symbol.Info >> 4 is STB_LOCAL ? 1 : 0;
            Write32(file, symbol.Name.Length is 0 ? 0 : Intern(strings, symbol.Name));
            if (!Is64)
            {
                WriteWord(file, symbol.Value);
                WriteWord(file, symbol.Size);
            }

            file.Write([symbol.Info, symbol.Other, (byte)symbol.Section, (byte)(symbol.Section >> 8)]);
            if (Is64)
            {
                WriteWord(file, symbol.Value);
                WriteWord(file, symbol.Size);
            }
        }

        return new SectionHeader(
            Intern(strings, ".symtab"), SHT_SYMTAB, 0, 0, start, (ulong)file.Length - start, (uint)stringTable, (uint)locals,
            (ulong)Word, (ulong)(Is64 ? 24 : 16));
    }

    private void WriteHeader(MemoryStream file, in SectionHeader header)
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

    private void WriteFileHeader(byte[] bytes, ulong headers, int count)
    {
        ReadOnlySpan<byte> ident = [0x7f, (byte)'E', (byte)'L', (byte)'F', Is64 ? ELFCLASS64 : ELFCLASS32, ELFDATA2LSB, EV_CURRENT];
        ident.CopyTo(bytes);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(16), ET_REL);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(18), machine);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(20), EV_CURRENT);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(Is64 ? 40 : 32), (uint)headers);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(Is64 ? 48 : 36), Is64 ? 0 : EF_ARM_EABI_VER5); // e_flags
        ReadOnlySpan<ushort> last = Is64
            ? [64, 0, 0, 64, (ushort)count, (ushort)(count - 1)]
            : [52, 0, 0, 40, (ushort)count, (ushort)(count - 1)];
        for (int i = 0; i < last.Length; i++)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan((Is64 ? 52 : 40) + (2 * i)), last[i]);
        }
    }

    private static uint Intern(MemoryStream strings, string name)
    {
        uint offset = (uint)strings.Length;
        strings.Write(Encoding.UTF8.GetBytes(name));
        strings.WriteByte(0);
        return offset;
    }

    private static void Align(MemoryStream file, int alignment) => file.Write(new byte[-(int)file.Length & (alignment - 1)]);

    private static void Write32(MemoryStream file, uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        file.Write(bytes);
    }

    private void WriteWord(MemoryStream file, ulong value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        file.Write(bytes[..Word]);
    }

    private sealed record Section(
        string Name, uint Type, ulong Flags, ReadOnlyMemory<byte> Bytes, ulong Size, ulong Alignment,
        List<(ulong Offset, uint Type, int Symbol, long Addend)> Relocations);

    private sealed record Symbol(string Name, byte Info, byte Other, ushort Section, ulong Value, ulong Size);
}
