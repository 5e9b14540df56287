using ElfLoader.Elf;
using ElfLoader.Relocations;

namespace ElfLoader.Linking;

/// <summary>Gives each symbol of each object its traits (before the layout) and its value (after it).</summary>
internal sealed class SymbolValues
{
    private static ReadOnlySpan<byte> GotName => "_GLOBAL_OFFSET_TABLE_"u8;

    private readonly SymbolResolution _resolution;
    private readonly ulong _thumbBit;
    private readonly bool _hasThumbStubs;

    internal SymbolValues(SymbolResolution resolution, Architecture architecture)
    {
        _resolution = resolution;
        _thumbBit = architecture.ThumbBit;
        _hasThumbStubs = architecture.Stub.IsThumb;
    }

    /// <summary>Fills in the traits of the global names.</summary>
    internal void ClassifyNames()
    {
        LinkSymbols symbols = _resolution.Symbols;
        for (int i = 0; i < symbols.Count; i++)
        {
            ref LinkSymbol symbol = ref symbols[i];
            symbol.Traits = Classify(symbol, i);
        }
    }

    /// <summary>Fills in the traits of an object's symbols; the global names have theirs.</summary>
    internal void Classify(LinkObject file)
    {
        LinkSymbols symbols = _resolution.Symbols;
        Span<BoundSymbol> bound = file.Symbols;
        SymbolTable records = file.Elf.Symbols;
        for (int i = 1; i < bound.Length; i++)
        {
            bound[i].Traits = bound[i].Global >= 0
                ? symbols[bound[i].Global].Traits
                : ClassifyDefined(file, records[i]);
        }
    }

    /// <summary>Fills in the values; sections, common symbols and stubs have their addresses.</summary>
    /// <param name="missing">The value of what has no definition, where that is allowed.</param>
    /// <param name="stubs">The stubs: an STT_GNU_IFUNC symbol's value is its stub.</param>
    internal void Assign(ulong missing, StubTable stubs)
    {
        LinkSymbols symbols = _resolution.Symbols;
        for (int i = 0; i < symbols.Count; i++)
        {
            ref LinkSymbol symbol = ref symbols[i];
            symbol.Value = ValueOf(symbol, missing);
        }

        foreach (LinkObject file in _resolution.Objects)
        {
            Span<BoundSymbol> bound = file.Symbols;
            SymbolTable records = file.Elf.Symbols;
            for (int i = 1; i < bound.Length; i++)
            {
                bound[i].Value = bound[i].Is(SymbolTraits.GotBase) ? file.Got.Origin
                    : bound[i].Global >= 0 ? symbols[bound[i].Global].Value
                    : DefinedValue(file, records[i]);
            }
        }

        ReplaceIfuncs(stubs);
    }

    private void ReplaceIfuncs(StubTable stubs)
    {
        LinkSymbols symbols = _resolution.Symbols;
        bool any = false;
        foreach (ref Stub stub in stubs.All)
        {
            if (!stub.IsIfunc)
            {
                continue;
            }

            any = true;
            ref ulong value = ref (stub.Object >= 0
                ? ref _resolution.Objects[stub.Object].Symbols[stub.Symbol].Value
                : ref symbols[stub.Symbol].Value);
            stub.Resolver = value;
            value = stub.Address;
        }

        if (!any)
        {
            return;
        }

        foreach (LinkObject file in _resolution.Objects)
        {
            foreach (ref BoundSymbol bound in file.Symbols)
            {
                if (bound.Global >= 0 && bound.Is(SymbolTraits.Ifunc))
                {
                    bound.Value = symbols[bound.Global].Value;
                }
            }
        }
    }

    private SymbolTraits Classify(in LinkSymbol symbol, int index)
    {
        if (symbol.Synthetic is not 0)
        {
            return _resolution.Synthetic(symbol).Traits;
        }

        switch (symbol.State)
        {
            case SymbolState.Undefined when _resolution.Symbols.Name(index).SequenceEqual(GotName):
                return SymbolTraits.Internal | SymbolTraits.GotBase | SymbolTraits.Data;
            case SymbolState.Undefined:
                return (symbol.IsWanted ? SymbolTraits.Missing : SymbolTraits.UndefinedWeak)
                    | (symbol.Type is SymbolType.Tls ? SymbolTraits.Tls : 0);
            case SymbolState.External:
                Definition outside = _resolution.Outside(symbol);
                return SymbolTraits.External | KindOf(outside.Type)
                    | (outside.IsAbsolute ? SymbolTraits.Absolute : 0)
                    | (outside.IsThumb ? SymbolTraits.Thumb : 0);
            case SymbolState.Common:
                return SymbolTraits.Internal
                    | (symbol.Type is SymbolType.Tls ? SymbolTraits.Tls : SymbolTraits.Data);
            default:
                LinkObject file = _resolution.Objects[symbol.Definer];
                return ClassifyDefined(file, file.Elf.Symbol(symbol.DefinerSymbol));
        }
    }

    private SymbolTraits ClassifyDefined(LinkObject file, in SymbolRecord record) => record.Place switch
    {
        SymbolPlace.Absolute => SymbolTraits.Internal | SymbolTraits.Absolute
            | (record.Type is SymbolType.Function ? SymbolTraits.Function | InstructionSet(record) : 0),
        SymbolPlace.Section => file.Sections[record.Section].Fate switch
        {
            SectionFate.Kept => SymbolTraits.Internal | KindOf(TypeOf(file, record)) | InstructionSet(record),
            SectionFate.Discarded => SymbolTraits.Discarded,
            _ => SymbolTraits.Internal | SymbolTraits.Discarded,
        },
        _ => SymbolTraits.None,
    };

    /// <summary>
    /// Bit 0 of a function's value says that it is Thumb code (AAELF32, "Symbol Values"); for STT_GNU_IFUNC that is of the
    /// resolver, and what others see is a stub.
    /// </summary>
    private SymbolTraits InstructionSet(in SymbolRecord record) => record.Type switch
    {
        SymbolType.Function => (record.Value & _thumbBit) != 0 ? SymbolTraits.Thumb : 0,
        SymbolType.GnuIfunc => _hasThumbStubs ? SymbolTraits.Thumb : 0,
        _ => 0,
    };

    /// <summary>The type; a section symbol of thread-local storage is thread-local like what it stands for.</summary>
    /// <summary>What is thread-local is so by its section: STT_TLS elsewhere has no place in the template.</summary>
    private static SymbolType TypeOf(LinkObject file, in SymbolRecord record) =>
        (file.Elf.Sections[record.Section].Flags & ElfConstants.SHF_TLS) != 0 ? SymbolType.Tls
        : record.Type is SymbolType.Tls ? SymbolType.Object
        : record.Type;

    private static SymbolTraits KindOf(SymbolType type) => type switch
    {
        SymbolType.Function => SymbolTraits.Function,
        SymbolType.GnuIfunc => SymbolTraits.Ifunc | SymbolTraits.Function,
        SymbolType.Tls => SymbolTraits.Tls,
        _ => SymbolTraits.Data,
    };

    private ulong ValueOf(in LinkSymbol symbol, ulong missing)
    {
        if (symbol.Synthetic is not 0)
        {
            return _resolution.Synthetic(symbol).Value();
        }

        switch (symbol.State)
        {
            case SymbolState.Undefined:
                return (symbol.Traits & SymbolTraits.Missing) != 0 ? missing : 0;
            case SymbolState.External:
                Definition outside = _resolution.Outside(symbol);
                return outside.Tls is { } tls ? (ulong)(tls.TpOffset ?? 0) : outside.Address;
            case SymbolState.Common:
                return symbol.Value; // the layout has put it there
            default:
                LinkObject file = _resolution.Objects[symbol.Definer];
                return DefinedValue(file, file.Elf.Symbol(symbol.DefinerSymbol));
        }
    }

    private ulong DefinedValue(LinkObject file, in SymbolRecord record)
    {
        ulong value = record.Type is SymbolType.Function ? record.Value & ~_thumbBit : record.Value;
        return record.Place switch
        {
            SymbolPlace.Absolute => value,
            SymbolPlace.Section when file.Sections[record.Section].Fate is SectionFate.Kept =>
                unchecked(file.Sections[record.Section].SymbolBase + value),
            _ => 0,
        };
    }
}
