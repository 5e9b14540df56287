using ElfLoader.Elf;
using ElfLoader.Relocations;

namespace ElfLoader.Linking;

/// <summary>Gives each symbol of each object its traits (before the layout) and its value (after it).</summary>
internal sealed class SymbolValues
{
    private static ReadOnlySpan<byte> GotName => "_GLOBAL_OFFSET_TABLE_"u8;

    private readonly SymbolResolution _resolution;
    private readonly SymbolBinder _binder;

    internal SymbolValues(SymbolResolution resolution, Architecture architecture)
    {
        _resolution = resolution;
        _binder = new SymbolBinder(resolution.Symbols, architecture);
    }

    /// <summary>Forgets all of a link, so that there can be another one.</summary>
    internal void Clear() => _binder.HasValues = false;

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
        if (!file.IsBound)
        {
            file.Binder = _binder;
            return;
        }

        LinkSymbols symbols = _resolution.Symbols;
        Span<BoundSymbol> bound = file.Symbols;
        SymbolTable records = file.Elf.Symbols;
        for (int i = 1; i < bound.Length; i++)
        {
            bound[i].Traits = bound[i].Global >= 0
                ? symbols[bound[i].Global].Traits
                : _binder.Classify(file, records[i]);
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

        _binder.HasValues = true;
        foreach (LinkObject file in _resolution.Objects)
        {
            if (!file.IsBound)
            {
                continue;
            }

            Span<BoundSymbol> bound = file.Symbols;
            SymbolTable records = file.Elf.Symbols;
            for (int i = 1; i < bound.Length; i++)
            {
                bound[i].Value = bound[i].Is(SymbolTraits.GotBase) ? file.Got.Address
                    : bound[i].Global >= 0 ? symbols[bound[i].Global].Value
                    : _binder.ValueOf(file, records[i]);
            }
        }

        ReplaceIfuncs(stubs);
    }

    /// <summary>Keeps what objects need whose symbols are bound late: the names are going to be no more.</summary>
    internal void Keep()
    {
        if (_resolution.BindsLate)
        {
            _binder.Keep();
        }
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
            foreach (ref BoundSymbol bound in file.IsBound ? file.Symbols : [])
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
                return SymbolTraits.External | SymbolBinder.KindOf(outside.Type)
                    | (outside.IsAbsolute ? SymbolTraits.Absolute : 0)
                    | (outside.IsThumb ? SymbolTraits.Thumb : 0);
            case SymbolState.Common:
                return SymbolTraits.Internal
                    | (symbol.Type is SymbolType.Tls ? SymbolTraits.Tls : SymbolTraits.Data);
            default:
                LinkObject file = _resolution.Objects[symbol.Definer];
                return _binder.Classify(file, file.Elf.Symbol(symbol.DefinerSymbol));
        }
    }

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
                return _binder.ValueOf(file, file.Elf.Symbol(symbol.DefinerSymbol));
        }
    }
}
