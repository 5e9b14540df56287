using System.Text;

namespace ElfLoader.Benchmarks.Inputs;

/// <summary>Writes object files for x86-64 (System V ABI, "Object Files"), large ones quickly.</summary>
internal sealed class ObjectWriter
{
    /// <summary><c>R_X86_64_64</c>.</summary>
    public const uint R_X86_64_64 = 1;

    /// <summary><c>R_X86_64_PC32</c>.</summary>
    public const uint R_X86_64_PC32 = 2;

    /// <summary><c>R_X86_64_PLT32</c>.</summary>
    public const uint R_X86_64_PLT32 = 4;

    private const uint Contents = 1; // SHT_PROGBITS
    private const uint SymbolTable = 2; // SHT_SYMTAB
    private const uint Strings = 3; // SHT_STRTAB
    private const uint Relocations = 4; // SHT_RELA
    private const ulong LinksToSection = 0x40; // SHF_INFO_LINK
    private const int HeaderSize = 64;

    private readonly List<Section> _sections = [new Section("", 0, 0, [], 0)];
    private readonly List<(string Name, byte Info, int Section, ulong Value, ulong Size)> _symbols = [("", 0, 0, 0, 0)];
    private int _locals = 1;

    /// <summary>Flags of code: <c>SHF_ALLOC</c> and <c>SHF_EXECINSTR</c>.</summary>
    public const ulong Code = 6;

    /// <summary>Flags of data: <c>SHF_WRITE</c> and <c>SHF_ALLOC</c>.</summary>
    public const ulong Data = 3;

    /// <summary>Flags of constants: <c>SHF_ALLOC</c>.</summary>
    public const ulong ReadOnly = 2;

    /// <summary>Adds a section with contents; gives its index.</summary>
    public int AddSection(string name, ulong flags, byte[] bytes, ulong alignment)
    {
        _sections.Add(new Section(name, Contents, flags, bytes, alignment));
        return _sections.Count - 1;
    }

    /// <summary>Adds the symbol that stands for a section; all of them before the first other symbol.</summary>
    public int AddSectionSymbol(int section)
    {
        _symbols.Add(("", 3, section, 0, 0)); // STB_LOCAL, STT_SECTION
        _locals = _symbols.Count;
        return _locals - 1;
    }

    /// <summary>Adds a function that others see.</summary>
    public int AddFunction(string name, int section, ulong value, ulong size)
    {
        _symbols.Add((name, 0x12, section, value, size)); // STB_GLOBAL, STT_FUNC
        return _symbols.Count - 1;
    }

    /// <summary>Adds a reference to something in another object.</summary>
    public int AddUndefined(string name)
    {
        _symbols.Add((name, 0x10, 0, 0, 0)); // STB_GLOBAL, STT_NOTYPE
        return _symbols.Count - 1;
    }

    /// <summary>Adds a relocation.</summary>
    public void Relocate(int section, ulong offset, uint type, int symbol, long addend)
    {
        BinaryWriter entries = _sections[section].Relocations ??= new BinaryWriter(new MemoryStream());
        entries.Write(offset);
        entries.Write(((ulong)symbol << 32) | type);
        entries.Write(addend);
    }

    /// <summary>Writes the file.</summary>
    public byte[] Write()
    {
        int symbolTable = _sections.Count + _sections.Count(section => section.Relocations is not null);
        List<(Section Section, uint Link, uint Info, ulong EntrySize)> all =
            [.. _sections.Select(section => (section, 0u, 0u, 0ul))];
        for (int i = 0; i < _sections.Count; i++)
        {
            if (_sections[i].Relocations is { } entries)
            {
                byte[] bytes = ((MemoryStream)entries.BaseStream).ToArray();
                var section = new Section($".rela{_sections[i].Name}", Relocations, LinksToSection, bytes, 8);
                all.Add((section, (uint)symbolTable, (uint)i, 24));
            }
        }

        (byte[] symbols, byte[] names) = WriteSymbols();
        all.Add((new Section(".symtab", SymbolTable, 0, symbols, 8), (uint)symbolTable + 1, (uint)_locals, 24));
        all.Add((new Section(".strtab", Strings, 0, names, 1), 0, 0, 0));
        var sectionNames = new StringsWriter();
        uint[] nameOffsets = [.. all.Select(entry => sectionNames.Add(entry.Section.Name)), sectionNames.Add(".shstrtab")];
        all.Add((new Section(".shstrtab", Strings, 0, sectionNames.ToArray(), 1), 0, 0, 0));
        return WriteFile(all, nameOffsets);
    }

    private static byte[] WriteFile(List<(Section Section, uint Link, uint Info, ulong EntrySize)> all, uint[] names)
    {
        using var file = new MemoryStream();
        using var writer = new BinaryWriter(file);
        writer.Write(new byte[HeaderSize]);
        ulong[] offsets = new ulong[all.Count];
        for (int i = 1; i < all.Count; i++)
        {
            Align(writer, all[i].Section.Alignment);
            offsets[i] = (ulong)file.Position;
            writer.Write(all[i].Section.Bytes);
        }

        Align(writer, 8);
        ulong headers = (ulong)file.Position;
        for (int i = 0; i < all.Count; i++)
        {
            (Section section, uint link, uint info, ulong entrySize) = all[i];
            writer.Write(names[i]);
            writer.Write(section.Type);
            writer.Write(section.Flags);
            writer.Write(0ul);
            writer.Write(offsets[i]);
            writer.Write((ulong)section.Bytes.Length);
            writer.Write(link);
            writer.Write(info);
            writer.Write(section.Alignment);
            writer.Write(entrySize);
        }

        file.Position = 0;
        writer.Write([0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        writer.Write((ushort)1); // ET_REL
        writer.Write((ushort)62); // EM_X86_64
        writer.Write(1u);
        writer.Write(0ul);
        writer.Write(0ul);
        writer.Write(headers);
        writer.Write(0u);
        writer.Write((ushort)HeaderSize);
        writer.Write((ushort)0);
        writer.Write((ushort)0);
        writer.Write((ushort)64);
        writer.Write(checked((ushort)all.Count));
        writer.Write((ushort)(all.Count - 1));
        return file.ToArray();
    }

    private static void Align(BinaryWriter writer, ulong alignment)
    {
        while (alignment > 1 && (ulong)writer.BaseStream.Position % alignment is not 0)
        {
            writer.Write((byte)0);
        }
    }

    private (byte[] Symbols, byte[] Names) WriteSymbols()
    {
        var names = new StringsWriter();
        using var table = new MemoryStream();
        using var writer = new BinaryWriter(table);
        foreach ((string name, byte info, int section, ulong value, ulong size) in _symbols)
        {
            writer.Write(names.Add(name));
            writer.Write(info);
            writer.Write((byte)0);
            writer.Write((ushort)section);
            writer.Write(value);
            writer.Write(size);
        }

        return (table.ToArray(), names.ToArray());
    }

    private sealed record Section(string Name, uint Type, ulong Flags, byte[] Bytes, ulong Alignment)
    {
        public BinaryWriter? Relocations { get; set; }
    }

    private sealed class StringsWriter
    {
        private readonly List<byte> _bytes = [0];

        public uint Add(string text)
        {
            if (text is "")
            {
                return 0;
            }

            uint offset = (uint)_bytes.Count;
            _bytes.AddRange(Encoding.UTF8.GetBytes(text));
            _bytes.Add(0);
            return offset;
        }

        public byte[] ToArray() => [.. _bytes];
    }
}
