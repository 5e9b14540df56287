using ElfLoader.Elf;
using ElfLoader.Relocations;

namespace ElfLoader.Linking;

/// <summary>A symbol of an image, for its symbol table and for its map.</summary>
/// <param name="Name">The name.</param>
/// <param name="Info"><c>st_info</c>: binding and type.</param>
/// <param name="Other"><c>st_other</c>: visibility.</param>
/// <param name="Place">Where it lies.</param>
/// <param name="Output">The output section, where it lies in one.</param>
/// <param name="Value">The value in the table.</param>
/// <param name="Size">The size.</param>
internal readonly record struct TableSymbol(
    string Name, byte Info, byte Other, SymbolPlace Place, ImageOutput? Output, ulong Value, ulong Size)
{
    /// <summary>Whether only its object, or the image, sees it.</summary>
    internal bool IsLocal => Info >> 4 is ElfConstants.STB_LOCAL;
}

/// <summary>Lists the symbols of an image.</summary>
internal sealed class ImageSymbols
{
    private readonly Architecture _architecture;
    private readonly SymbolResolution _resolution;
    private readonly ImageLayout _layout;
    private readonly ImageSections _sections;
    private readonly StubTable _stubs;
    private readonly Dictionary<int, ImagePiece> _commons;
    private readonly List<TableSymbol> _table = [];
    private readonly List<ImageSymbol> _map = [];

    internal ImageSymbols(
        Architecture architecture, SymbolResolution resolution, ImageLayout layout, ImageSections sections, StubTable stubs)
    {
        _architecture = architecture;
        _resolution = resolution;
        _layout = layout;
        _sections = sections;
        _stubs = stubs;
        _commons = sections.Commons.ToDictionary(common => common.Symbol, common => common.Piece);
    }

    /// <summary>For the symbol table, local ones first.</summary>
    internal IReadOnlyList<TableSymbol> Table => _table;

    /// <summary>For the map.</summary>
    internal IReadOnlyList<ImageSymbol> Map => _map;

    /// <summary>Lists them all.</summary>
    /// <param name="order">The objects, in the order of the command line.</param>
    /// <param name="branches">The stubs of branches.</param>
    internal void Collect(IReadOnlyList<LinkObject> order, BranchStubs branches)
    {
        foreach (LinkObject file in order)
        {
            for (int i = 1; i < file.Elf.SymbolCount; i++)
            {
                if (file.Symbols[i].Global < 0)
                {
                    AddLocal(file, i);
                }
            }
        }

        AddStubs(branches);
        for (int i = 0; i < _resolution.Symbols.Count; i++)
        {
            AddGlobal(i);
        }

        TableSymbol[] sorted = [.. _table.OrderBy(symbol => symbol.IsLocal ? 0 : 1)];
        _table.Clear();
        _table.AddRange(sorted);
    }

    private void AddLocal(LinkObject file, int index)
    {
        SymbolRecord record = file.Elf.Symbol(index);
        bool isKept = record.Place is SymbolPlace.Section && file.IsKept(record.Section);
        string name = file.Elf.SymbolNameText(index);
        if (record.Type is SymbolType.Section || name.Length is 0 || name.StartsWith(".L", StringComparison.Ordinal)
            || (!isKept && record.Place is not SymbolPlace.Absolute))
        {
            return;
        }

        AddDefined(name, file, record, record.Info, file.Symbols[index], -1);
    }

    /// <summary>Stubs, under the names that GNU ld gives them, so that disassemblers and debuggers know what they see.</summary>
    private void AddStubs(BranchStubs branches)
    {
        foreach (BranchStub stub in branches.All)
        {
            AddCode($"__{stub.File.DescribeSymbol(stub.Symbol)}_veneer", stub.Shape, stub.Piece, stub.Piece.Address);
        }

        for (int i = 0; i < _stubs.Count; i++)
        {
            ref readonly Stub stub = ref _stubs.All[i];
            string name = stub.Object >= 0
                ? _resolution.Objects[stub.Object].DescribeSymbol(stub.Symbol)
                : _resolution.Symbols.Text(stub.Symbol);
            AddCode($"__{name}_iplt", _architecture.Stub, _sections.Stubs!, stub.Address);
        }

        if (_sections.TlsCall is { } call)
        {
            const string name = "__tls_descriptor_call";
            AddCode(name, _architecture.TlsCall!, call, call.Address);
            _map.Add(new ImageSymbol(name, null, call.Output.Name, call.Address, call.Size, "local", "func"));
        }
    }

    private void AddCode(string name, StubShape shape, ImagePiece piece, ulong address)
    {
        _table.Add(new TableSymbol(
            name,
            Info(ElfConstants.STB_LOCAL, ElfConstants.STT_FUNC),
            ElfConstants.STV_DEFAULT,
            SymbolPlace.Section,
            piece.Output,
            address | (shape.IsThumb ? _architecture.ThumbBit : 0),
            (ulong)shape.Size));
        foreach ((int offset, string mapping) in shape.MappingSymbols)
        {
            _table.Add(new TableSymbol(
                mapping,
                Info(ElfConstants.STB_LOCAL, ElfConstants.STT_NOTYPE),
                ElfConstants.STV_DEFAULT,
                SymbolPlace.Section,
                piece.Output,
                address + (ulong)offset,
                0));
        }
    }

    private void AddGlobal(int index)
    {
        ref LinkSymbol symbol = ref _resolution.Symbols[index];
        string name = _resolution.Symbols.Text(index);
        SymbolTraits traits = symbol.Traits;
        if (symbol.Synthetic is not 0)
        {
            bool isTls = (traits & SymbolTraits.Tls) != 0;
            ImageOutput? output = OutputAt(symbol.Value);
            _table.Add(new TableSymbol(
                name,
                Info(ElfConstants.STB_LOCAL, isTls ? ElfConstants.STT_TLS : ElfConstants.STT_NOTYPE),
                ElfConstants.STV_HIDDEN,
                output is null ? SymbolPlace.Absolute : SymbolPlace.Section,
                output,
                isTls ? symbol.Value - _layout.Tls.Base : symbol.Value,
                0));
            _map.Add(new ImageSymbol(name, null, output?.Name, symbol.Value, 0, "global", isTls ? "tls" : "notype"));
            return;
        }

        switch (symbol.State)
        {
            case SymbolState.External:
                bool isFunction = (traits & SymbolTraits.Function) != 0;
                bool isThumb = (traits & SymbolTraits.Thumb) != 0;
                _table.Add(new TableSymbol(
                    name,
                    Info(ElfConstants.STB_GLOBAL, isFunction ? ElfConstants.STT_FUNC : ElfConstants.STT_NOTYPE),
                    ElfConstants.STV_DEFAULT,
                    SymbolPlace.Absolute,
                    null,
                    symbol.Value | (isThumb ? 1UL : 0),
                    0));
                _map.Add(new ImageSymbol(name, null, null, symbol.Value, 0, "global", isFunction ? "func" : "notype")
                {
                    IsThumb = isThumb,
                });
                break;
            case SymbolState.Undefined when (traits & SymbolTraits.GotBase) == 0:
                byte binding = (traits & SymbolTraits.UndefinedWeak) != 0 ? ElfConstants.STB_WEAK : ElfConstants.STB_GLOBAL;
                _table.Add(new TableSymbol(
                    name, Info(binding, ElfConstants.STT_NOTYPE), ElfConstants.STV_DEFAULT, SymbolPlace.Undefined, null, 0, 0));
                break;
            case SymbolState.Weak or SymbolState.Strong or SymbolState.Common when (traits & SymbolTraits.Discarded) == 0:
                LinkObject file = _resolution.Objects[symbol.Definer];
                SymbolRecord record = file.Elf.Symbol(symbol.DefinerSymbol);
                bool isHidden = symbol.Visibility is SymbolVisibility.Hidden or SymbolVisibility.Internal;
                byte info = isHidden ? Info(ElfConstants.STB_LOCAL, (byte)record.Type) : record.Info;
                AddDefined(name, file, record with { Size = symbol.Size }, info, file.Symbols[symbol.DefinerSymbol], index);
                break;
        }
    }

    private void AddDefined(
        string name, LinkObject file, in SymbolRecord record, byte info, in BoundSymbol bound, int global)
    {
        ImagePiece? piece = record.Place switch
        {
            SymbolPlace.Section => _sections.Memory.Piece(file.Sections[record.Section].Block),
            SymbolPlace.Absolute => null,
            _ => _commons.GetValueOrDefault(global),
        };
        ulong value = bound.Value;
        if (bound.Is(SymbolTraits.Ifunc)) // the table tells debuggers where the resolver is
        {
            int stub = bound.Global >= 0 ? _resolution.Symbols[bound.Global].Stub - 1 : FindLocalStub(file, value);
            value = stub >= 0 ? _stubs.All[stub].Resolver : value;
        }
        else if (record.Type is SymbolType.Tls) // gABI, "Symbol Table": relative to the template
        {
            value -= _layout.Tls.Base;
        }

        bool isThumb = bound.Is(SymbolTraits.Thumb) && !bound.Is(SymbolTraits.Ifunc); // the resolver's address says itself
        byte type = (byte)(info & 0xf);
        _table.Add(new TableSymbol(
            name,
            type is ElfConstants.STT_COMMON ? Info((byte)(info >> 4), ElfConstants.STT_OBJECT) : info,
            (byte)(record.Other & 3),
            piece is null ? SymbolPlace.Absolute : SymbolPlace.Section,
            piece?.Output,
            value | (isThumb ? 1UL : 0),
            record.Size));
        if (record.Type is not SymbolType.File)
        {
            _map.Add(new ImageSymbol(
                name,
                file.Elf.Name,
                record.Place is SymbolPlace.Section ? file.Elf.SectionNameText(record.Section) : piece is null ? null : "COMMON",
                bound.Value,
                record.Size,
                NameOf(record.Binding),
                NameOf(record.Type))
            {
                IsThumb = isThumb,
            });
        }
    }

    private int FindLocalStub(LinkObject file, ulong address)
    {
        for (int i = 0; i < _stubs.Count; i++)
        {
            if (_stubs.All[i].Address == address && _stubs.All[i].Object == file.Ordinal)
            {
                return i;
            }
        }

        return -1;
    }

    /// <summary>The section that an address lies in, or is the end of.</summary>
    private ImageOutput? OutputAt(ulong address)
    {
        ImageOutput? ending = null;
        foreach (ImageOutput output in _layout.Free)
        {
            if (output.TakesAddresses && output.Address <= address && address <= output.End)
            {
                if (address < output.End)
                {
                    return output;
                }

                ending = output;
            }
        }

        return ending;
    }

    private static byte Info(byte binding, byte type) => (byte)((binding << 4) | type);

    internal static string NameOf(SymbolBinding binding) => binding switch
    {
        SymbolBinding.Local => "local",
        SymbolBinding.Weak => "weak",
        SymbolBinding.GnuUnique => "unique",
        _ => "global",
    };

    internal static string NameOf(SymbolType type) => type switch
    {
        SymbolType.Object => "object",
        SymbolType.Function => "func",
        SymbolType.Section => "section",
        SymbolType.File => "file",
        SymbolType.Common => "common",
        SymbolType.Tls => "tls",
        SymbolType.GnuIfunc => "ifunc",
        _ => "notype",
    };
}
