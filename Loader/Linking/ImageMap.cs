using System.Buffers.Binary;
using ElfLoader.Elf;
using ElfLoader.Relocations;

namespace ElfLoader.Linking;

/// <summary>Lists what lies where in an image.</summary>
internal sealed class ImageMap
{
    private readonly ImageMachine _machine;
    private readonly SymbolResolution _resolution;
    private readonly StubTable _stubs;
    private readonly BranchStubs _branches;
    private readonly ImageMemory _memory;

    internal ImageMap(
        ImageMachine machine, SymbolResolution resolution, StubTable stubs, BranchStubs branches, ImageMemory memory)
    {
        _branches = branches;
        _machine = machine;
        _resolution = resolution;
        _stubs = stubs;
        _memory = memory;
    }

    /// <summary>The input sections.</summary>
    internal static List<ImageSection> Sections(IEnumerable<LinkObject> order)
    {
        List<ImageSection> sections = [];
        foreach (LinkObject file in order)
        {
            for (int i = 1; i < file.Sections.Length; i++)
            {
                if (file.IsKept(i))
                {
                    SectionHeader header = file.Elf.Sections[i];
                    sections.Add(new ImageSection(
                        file.Elf.Name,
                        file.Elf.SectionNameText(i),
                        i,
                        file.Sections[i].SymbolBase,
                        header.Size,
                        Letters(header.Flags)));
                }
            }
        }

        return sections;
    }

    /// <summary>The stubs.</summary>
    internal List<ImageStub> Stubs()
    {
        List<ImageStub> stubs = [];
        StubShape shape = _machine.Rules.Architecture.Stub;
        foreach (ref readonly Stub stub in _stubs.All)
        {
            string symbol = stub.Object >= 0
                ? _resolution.Objects[stub.Object].DescribeSymbol(stub.Symbol)
                : _resolution.Symbols.Text(stub.Symbol);
            int file = stub.Object >= 0 ? stub.Object : _resolution.Symbols[stub.Symbol].NameObject;
            stubs.Add(new ImageStub(
                symbol, _resolution.Objects[file].Elf.Name, "iplt", stub.Address, shape.Size, stub.Resolver));
        }

        foreach (BranchStub stub in _branches.All)
        {
            stubs.Add(stub.Describe());
        }

        return stubs;
    }

    /// <summary>The slots.</summary>
    internal List<ImageGotSlot> Got(IEnumerable<LinkObject> order)
    {
        List<ImageGotSlot> slots = [];
        foreach (LinkObject file in order)
        {
            foreach (GotEntry entry in file.Got.Entries)
            {
                Span<byte> word = _memory.Writable(file.Got.Block, (ulong)entry.Offset, _machine.WordSize);
                slots.Add(new ImageGotSlot(
                    entry.Symbol is 0 ? "" : file.DescribeSymbol(entry.Symbol),
                    file.Elf.Name,
                    NameOf(entry.Kind),
                    file.Got.Address + (ulong)entry.Offset,
                    _machine.Is64Bit
                        ? BinaryPrimitives.ReadUInt64LittleEndian(word)
                        : BinaryPrimitives.ReadUInt32LittleEndian(word)));
            }
        }

        return slots;
    }

    /// <summary>The tables that have the slots.</summary>
    internal static List<ImageGotTable> GotTables(IEnumerable<LinkObject> order) =>
        [.. order.Where(file => file.Got.IsUsed).Select(file => new ImageGotTable(file.Elf.Name, file.Got.Address))];

    /// <summary>The sections that are not in memory.</summary>
    internal static List<ImageFileSection> FileSections(IEnumerable<ImageOutput> outputs)
    {
        List<ImageFileSection> sections = [];
        foreach (ImageOutput output in outputs.Where(output => output.Zone is ImageZone.File))
        {
            foreach (ImagePiece piece in output.Pieces)
            {
                if (piece is { File: { } file, Bytes: { } bytes })
                {
                    sections.Add(new ImageFileSection(
                        file.Elf.Name, file.Elf.SectionNameText(piece.Section), piece.Section, bytes));
                }
            }
        }

        return sections;
    }

    /// <summary>The segments.</summary>
    internal static List<ImageSegment> Segments(IReadOnlyList<ImageLoad> loads) =>
        [.. loads.Select(load => new ImageSegment(
            load.Start, load.End - load.Start, load.FileOffset, load.FileEnd - load.Start, ProgramHeaders.Letters(load.Flags)))];

    internal static string NameOf(GotSlot kind) => kind switch
    {
        GotSlot.TpOffset => "tpoff",
        GotSlot.TlsIndex => "tlsgd",
        GotSlot.TlsModule => "tlsld",
        GotSlot.TlsDescriptor => "tlsdesc",
        _ => "address",
    };

    /// <summary>Flags as readelf prints them.</summary>
    internal static string Letters(ulong flags)
    {
        string letters = "";
        foreach ((ulong flag, char letter) in (ReadOnlySpan<(ulong, char)>)[
            (ElfConstants.SHF_WRITE, 'W'), (ElfConstants.SHF_ALLOC, 'A'), (ElfConstants.SHF_EXECINSTR, 'X'),
            (ElfConstants.SHF_MERGE, 'M'), (ElfConstants.SHF_STRINGS, 'S'), (ElfConstants.SHF_LINK_ORDER, 'L'),
            (ElfConstants.SHF_GROUP, 'G'), (ElfConstants.SHF_TLS, 'T')])
        {
            letters += (flags & flag) != 0 ? letter : "";
        }

        return letters;
    }
}
