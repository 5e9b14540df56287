using System.Buffers.Binary;
using System.Text;
using ElfLoader.Elf;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Tests.Support;

/// <summary>
/// Builds relocatable objects in memory. Indices of sections and symbols are final when they are handed out: add
/// local symbols before global ones. What it wrote correctly can then be made to lie, header by header.
/// </summary>
internal sealed class ElfBuilder
{
    private readonly List<Section> _sections = [new("", default, [])];
    private readonly List<RawSymbol> _symbols = [default];
    private readonly List<uint> _largeIndices = [0];
    private readonly List<byte> _symbolNames = [0];
    private readonly Dictionary<(int Target, RelocationFormat Format), int> _relocationSections = [];
    private readonly Dictionary<int, List<RelocationRecord>> _relocations = [];
    private readonly List<(int Section, Func<SectionHeader, SectionHeader> Change)> _lies = [];
    private Func<FileHeader, FileHeader> _headerLie = header => header;
    private int? _firstGlobal;

    public ElfBuilder(bool is64Bit = true, ushort machine = EM_X86_64)
    {
        Is64Bit = is64Bit;
        Machine = machine;
    }

    public bool Is64Bit { get; }

    public ushort Machine { get; }

    public ushort Type { get; init; } = ET_REL;

    public uint Flags { get; init; }

    /// <summary>Writes the numbers of sections into the null section, as objects with 65,280 sections must.</summary>
    public bool ExtendedNumbering { get; init; }

    /// <summary>Writes all of the symbols' section indices into SHT_SYMTAB_SHNDX.</summary>
    public bool LargeIndices { get; init; }

    /// <summary>Section index that the symbol table will have; known once all other sections were added.</summary>
    public int SymbolTable => _sections.Count;

    private ElfWriter Writer => new(Is64Bit);

    private int Word => Is64Bit ? 8 : 4;

    private int SymbolSize => Is64Bit ? Elf64.SymbolSize : Elf32.SymbolSize;

    private int SectionHeaderSize => Is64Bit ? Elf64.SectionHeaderSize : Elf32.SectionHeaderSize;

    private int FileHeaderSize => Is64Bit ? Elf64.FileHeaderSize : Elf32.FileHeaderSize;

    /// <summary>Adds a section and returns its index.</summary>
    public int AddSection(
        string name,
        uint type = SHT_PROGBITS,
        ulong flags = SHF_ALLOC,
        byte[]? bytes = null,
        ulong alignment = 1,
        ulong? size = null,
        uint link = 0,
        uint info = 0,
        ulong entrySize = 0)
    {
        bytes ??= [];
        _sections.Add(new Section(name, new SectionHeader(
            0, type, flags, 0, 0, size ?? (ulong)bytes.Length, link, info, alignment, entrySize), bytes));
        return _sections.Count - 1;
    }

    /// <summary>Adds a section of code.</summary>
    public int AddCode(string name, params byte[] bytes) =>
        AddSection(name, SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, bytes, alignment: 16);

    /// <summary>Adds a symbol and returns its index; section may be a section index or one of SHN_….</summary>
    public int AddSymbol(
        string name,
        int section = SHN_UNDEF,
        ulong value = 0,
        ulong size = 0,
        SymbolBinding binding = SymbolBinding.Global,
        SymbolType type = SymbolType.NoType,
        SymbolVisibility visibility = SymbolVisibility.Default)
    {
        uint nameOffset = 0;
        if (name.Length != 0)
        {
            nameOffset = (uint)_symbolNames.Count;
            _symbolNames.AddRange(Encoding.UTF8.GetBytes(name));
            _symbolNames.Add(0);
        }

        bool isReserved = section is SHN_ABS or SHN_COMMON or SHN_X86_64_LCOMMON;
        bool isLarge = !isReserved && section != 0 && (LargeIndices || section >= SHN_LORESERVE);
        return AddRawSymbol(
            new RawSymbol(
                nameOffset,
                (byte)((byte)binding << 4 | (byte)type),
                (byte)visibility,
                isLarge ? SHN_XINDEX : (ushort)section,
                value,
                size),
            isLarge ? (uint)section : 0);
    }

    /// <summary>Adds a symbol as it will stand in the file, right or wrong.</summary>
    public int AddRawSymbol(RawSymbol symbol, uint largeIndex = 0)
    {
        if (symbol.Info >> 4 != STB_LOCAL)
        {
            _firstGlobal ??= _symbols.Count;
        }

        _symbols.Add(symbol);
        _largeIndices.Add(largeIndex);
        return _symbols.Count - 1;
    }

    /// <summary>Adds a relocation, in the target's section of this format, which is made when first needed.</summary>
    /// <returns>The index of that section.</returns>
    public int AddRelocation(
        int target,
        ulong offset,
        uint type,
        int symbol,
        long addend = 0,
        RelocationFormat format = RelocationFormat.Rela)
    {
        int section = AddRelocationSection(target, format);
        _relocations[section].Add(new RelocationRecord(offset, type, (uint)symbol, addend));
        return section;
    }

    /// <summary>Adds a target's section of relocations, empty, unless there is one; returns its index.</summary>
    public int AddRelocationSection(int target, RelocationFormat format = RelocationFormat.Rela)
    {
        if (!_relocationSections.TryGetValue((target, format), out int section))
        {
            (string prefix, uint type, int entrySize) = format switch
            {
                RelocationFormat.Rel => (".rel", SHT_REL, 2 * Word),
                RelocationFormat.Rela => (".rela", SHT_RELA, 3 * Word),
                _ => (".crel", SHT_CREL_LLVM, 1),
            };
            section = AddSection(
                prefix + _sections[target].Name, type, SHF_INFO_LINK, info: (uint)target, entrySize: (ulong)entrySize);
            _relocationSections.Add((target, format), section);
            _relocations.Add(section, []);
        }

        return section;
    }

    /// <summary>Adds a group and returns its section index.</summary>
    public int AddGroup(int signature, bool isComdat, params int[] members)
    {
        byte[] bytes = new byte[4 * (members.Length + 1)];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, isComdat ? GRP_COMDAT : 0);
        for (int i = 0; i < members.Length; i++)
        {
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(4 * (i + 1)), members[i]);
        }

        return AddSection(".group", SHT_GROUP, flags: 0, bytes, alignment: 4, info: (uint)signature, entrySize: 4);
    }

    /// <summary>Changes the file header after everything was laid out.</summary>
    public ElfBuilder Lie(Func<FileHeader, FileHeader> change)
    {
        _headerLie = change;
        return this;
    }

    /// <summary>Changes a section header after everything was laid out.</summary>
    public ElfBuilder Lie(int section, Func<SectionHeader, SectionHeader> change)
    {
        _lies.Add((section, change));
        return this;
    }

    /// <summary>
    /// Lays the file out: header, sections in order, then .symtab, .symtab_shndx, .strtab and .shstrtab, then the
    /// section headers.
    /// </summary>
    public byte[] Build()
    {
        List<Section> sections = [.. _sections];
        int symbolTable = sections.Count;
        foreach ((int index, List<RelocationRecord> relocations) in _relocations)
        {
            byte[] bytes = Writer.Relocations(sections[index].Header.Type, relocations);
            sections[index] = sections[index] with
            {
                Bytes = bytes,
                Header = sections[index].Header with { Size = (ulong)bytes.Length },
            };
        }

        for (int i = 0; i < sections.Count; i++)
        {
            if (sections[i].Header.Type is SHT_REL or SHT_RELA or SHT_CREL or SHT_CREL_LLVM or SHT_GROUP)
            {
                sections[i] = sections[i] with { Header = sections[i].Header with { Link = (uint)symbolTable } };
            }
        }

        bool hasLargeIndices = _symbols.Any(symbol => symbol.Section == SHN_XINDEX);
        int strings = symbolTable + (hasLargeIndices ? 2 : 1);
        sections.Add(Table(".symtab", SHT_SYMTAB, Writer.Symbols(_symbols), Word, SymbolSize));
        sections[symbolTable] = sections[symbolTable] with
        {
            Header = sections[symbolTable].Header with
            {
                Link = (uint)strings,
                Info = (uint)(_firstGlobal ?? _symbols.Count),
            },
        };
        if (hasLargeIndices)
        {
            Section indices = Table(".symtab_shndx", SHT_SYMTAB_SHNDX, ElfWriter.LargeIndices(_largeIndices), 4, 4);
            sections.Add(indices with { Header = indices.Header with { Link = (uint)symbolTable } });
        }

        sections.Add(Table(".strtab", SHT_STRTAB, [.. _symbolNames], 1, 0));
        return Assemble(sections);
    }

    private static Section Table(string name, uint type, byte[] bytes, int alignment, int entrySize) => new(
        name,
        new SectionHeader(0, type, 0, 0, 0, (ulong)bytes.Length, 0, 0, (ulong)alignment, (ulong)entrySize),
        bytes);

    private byte[] Assemble(List<Section> sections)
    {
        MemoryStream names = new();
        Dictionary<string, uint> offsets = [];
        sections.Add(Table(".shstrtab", SHT_STRTAB, [], 1, 0));
        for (int i = 0; i < sections.Count; i++)
        {
            if (!offsets.TryGetValue(sections[i].Name, out uint offset))
            {
                offset = (uint)names.Length;
                offsets.Add(sections[i].Name, offset);
                names.Write(Encoding.UTF8.GetBytes(sections[i].Name));
                names.WriteByte(0);
            }

            sections[i] = sections[i] with { Header = sections[i].Header with { Name = offset } };
        }

        sections[^1] = sections[^1] with
        {
            Bytes = names.ToArray(),
            Header = sections[^1].Header with { Size = (ulong)names.Length },
        };

        MemoryStream file = new();
        file.Write(new byte[FileHeaderSize]);
        for (int i = 1; i < sections.Count; i++)
        {
            ulong alignment = Math.Clamp(sections[i].Header.Alignment, 1, 64);
            while ((ulong)file.Length % alignment != 0)
            {
                file.WriteByte(0);
            }

            sections[i] = sections[i] with { Header = sections[i].Header with { Offset = (ulong)file.Length } };
            file.Write(sections[i].Bytes);
        }

        while (file.Length % Word != 0)
        {
            file.WriteByte(0);
        }

        bool isExtended = ExtendedNumbering || sections.Count >= SHN_LORESERVE;
        if (isExtended)
        {
            sections[0] = sections[0] with
            {
                Header = new SectionHeader { Size = (ulong)sections.Count, Link = (uint)sections.Count - 1 },
            };
        }

        FileHeader header = _headerLie(new FileHeader(
            Type, Machine, EV_CURRENT, 0, 0, (ulong)file.Length, Flags, (ushort)FileHeaderSize, 0, 0,
            (ushort)SectionHeaderSize,
            isExtended ? (ushort)0 : (ushort)sections.Count,
            isExtended ? SHN_XINDEX : (ushort)(sections.Count - 1)));
        foreach ((int section, Func<SectionHeader, SectionHeader> change) in _lies)
        {
            sections[section] = sections[section] with { Header = change(sections[section].Header) };
        }

        foreach (Section section in sections)
        {
            Writer.SectionHeader(file, section.Header);
        }

        byte[] bytes = file.ToArray();
        MemoryStream start = new(bytes);
        Writer.FileHeader(start, header);
        return bytes;
    }

    private sealed record Section(string Name, SectionHeader Header, byte[] Bytes);
}
