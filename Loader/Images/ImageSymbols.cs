using System.Text;
using ElfLoader.Elf;
using ElfLoader.Elf.Writing;
using ElfLoader.Linking;
using ElfLoader.Relocations;

namespace ElfLoader.Images;

/// <summary>Lists the symbols of an image in its symbol table.</summary>
internal sealed class ImageSymbols
{
    private readonly Architecture _architecture;
    private readonly SymbolResolution _resolution;
    private readonly ImageLayout _layout;
    private readonly ImageSections _sections;
    private readonly StubTable _stubs;
    private readonly BranchStubs _branches;
    private readonly LinkObject[] _order;
    private readonly Dictionary<int, ImagePiece> _commons;

    /// <param name="context">What the link's relocations knew.</param>
    /// <param name="order">The objects, in the order of the command line.</param>
    /// <param name="branches">The stubs of branches.</param>
    /// <param name="layout">The addresses.</param>
    /// <param name="sections">The sections.</param>
    internal ImageSymbols(
        RelocationContext context, LinkObject[] order, BranchStubs branches, ImageLayout layout, ImageSections sections)
    {
        _architecture = context.Rules.Architecture;
        _resolution = context.Resolution;
        _layout = layout;
        _sections = sections;
        _stubs = context.Stubs;
        _branches = branches;
        _order = order;
        _commons = sections.Commons.ToDictionary(common => common.Symbol, common => common.Piece);
    }

    /// <summary>Writes them all.</summary>
    /// <param name="is64Bit">The class of the file.</param>
    /// <param name="sectionCount">Number of sections that symbols may be in.</param>
    internal SymbolTableWriter Write(bool is64Bit, int sectionCount)
    {
        long locals = _stubs.Count + _branches.All.Count;
        long names = 0;
        foreach (LinkObject file in _order)
        {
            locals += file.Elf.FirstGlobalSymbol;
            names += file.Elf.SymbolNamesLength;
        }

        var table = new SymbolTableWriter(is64Bit, checked((int)locals), _resolution.Symbols.Count, checked((int)names), sectionCount);
        foreach (LinkObject file in _order)
        {
            SymbolTable symbols = file.Elf.Symbols;
            for (int i = 1; i < file.Elf.SymbolCount; i++)
            {
                if (file.Symbols[i].Global < 0)
                {
                    SymbolRecord record = symbols[i];
                    ReadOnlySpan<byte> name = symbols.Name(record);
                    if (IsListed(file, record, name))
                    {
                        AddDefined(table, name, file, record, record.Info, file.Symbols[i], -1);
                    }
                }
            }
        }

        AddStubs(table);
        for (int i = 0; i < _resolution.Symbols.Count; i++)
        {
            AddGlobal(table, i);
        }

        return table;
    }

    /// <summary>Whether a local symbol is worth listing: it has a name that is no compiler's label, and lies in the image.</summary>
    internal static bool IsListed(LinkObject file, in SymbolRecord record, ReadOnlySpan<byte> name) =>
        record.Type is not SymbolType.Section && !name.IsEmpty && !name.StartsWith(".L"u8)
        && (record.Place is SymbolPlace.Absolute || (record.Place is SymbolPlace.Section && file.IsKept(record.Section)));

    /// <summary>Stubs, under the names that GNU ld gives them, so that disassemblers and debuggers know what they see.</summary>
    private void AddStubs(SymbolTableWriter table)
    {
        foreach (BranchStub stub in _branches.All)
        {
            string name = $"__{stub.File.SymbolText(stub.Symbol)}_veneer";
            AddCode(table, name, stub.Shape, stub.Piece, stub.Piece.Address);
        }

        for (int i = 0; i < _stubs.Count; i++)
        {
            ref readonly Stub stub = ref _stubs.All[i];
            string name = stub.Object >= 0
                ? _resolution.Objects[stub.Object].SymbolText(stub.Symbol)
                : _resolution.Symbols.Text(stub.Symbol);
            AddCode(table, $"__{name}_iplt", _architecture.Stub, _sections.Stubs!, stub.Address);
        }

        if (_sections.TlsCall is { } call)
        {
            AddCode(table, ImageMap.TlsCallName, _architecture.TlsCall!, call, call.Address);
        }
    }

    private void AddCode(SymbolTableWriter table, string name, StubShape shape, ImagePiece piece, ulong address)
    {
        uint section = (uint)piece.Output.Index;
        table.Add(
            Encoding.UTF8.GetBytes(name),
            Info(ElfConstants.STB_LOCAL, ElfConstants.STT_FUNC),
            ElfConstants.STV_DEFAULT,
            section,
            address | (shape.IsThumb ? _architecture.ThumbBit : 0),
            (ulong)shape.Size);
        byte label = Info(ElfConstants.STB_LOCAL, ElfConstants.STT_NOTYPE);
        foreach ((int offset, string mapping) in shape.MappingSymbols)
        {
            table.Add(Encoding.UTF8.GetBytes(mapping), label, ElfConstants.STV_DEFAULT, section, address + (ulong)offset, 0);
        }
    }

    /// <summary>Whether the default version of a name: an executable has it without the version, as lld and mold write it.</summary>
    private static bool IsListedWithoutVersion(ReadOnlySpan<byte> name, in LinkSymbol symbol) =>
        VersionedName.Of(name) is { HasVersion: true } versioned
        && (versioned.IsDefault || symbol is { State: SymbolState.Undefined, IsWanted: false });

    private void AddGlobal(SymbolTableWriter table, int index)
    {
        ref LinkSymbol symbol = ref _resolution.Symbols[index];
        ReadOnlySpan<byte> name = _resolution.Symbols.Name(index);
        if ((_resolution.Parts & ObjectParts.Versions) != 0 && IsListedWithoutVersion(name, symbol))
        {
            return;
        }

        SymbolTraits traits = symbol.Traits;
        if (symbol.Synthetic is not 0)
        {
            bool isTls = (traits & SymbolTraits.Tls) != 0;
            table.Add(
                name,
                Info(ElfConstants.STB_LOCAL, isTls ? ElfConstants.STT_TLS : ElfConstants.STT_NOTYPE),
                ElfConstants.STV_HIDDEN,
                (uint?)OutputAt(_layout, symbol.Value)?.Index ?? SymbolTableWriter.Absolute,
                isTls ? symbol.Value - _layout.Tls.Base : symbol.Value,
                0);
            return;
        }

        switch (symbol.State)
        {
            case SymbolState.External:
                bool isFunction = (traits & SymbolTraits.Function) != 0;
                bool isThumb = (traits & SymbolTraits.Thumb) != 0;
                table.Add(
                    name,
                    Info(ElfConstants.STB_GLOBAL, isFunction ? ElfConstants.STT_FUNC : ElfConstants.STT_NOTYPE),
                    ElfConstants.STV_DEFAULT,
                    SymbolTableWriter.Absolute,
                    symbol.Value | (isThumb ? 1UL : 0),
                    0);
                break;
            case SymbolState.Undefined when (traits & SymbolTraits.GotBase) == 0:
                byte binding = (traits & SymbolTraits.UndefinedWeak) != 0 ? ElfConstants.STB_WEAK : ElfConstants.STB_GLOBAL;
                table.Add(
                    name, Info(binding, ElfConstants.STT_NOTYPE), ElfConstants.STV_DEFAULT, SymbolTableWriter.Undefined, 0, 0);
                break;
            case SymbolState.Weak or SymbolState.Strong or SymbolState.Common when (traits & SymbolTraits.Discarded) == 0:
                LinkObject file = _resolution.Objects[symbol.Definer];
                SymbolRecord record = file.Elf.Symbol(symbol.DefinerSymbol);
                bool isHidden = symbol.Visibility is SymbolVisibility.Hidden or SymbolVisibility.Internal;
                byte info = isHidden ? Info(ElfConstants.STB_LOCAL, (byte)record.Type) : record.Info;
                AddDefined(
                    table, name, file, record with { Size = symbol.Size }, info, file.Symbols[symbol.DefinerSymbol], index);
                break;
        }
    }

    private void AddDefined(
        SymbolTableWriter table,
        ReadOnlySpan<byte> name,
        LinkObject file,
        in SymbolRecord record,
        byte info,
        in BoundSymbol bound,
        int global)
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
        table.Add(
            name,
            type is ElfConstants.STT_COMMON ? Info((byte)(info >> 4), ElfConstants.STT_OBJECT) : info,
            (byte)(record.Other & 3),
            (uint?)piece?.Output.Index ?? SymbolTableWriter.Absolute,
            value | (isThumb ? 1UL : 0),
            record.Size);
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
    internal static ImageOutput? OutputAt(ImageLayout layout, ulong address)
    {
        ImageOutput? ending = null;
        foreach (ImageOutput output in layout.Free)
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
}
