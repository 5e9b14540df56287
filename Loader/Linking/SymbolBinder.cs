using ElfLoader.Elf;
using ElfLoader.Relocations;

namespace ElfLoader.Linking;

/// <summary>Tells what the symbols of an object are, from its own table and from the names that the link shares.</summary>
internal sealed class SymbolBinder
{
    private readonly ulong _thumbBit;
    private readonly bool _hasThumbStubs;
    private LinkSymbols? _symbols;
    private ulong[] _values = [];
    private SymbolTraits[] _traits = [];

    internal SymbolBinder(LinkSymbols symbols, Architecture architecture)
    {
        _symbols = symbols;
        _thumbBit = architecture.ThumbBit;
        _hasThumbStubs = architecture.Stub.IsThumb;
    }

    /// <summary>Whether sections have addresses, and names values.</summary>
    internal bool HasValues { get; set; }

    /// <summary>Keeps what objects that were linked still need when the names are no more.</summary>
    internal void Keep()
    {
        if (_symbols is { } symbols)
        {
            _values = new ulong[symbols.Count];
            _traits = new SymbolTraits[symbols.Count];
            for (int i = 0; i < _values.Length; i++)
            {
                (_values[i], _traits[i]) = (symbols[i].Value, symbols[i].Traits);
            }

            _symbols = null;
        }
    }

    /// <summary>Binds all symbols of an object.</summary>
    internal void Fill(LinkObject file, Span<BoundSymbol> bound)
    {
        ReadOnlySpan<int> globals = file.Globals;
        int locals = bound.Length - globals.Length;
        bound[0] = new BoundSymbol { Global = -1 };
        SymbolTable records = file.Elf.Symbols;
        for (int i = 1; i < locals; i++)
        {
            bound[i] = BindLocal(file, records[i]);
        }

        for (int i = 0; i < globals.Length; i++)
        {
            bound[locals + i] = BindGlobal(file, globals[i]);
        }
    }

    /// <summary>Binds one symbol of an object.</summary>
    internal BoundSymbol Bind(LinkObject file, int symbol)
    {
        int global = file.Global(symbol);
        return symbol is 0 ? new BoundSymbol { Global = -1 }
            : global >= 0 ? BindGlobal(file, global)
            : BindLocal(file, file.Elf.Symbol(symbol));
    }

    /// <summary>The traits of a symbol that is defined in an object.</summary>
    internal SymbolTraits Classify(LinkObject file, in SymbolRecord record) => record.Place switch
    {
        SymbolPlace.Absolute => SymbolTraits.Internal | SymbolTraits.Absolute
            | (record.Type is SymbolType.Function ? SymbolTraits.Function | InstructionSet(record) : 0),
        SymbolPlace.Section => Classify(file.Sections[record.Section], record),
        _ => SymbolTraits.None,
    };

    /// <summary>The value of a symbol that is defined in an object; its section has an address.</summary>
    internal ulong ValueOf(LinkObject file, in SymbolRecord record)
    {
        ulong value = record.Type is SymbolType.Function ? record.Value & ~_thumbBit : record.Value;
        return record.Place switch
        {
            SymbolPlace.Absolute => value,
            SymbolPlace.Section when file.Sections[record.Section].Fate is SectionFate.Kept =>
                unchecked(file.SymbolBase(record.Section) + value),
            _ => 0,
        };
    }

    /// <summary>What a type says of a symbol's kind.</summary>
    internal static SymbolTraits KindOf(SymbolType type) => type switch
    {
        SymbolType.Function => SymbolTraits.Function,
        SymbolType.GnuIfunc => SymbolTraits.Ifunc | SymbolTraits.Function,
        SymbolType.Tls => SymbolTraits.Tls,
        _ => SymbolTraits.Data,
    };

    private BoundSymbol BindGlobal(LinkObject file, int global)
    {
        var bound = new BoundSymbol { Global = global };
        if (_symbols is { } symbols)
        {
            ref LinkSymbol symbol = ref symbols[global];
            (bound.Value, bound.Traits) = (symbol.Value, symbol.Traits);
        }
        else
        {
            (bound.Value, bound.Traits) = (_values[global], _traits[global]);
        }

        if (bound.Is(SymbolTraits.GotBase))
        {
            bound.Value = file.Got.Address;
        }

        return bound;
    }

    private SymbolTraits Classify(in SectionPlace place, in SymbolRecord record) => place.Fate switch
    {
        SectionFate.Kept => SymbolTraits.Internal | KindOf(TypeOf(place, record)) | InstructionSet(record),
        SectionFate.Discarded => SymbolTraits.Discarded,
        _ => SymbolTraits.Internal | SymbolTraits.Discarded,
    };

    private BoundSymbol BindLocal(LinkObject file, in SymbolRecord record) => new()
    {
        Value = HasValues ? ValueOf(file, record) : 0,
        Global = -1,
        Traits = Classify(file, record),
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

    /// <summary>
    /// The type; a section symbol of thread-local storage is thread-local like what it stands for. What is thread-local is so
    /// by its section: STT_TLS elsewhere has no place in the template.
    /// </summary>
    private static SymbolType TypeOf(in SectionPlace place, in SymbolRecord record) =>
        place.IsTls ? SymbolType.Tls
        : record.Type is SymbolType.Tls ? SymbolType.Object
        : record.Type;
}
