using ElfLoader.Elf;
using ElfLoader.Elf.Writing;

namespace ElfLoader.Images;

/// <summary>An image as an ELF executable: where everything stands in the file, and the tables that describe it.</summary>
internal sealed class ImageFile
{
    private const int BufferSize = 64 * 1024;

    private readonly ImageMachine _machine;
    private readonly ProgramHeaders _segments;
    private readonly List<ImageOutput> _sections = [];
    private readonly List<uint> _nameOffsets = [0];

    internal ImageFile(ImageMachine machine, ProgramHeaders segments)
    {
        _machine = machine;
        _segments = segments;
    }

    /// <summary><c>e_entry</c>.</summary>
    internal ulong Entry { get; init; }

    /// <summary><c>e_flags</c>.</summary>
    internal uint Flags { get; init; }

    /// <summary>EI_OSABI.</summary>
    internal byte OsAbi { get; init; }

    /// <summary>Bytes of the file.</summary>
    internal ulong Size { get; private set; }

    private int FileHeaderSize => _machine.Is64Bit ? Elf64.FileHeaderSize : Elf32.FileHeaderSize;

    private int SectionHeaderSize => _machine.Is64Bit ? Elf64.SectionHeaderSize : Elf32.SectionHeaderSize;

    private int ProgramHeaderSize => _machine.Is64Bit ? Elf64.ProgramHeaderSize : Elf32.ProgramHeaderSize;

    private ulong SectionHeaders { get; set; }

    private SectionHeader _null;

    /// <summary>Numbers the sections, gives those that are not loaded a place in the file, and writes the tables.</summary>
    /// <param name="outputs">The image's sections.</param>
    /// <param name="symbols">The symbols.</param>
    internal void Build(IReadOnlyList<ImageOutput> outputs, ImageSymbols symbols)
    {
        _sections.AddRange(outputs.Where(output => output.Zone is not ImageZone.File)
            .OrderBy(output => output.Address).ThenBy(output => output.Zone).ThenBy(output => output.TakesAddresses ? 1 : 0));
        _sections.AddRange(outputs.Where(output => output.Zone is ImageZone.File));
        for (int i = 0; i < _sections.Count; i++)
        {
            _sections[i].Index = i + 1;
        }

        if (_sections.Find(section => section.Type is ElfConstants.SHT_ARM_EXIDX) is { } exidx)
        {
            exidx.Flags |= ElfConstants.SHF_LINK_ORDER;
            exidx.Link = (uint)(_sections.Find(section => (section.Flags & ElfConstants.SHF_EXECINSTR) != 0)?.Index ?? 0);
        }

        AddSymbols(symbols.Write(_machine.Is64Bit, _sections.Count));
        AddNames();
        ulong cursor = _segments.FileEnd;
        foreach (ImageOutput section in _sections)
        {
            if (section.Zone is ImageZone.File)
            {
                cursor = AlignUp(cursor, section.Alignment);
                section.FileOffset = cursor;
                cursor += section.Size;
            }
        }

        SectionHeaders = AlignUp(cursor, (ulong)_machine.WordSize);
        Size = SectionHeaders + (ulong)(SectionHeaderSize * (_sections.Count + 1));
        _segments.Header.Pieces[0].Bytes = WriteHeaders();
    }

    /// <summary>Writes the file.</summary>
    internal void Write(Stream stream)
    {
        ulong position = 0;
        byte[] buffer = new byte[BufferSize];
        foreach (ImageOutput section in _sections.Append(_segments.Header).OrderBy(section => section.FileOffset))
        {
            if (section.HasNoBytes || section.Size is 0)
            {
                continue;
            }

            Pad(stream, buffer, section.FileOffset - position);
            byte[] filling = Filling(_machine, section);
            for (ulong offset = 0; offset < section.Size;)
            {
                ReadOnlySpan<byte> part = section.RunAt(offset).Span;
                if (part.Length < BufferSize)
                {
                    Span<byte> together = buffer.AsSpan(0, (int)Math.Min(BufferSize, section.Size - offset));
                    section.Read(offset, together, filling);
                    part = together;
                }

                stream.Write(part);
                offset += (ulong)part.Length;
            }

            position = section.FileOffset + section.Size;
        }

        Pad(stream, buffer, SectionHeaders - position);
        stream.Write(WriteSectionHeaders());
    }

    /// <summary>What fills the gaps of a section: traps, or, between the pieces of one function, nothing to do.</summary>
    internal static byte[] Filling(ImageMachine machine, ImageOutput section) =>
        (section.Flags & ElfConstants.SHF_EXECINSTR) == 0 ? [0]
        : section.Name is ".init" or ".fini" ? machine.Nop
        : [machine.Rules.Architecture.CodePadding];

    private static void Pad(Stream stream, byte[] buffer, ulong count)
    {
        if (count > 0)
        {
            Array.Clear(buffer);
        }

        for (; count > 0; count -= Math.Min(count, BufferSize))
        {
            stream.Write(buffer, 0, (int)Math.Min(count, BufferSize));
        }
    }

    private void AddSymbols(SymbolTableWriter symbols)
    {
        ImageOutput symtab = Add(".symtab", ElfConstants.SHT_SYMTAB, _machine.WordSize, symbols.Locals, symbols.Globals);
        symtab.EntrySize = (ulong)(_machine.Is64Bit ? Elf64.SymbolSize : Elf32.SymbolSize);
        symtab.Info = (uint)symbols.LocalCount;
        symtab.Link = (uint)symtab.Index + 1;
        Add(".strtab", ElfConstants.SHT_STRTAB, 1, symbols.Strings);
        if (symbols.HasSectionIndices)
        {
            ImageOutput indices = Add(
                ".symtab_shndx", ElfConstants.SHT_SYMTAB_SHNDX, sizeof(uint), symbols.LocalSections, symbols.GlobalSections);
            indices.EntrySize = sizeof(uint);
            indices.Link = (uint)symtab.Index;
        }
    }

    private void AddNames()
    {
        var strings = new StringTableWriter();
        foreach (string name in _sections.Select(section => section.Name).Append(".shstrtab"))
        {
            _nameOffsets.Add(strings.Add(name));
        }

        Add(".shstrtab", ElfConstants.SHT_STRTAB, 1, strings.ToArray());
    }

    private ImageOutput Add(string name, uint type, int alignment, params ReadOnlySpan<Memory<byte>> parts)
    {
        var output = new ImageOutput(name, ImageZone.File, type, 0) { Index = _sections.Count + 1 };
        foreach (Memory<byte> part in parts)
        {
            output.Add(new ImagePiece { Size = (ulong)part.Length, Alignment = (ulong)alignment, Bytes = part });
        }

        output.Arrange();
        _sections.Add(output);
        return output;
    }

    /// <summary>The header of section 0, which has the numbers that the file header cannot hold (gABI, "Sections").</summary>
    private SectionHeader NullHeader(int segments) => default(SectionHeader) with
    {
        Size = _sections.Count + 1 >= ElfConstants.SHN_LORESERVE ? (ulong)_sections.Count + 1 : 0,
        Link = _sections.Count >= ElfConstants.SHN_LORESERVE ? (uint)_sections.Count : 0, // that of the names is the last
        Info = segments >= ElfConstants.PN_XNUM ? (uint)segments : 0,
    };

    private byte[] WriteHeaders()
    {
        var fields = new ElfFields(_machine.Is64Bit);
        List<ProgramHeader> headers = _segments.Make((ulong)FileHeaderSize, (ulong)ProgramHeaderSize);
        _null = NullHeader(headers.Count);
        fields.FileHeader(OsAbi, new FileHeader(
            ElfConstants.ET_EXEC,
            _machine.Rules.Architecture.Machine,
            ElfConstants.EV_CURRENT,
            Entry,
            ProgramHeaders: (ulong)FileHeaderSize,
            SectionHeaders: SectionHeaders,
            Flags,
            Size: 0,
            ProgramHeaderSize: 0,
            ProgramHeaderCount: (ushort)Math.Min(headers.Count, ElfConstants.PN_XNUM),
            SectionHeaderSize: 0,
            SectionCount: _null.Size is 0 ? (ushort)(_sections.Count + 1) : (ushort)0,
            SectionNames: _null.Link is 0 ? (ushort)_sections.Count : ElfConstants.SHN_XINDEX));
        foreach (ProgramHeader header in headers)
        {
            fields.ProgramHeader(header);
        }

        byte[] bytes = new byte[_segments.Header.Size];
        fields.ToArray().CopyTo(bytes, 0);
        return bytes;
    }

    private byte[] WriteSectionHeaders()
    {
        var fields = new ElfFields(_machine.Is64Bit);
        fields.SectionHeader(_null);
        for (int i = 0; i < _sections.Count; i++)
        {
            ImageOutput section = _sections[i];
            fields.SectionHeader(new SectionHeader(
                _nameOffsets[i + 1],
                section.Type,
                section.Flags,
                section.Zone is ImageZone.File ? 0 : section.Address,
                section.FileOffset,
                section.Size,
                section.Link,
                section.Info,
                section.Alignment,
                section.EntrySize));
        }

        return fields.ToArray();
    }

    private static ulong AlignUp(ulong value, ulong alignment) => (value + (alignment - 1)) & ~(alignment - 1);
}
