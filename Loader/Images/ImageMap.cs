using System.Buffers.Binary;
using ElfLoader.Elf;
using ElfLoader.Linking;
using ElfLoader.Relocations;

namespace ElfLoader.Images;

/// <summary>Lists what lies where in an image: when somebody asks, for most do not.</summary>
internal sealed class ImageMap
{
    /// <summary>Name of <see cref="ImageSections.TlsCall"/>.</summary>
    internal const string TlsCallName = "__tls_descriptor_call";

    private readonly ImageMachine _machine;
    private readonly SymbolResolution _resolution;
    private readonly StubTable _stubs;
    private readonly BranchStubs _branches;
    private readonly ImageLayout _layout;
    private readonly ImageSections _sections;
    private readonly LinkObject[] _order;

    /// <param name="machine">The machine.</param>
    /// <param name="context">What the link's relocations knew.</param>
    /// <param name="order">The objects, in the order of the command line.</param>
    /// <param name="branches">The stubs of branches.</param>
    /// <param name="layout">The addresses.</param>
    /// <param name="sections">The sections.</param>
    internal ImageMap(
        ImageMachine machine,
        RelocationContext context,
        LinkObject[] order,
        BranchStubs branches,
        ImageLayout layout,
        ImageSections sections)
    {
        _machine = machine;
        _resolution = context.Resolution;
        _stubs = context.Stubs;
        _branches = branches;
        _layout = layout;
        _sections = sections;
        _order = order;
    }

    /// <summary>The input sections.</summary>
    internal ImageSection[] Sections()
    {
        List<ImageSection> sections = [];
        foreach (LinkObject file in _order)
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
                        file.SymbolBase(i),
                        header.Size,
                        Letters(header.Flags)));
                }
            }
        }

        return [.. sections];
    }

    /// <summary>The symbols: local ones, then global ones.</summary>
    internal ImageSymbol[] Symbols()
    {
        List<ImageSymbol> symbols = [];
        foreach (LinkObject file in _order)
        {
            for (int i = 1; i < file.Elf.SymbolCount; i++)
            {
                SymbolRecord record = file.Elf.Symbol(i);
                if (file.Symbols[i].Global < 0 && ImageSymbols.IsListed(file, record, file.Elf.SymbolName(i)))
                {
                    AddDefined(symbols, file.Elf.SymbolNameText(i), file, record, file.Symbols[i]);
                }
            }
        }

        if (_sections.TlsCall is { } call)
        {
            symbols.Add(new ImageSymbol(TlsCallName, null, call.Output.Name, call.Address, call.Size, "local", "func"));
        }

        for (int i = 0; i < _resolution.Symbols.Count; i++)
        {
            AddGlobal(symbols, i);
        }

        return [.. symbols];
    }

    /// <summary>The stubs.</summary>
    internal ImageStub[] Stubs()
    {
        List<ImageStub> stubs = [];
        StubShape shape = _machine.Rules.Architecture.Stub;
        foreach (ref readonly Stub stub in _stubs.All)
        {
            string symbol = stub.Object >= 0
                ? _resolution.Objects[stub.Object].SymbolText(stub.Symbol)
                : _resolution.Symbols.Text(stub.Symbol);
            int file = stub.Object >= 0 ? stub.Object : _resolution.Symbols[stub.Symbol].NameObject;
            stubs.Add(new ImageStub(
                symbol, _resolution.Objects[file].Elf.Name, "iplt", stub.Address, shape.Size, stub.Resolver));
        }

        foreach (BranchStub stub in _branches.All)
        {
            stubs.Add(stub.Describe());
        }

        return [.. stubs];
    }

    /// <summary>The slots, each as often as objects use it.</summary>
    internal ImageGotSlot[] Got()
    {
        List<ImageGotSlot> slots = [];
        foreach (LinkObject file in _order)
        {
            foreach (GotEntry entry in file.Got.Entries)
            {
                Span<byte> word = _sections.Memory.Writable(file.Got.Block, (ulong)entry.Offset, _machine.WordSize);
                slots.Add(new ImageGotSlot(
                    entry.Symbol is 0 ? "" : file.SymbolText(entry.Symbol),
                    file.Elf.Name,
                    MapNames.NameOf(entry.Kind),
                    file.Got.Address + (ulong)entry.Offset,
                    _machine.Is64Bit
                        ? BinaryPrimitives.ReadUInt64LittleEndian(word)
                        : BinaryPrimitives.ReadUInt32LittleEndian(word)));
            }
        }

        return [.. slots];
    }

    /// <summary>The tables that have the slots.</summary>
    internal ImageGotTable[] GotTables() =>
        [.. _order.Where(file => file.UsesGot).Select(file => new ImageGotTable(file.Elf.Name, file.Got.Address))];

    /// <summary>The sections that are not in memory.</summary>
    internal ImageFileSection[] FileSections()
    {
        List<ImageFileSection> sections = [];
        foreach (ImageOutput output in _sections.Outputs.Where(output => output.Zone is ImageZone.File))
        {
            foreach (ImagePiece piece in output.Pieces)
            {
                if (piece.File is { } file)
                {
                    sections.Add(new ImageFileSection(
                        file.Elf.Name, file.Elf.SectionNameText(piece.Section), piece.Section, piece.Bytes));
                }
            }
        }

        return [.. sections];
    }

    /// <summary>The segments.</summary>
    internal static ImageSegment[] Segments(IReadOnlyList<ImageLoad> loads) =>
        [.. loads.Select(load => new ImageSegment(
            load.Start, load.End - load.Start, load.FileOffset, load.FileEnd - load.Start, ProgramHeaders.Letters(load.Flags)))];

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

    private void AddGlobal(List<ImageSymbol> symbols, int index)
    {
        ref LinkSymbol symbol = ref _resolution.Symbols[index];
        string name = _resolution.Symbols.Text(index);
        if (symbol.Synthetic is not 0)
        {
            string? section = ImageSymbols.OutputAt(_layout, symbol.Value)?.Name;
            string type = (symbol.Traits & SymbolTraits.Tls) != 0 ? "tls" : "notype";
            symbols.Add(new ImageSymbol(name, null, section, symbol.Value, 0, "global", type));
        }
        else if (symbol.State is SymbolState.External)
        {
            string type = (symbol.Traits & SymbolTraits.Function) != 0 ? "func" : "notype";
            symbols.Add(new ImageSymbol(name, null, null, symbol.Value, 0, "global", type)
            {
                IsThumb = (symbol.Traits & SymbolTraits.Thumb) != 0,
            });
        }
        else if (symbol.State is not SymbolState.Undefined && (symbol.Traits & SymbolTraits.Discarded) == 0)
        {
            LinkObject file = _resolution.Objects[symbol.Definer];
            SymbolRecord record = file.Elf.Symbol(symbol.DefinerSymbol) with { Size = symbol.Size };
            AddDefined(symbols, name, file, record, file.Symbols[symbol.DefinerSymbol]);
        }
    }

    private static void AddDefined(
        List<ImageSymbol> symbols, string name, LinkObject file, in SymbolRecord record, in BoundSymbol bound)
    {
        if (record.Type is not SymbolType.File)
        {
            string? section = record.Place switch
            {
                SymbolPlace.Section => file.Elf.SectionNameText(record.Section),
                SymbolPlace.Absolute => null,
                _ => "COMMON",
            };
            symbols.Add(new ImageSymbol(
                name, file.Elf.Name, section, bound.Value, record.Size, MapNames.NameOf(record.Binding), MapNames.NameOf(record.Type))
            {
                IsThumb = bound.Is(SymbolTraits.Thumb) && !bound.Is(SymbolTraits.Ifunc),
            });
        }
    }
}
