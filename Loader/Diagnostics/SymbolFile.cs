using System.Text;
using ElfLoader.Elf;
using ElfLoader.Elf.Writing;
using ElfLoader.Loading;
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
    private readonly List<Section> _sections = [new("", SHT_NULL, 0, 0, [])];

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
            file._sections.Add(new Section(".eh_frame", SHT_PROGBITS, SHF_ALLOC, unwindAddress, unwind.ToArray()));
        }

        foreach ((string name, byte[] bytes) in debugging)
        {
            file._sections.Add(new Section(name, SHT_PROGBITS, 0, 0, bytes));
        }

        file.AddSymbols(new UnitMap(unit), zones);
        return file.Assemble();
    }

    private void AddZone(MemoryAllocation allocation, MemoryZone zone, string name, ulong flags)
    {
        if (allocation.Size(zone) > 0)
        {
            _sections.Add(new Section(name, SHT_NOBITS, SHF_ALLOC | flags, allocation.Address(zone), [])
            {
                Size = allocation.Size(zone),
            });
        }
    }

    private void AddSymbols(UnitMap map, int zones)
    {
        var symbols = new SymbolTableWriter(is64Bit: true, locals: 0, globals: 0, strings: 0, _sections.Count);
        foreach (ImageSymbol symbol in map.Symbols())
        {
            bool isFunction = symbol.Type is "func" or "ifunc";
            int section = _sections.FindIndex(1, zones - 1, zone => zone.Contains(symbol.Address));
            if (section > 0 && symbol.Type is not "tls" && symbol.Name.Length > 0)
            {
                byte type = isFunction ? STT_FUNC : symbol.Type is "notype" ? STT_NOTYPE : STT_OBJECT;
                byte binding = symbol.Binding switch { "local" => STB_LOCAL, "weak" => STB_WEAK, _ => STB_GLOBAL };
                symbols.Add(
                    Encoding.UTF8.GetBytes(symbol.Name),
                    (byte)((binding << 4) | type),
                    other: 0,
                    (uint)section,
                    symbol.Address,
                    symbol.Size);
            }
        }

        _sections.Add(new Section(".symtab", SHT_SYMTAB, 0, 0, [.. symbols.Locals.Span, .. symbols.Globals.Span])
        {
            Link = (uint)_sections.Count + 1,
            Info = (uint)symbols.LocalCount,
            EntrySize = (ulong)Elf64.SymbolSize,
        });
        _sections.Add(new Section(".strtab", SHT_STRTAB, 0, 0, symbols.Strings.ToArray()));
    }

    private byte[] Assemble()
    {
        var names = new StringTableWriter();
        uint[] nameOffsets = [.. _sections.Select(section => names.Add(section.Name)), names.Add(".shstrtab")];
        _sections.Add(new Section(".shstrtab", SHT_STRTAB, 0, 0, names.ToArray()));
        int[] offsets = new int[_sections.Count];
        int end = Elf64.FileHeaderSize;
        for (int i = 1; i < offsets.Length; i++)
        {
            offsets[i] = end;
            end = checked(end + ((_sections[i].Bytes.Length + 7) & ~7));
        }

        var header = new ElfFields(is64Bit: true);
        header.FileHeader(ELFOSABI_NONE, new FileHeader(
            ET_EXEC,
            HostMachine.Architecture.Machine,
            EV_CURRENT,
            Entry: 0,
            ProgramHeaders: 0,
            SectionHeaders: (ulong)end,
            Flags: 0,
            Size: 0,
            ProgramHeaderSize: 0,
            ProgramHeaderCount: 0,
            SectionHeaderSize: 0,
            SectionCount: (ushort)_sections.Count,
            SectionNames: (ushort)(_sections.Count - 1)));
        var headers = new ElfFields(is64Bit: true);
        for (int i = 0; i < offsets.Length; i++)
        {
            Section section = _sections[i];
            headers.SectionHeader(new SectionHeader(
                nameOffsets[i],
                section.Type,
                section.Flags,
                section.Address,
                (ulong)offsets[i],
                section.Size,
                section.Link,
                section.Info,
                Alignment: i is 0 ? 0UL : 1, // what is mapped has its address already
                section.EntrySize));
        }

        byte[] file = new byte[checked(end + (_sections.Count * Elf64.SectionHeaderSize))];
        header.ToArray().CopyTo(file, 0);
        for (int i = 1; i < offsets.Length; i++)
        {
            _sections[i].Bytes.CopyTo(file, offsets[i]);
        }

        headers.ToArray().CopyTo(file, end);
        return file;
    }

    private sealed record Section(string Name, uint Type, ulong Flags, ulong Address, byte[] Bytes)
    {
        /// <summary>Bytes in memory.</summary>
        internal ulong Size { get; init; } = (ulong)Bytes.Length;

        internal uint Link { get; init; }

        internal uint Info { get; init; }

        internal ulong EntrySize { get; init; }

        internal bool Contains(ulong address) => address - Address < Size;
    }
}
