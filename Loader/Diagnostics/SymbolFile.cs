using System.Buffers.Binary;
using System.Text;
using ElfLoader.Linking;
using ElfLoader.Memory;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Diagnostics;

/// <summary>
/// What a debugger reads of a unit: one executable for all of its objects, with its symbols, its unwind tables and its
/// debugging information at their final addresses. The code itself is read from the process.
/// </summary>
/// <remarks>
/// One file for each unit, because every file that is registered costs a debugger time in proportion to those it has.
/// Linked rather than a copy of the objects, so that what other objects' copies prevailed over has no address, and that
/// a debugger need not know the objects' relocations and compressions.
/// </remarks>
internal sealed class SymbolFile
{
    private const int HeaderSize = 64;
    private const int SectionHeaderSize = 64;
    private const int SymbolSize = 24;

    private readonly List<Section> _sections = [new("", SHT_NULL, 0, 0, [], 0)];
    private readonly List<byte> _strings = [0];

    private SymbolFile()
    {
    }

    /// <summary>Makes the file of a unit.</summary>
    /// <param name="unit">The unit; sealed.</param>
    /// <param name="unwind">Its unwind tables; empty if it has none.</param>
    /// <param name="unwindAddress">Where they lie.</param>
    /// <param name="debugging">Debugging information, by section name.</param>
    internal static byte[] Write(
        LoadedUnit unit,
        ReadOnlySpan<byte> unwind,
        ulong unwindAddress,
        IEnumerable<KeyValuePair<string, byte[]>> debugging)
    {
        var file = new SymbolFile();
        MemoryAllocation allocation = unit.Resources.Allocation!;
        file.AddZone(allocation, MemoryZone.Code, ".text", SHF_EXECINSTR);
        file.AddZone(allocation, MemoryZone.ReadOnly, ".rodata", 0);
        file.AddZone(allocation, MemoryZone.Relro, ".data.rel.ro", SHF_WRITE);
        file.AddZone(allocation, MemoryZone.Data, ".data", SHF_WRITE);
        int zones = file._sections.Count;
        if (!unwind.IsEmpty)
        {
            file._sections.Add(
                new Section(".eh_frame", SHT_PROGBITS, SHF_ALLOC, unwindAddress, unwind.ToArray(), (ulong)unwind.Length));
        }

        foreach ((string name, byte[] bytes) in debugging)
        {
            file._sections.Add(new Section(name, SHT_PROGBITS, 0, 0, bytes, (ulong)bytes.Length));
        }

        file.AddSymbols(new LinkMapOfUnit(unit), zones);
        return file.Assemble();
    }

    private void AddZone(MemoryAllocation allocation, MemoryZone zone, string name, ulong flags)
    {
        if (allocation.Size(zone) > 0)
        {
            _sections.Add(new Section(
                name, SHT_NOBITS, SHF_ALLOC | flags, allocation.Address(zone), [], allocation.Size(zone)));
        }
    }

    private void AddSymbols(LinkMapOfUnit map, int zones)
    {
        var locals = new MemoryStream();
        var globals = new MemoryStream();
        locals.Write(new byte[SymbolSize]); // the null symbol
        foreach (ImageSymbol symbol in map.Symbols())
        {
            bool isFunction = symbol.Type is "func" or "ifunc";
            int section = _sections.FindIndex(1, zones - 1, zone => zone.Contains(symbol.Address));
            if (section > 0 && symbol.Type is not "tls" && symbol.Name.Length > 0)
            {
                byte type = isFunction ? STT_FUNC : symbol.Type is "notype" ? STT_NOTYPE : STT_OBJECT;
                bool isLocal = symbol.Binding is "local";
                byte binding = isLocal ? STB_LOCAL : symbol.Binding is "weak" ? STB_WEAK : STB_GLOBAL;
                WriteSymbol(isLocal ? locals : globals, symbol, (byte)((binding << 4) | type), section);
            }
        }

        int firstGlobal = (int)(locals.Length / SymbolSize);
        globals.WriteTo(locals);
        byte[] table = locals.ToArray();
        _sections.Add(new Section(".symtab", SHT_SYMTAB, 0, 0, table, (ulong)table.Length)
        {
            Link = _sections.Count + 1,
            Info = firstGlobal,
            EntrySize = SymbolSize,
        });
        byte[] strings = [.. _strings];
        _sections.Add(new Section(".strtab", SHT_STRTAB, 0, 0, strings, (ulong)strings.Length));
    }

    private void WriteSymbol(MemoryStream table, ImageSymbol symbol, byte info, int section)
    {
        Span<byte> record = stackalloc byte[SymbolSize];
        BinaryPrimitives.WriteUInt32LittleEndian(record, (uint)_strings.Count);
        record[4] = info;
        record[5] = 0;
        BinaryPrimitives.WriteUInt16LittleEndian(record[6..], (ushort)section);
        BinaryPrimitives.WriteUInt64LittleEndian(record[8..], symbol.Address);
        BinaryPrimitives.WriteUInt64LittleEndian(record[16..], symbol.Size);
        table.Write(record);
        _strings.AddRange(Encoding.UTF8.GetBytes(symbol.Name));
        _strings.Add(0);
    }

    private byte[] Assemble()
    {
        var names = new MemoryStream();
        names.WriteByte(0);
        int[] nameOffsets = new int[_sections.Count + 1];
        for (int i = 1; i <= _sections.Count; i++)
        {
            nameOffsets[i] = (int)names.Length;
            names.Write(Encoding.UTF8.GetBytes(i < _sections.Count ? _sections[i].Name : ".shstrtab"));
            names.WriteByte(0);
        }

        byte[] nameBytes = names.ToArray();
        _sections.Add(new Section(".shstrtab", SHT_STRTAB, 0, 0, nameBytes, (ulong)nameBytes.Length));
        int[] offsets = new int[_sections.Count];
        int end = HeaderSize;
        for (int i = 1; i < offsets.Length; i++)
        {
            offsets[i] = end;
            end = checked(end + ((_sections[i].Bytes.Length + 7) & ~7));
        }

        byte[] file = new byte[checked(end + (_sections.Count * SectionHeaderSize))];
        WriteHeader(file, end);
        for (int i = 1; i < offsets.Length; i++)
        {
            _sections[i].Bytes.CopyTo(file, offsets[i]);
            WriteSection(file.AsSpan(end + (i * SectionHeaderSize)), _sections[i], nameOffsets[i], offsets[i]);
        }

        return file;
    }

    private void WriteHeader(Span<byte> header, int sectionHeaders)
    {
        ReadOnlySpan<byte> identification = [0x7f, (byte)'E', (byte)'L', (byte)'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT];
        identification.CopyTo(header);
        BinaryPrimitives.WriteUInt16LittleEndian(header[16..], ET_EXEC);
        BinaryPrimitives.WriteUInt16LittleEndian(header[18..], EM_X86_64);
        BinaryPrimitives.WriteUInt32LittleEndian(header[20..], EV_CURRENT);
        BinaryPrimitives.WriteUInt64LittleEndian(header[40..], (ulong)sectionHeaders);
        BinaryPrimitives.WriteUInt16LittleEndian(header[52..], HeaderSize);
        BinaryPrimitives.WriteUInt16LittleEndian(header[58..], SectionHeaderSize);
        BinaryPrimitives.WriteUInt16LittleEndian(header[60..], (ushort)_sections.Count);
        BinaryPrimitives.WriteUInt16LittleEndian(header[62..], (ushort)(_sections.Count - 1));
    }

    private static void WriteSection(Span<byte> header, Section section, int name, int offset)
    {
        BinaryPrimitives.WriteInt32LittleEndian(header, name);
        BinaryPrimitives.WriteUInt32LittleEndian(header[4..], section.Type);
        BinaryPrimitives.WriteUInt64LittleEndian(header[8..], section.Flags);
        BinaryPrimitives.WriteUInt64LittleEndian(header[16..], section.Address);
        BinaryPrimitives.WriteUInt64LittleEndian(header[24..], (ulong)offset);
        BinaryPrimitives.WriteUInt64LittleEndian(header[32..], section.Size);
        BinaryPrimitives.WriteInt32LittleEndian(header[40..], section.Link);
        BinaryPrimitives.WriteInt32LittleEndian(header[44..], section.Info);
        BinaryPrimitives.WriteUInt64LittleEndian(header[48..], 1); // sh_addralign: what is mapped has its address already
        BinaryPrimitives.WriteUInt64LittleEndian(header[56..], (ulong)section.EntrySize);
    }

    private sealed record Section(string Name, uint Type, ulong Flags, ulong Address, byte[] Bytes, ulong Size)
    {
        internal int Link { get; init; }

        internal int Info { get; init; }

        internal int EntrySize { get; init; }

        internal bool Contains(ulong address) => address - Address < Size;
    }
}
