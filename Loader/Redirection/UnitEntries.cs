using ElfLoader.Libraries;
using ElfLoader.Linking;
using ElfLoader.Loading;
using ElfLoader.Memory;

namespace ElfLoader.Redirection;

/// <summary>A function of a unit that is reached through an entry.</summary>
internal struct EntryFunction
{
    /// <summary>Its global name in the link.</summary>
    internal int Symbol;

    /// <summary>The entry; null until memory has been allocated, where there was none.</summary>
    internal CallEntry? Entry;

    /// <summary>Whether this link made the entry, so that nobody else knows it yet.</summary>
    internal bool IsNew;

    /// <summary>Where the code is.</summary>
    internal ulong Body;

    /// <summary>Whether the symbol has no type, and is taken for a function because it lies in code.</summary>
    internal bool IsUntyped;
}

/// <summary>The functions of a unit that are reached through entries: which these are, and the steps of linking them.</summary>
internal sealed class UnitEntries : ICodeAddresses
{
    private readonly SymbolResolution _resolution;
    private readonly int[] _ofSymbol; // one more than the index of its function
    private EntryFunction[] _functions = [];
    private bool _claimed;

    private UnitEntries(SymbolResolution resolution)
    {
        _resolution = resolution;
        _ofSymbol = new int[resolution.Symbols.Count];
    }

    /// <summary>The functions of a unit that are reached through entries.</summary>
    internal static ReadOnlySpan<EntryFunction> FunctionsOf(LoadedUnit unit) => unit.Entries is { } entries ? entries._functions : [];

    /// <summary>
    /// Finds the functions: all global ones that the unit defines in a library linked redirectably, in others those that have
    /// an entry already because they were declared lazy.
    /// </summary>
    /// <returns>Null if there are none.</returns>
    internal static UnitEntries? Find(ObjectLibrary library, SymbolResolution resolution)
    {
        bool all = library.Options.Redirectable;
        if (!all && library.Entries.IsEmpty)
        {
            return null;
        }

        var entries = new UnitEntries(resolution);
        List<EntryFunction> functions = [];
        LinkSymbols symbols = resolution.Symbols;
        for (int i = 0; i < symbols.Count; i++)
        {
            ref LinkSymbol symbol = ref symbols[i];
            if (symbol.State is not (SymbolState.Strong or SymbolState.Weak) || !IsFunction(symbol, resolution))
            {
                continue;
            }

            CallEntry? existing = library.Entries.Find(symbol.Hash, symbols.Name(i));
            if (existing is null && !all)
            {
                continue;
            }

            if (existing is not null)
            {
                symbol.Traits |= SymbolTraits.Redirected; // it may be out of reach, where new ones never are
            }

            symbol.Traits = (symbol.Traits & ~SymbolTraits.Data) | SymbolTraits.Function;
            functions.Add(new EntryFunction { Symbol = i, IsUntyped = PublishedSymbols.IsUntypedCode(symbol, resolution) });
            entries._ofSymbol[i] = functions.Count;
        }

        entries._functions = [.. functions];
        return functions.Count > 0 ? entries : null;
    }

    private static bool IsFunction(in LinkSymbol symbol, SymbolResolution resolution) =>
        (symbol.Traits & (SymbolTraits.Internal | SymbolTraits.Discarded)) is SymbolTraits.Internal
        && ((symbol.Traits & SymbolTraits.Function) != 0 || PublishedSymbols.IsUntypedCode(symbol, resolution));

    /// <summary>The function of a global name; the entry is null where it has none.</summary>
    internal EntryFunction this[int symbol] =>
        symbol < _ofSymbol.Length && _ofSymbol[symbol] is > 0 and int index ? _functions[index - 1] : default;

    /// <summary>Takes entries, new ones in the unit's pool.</summary>
    internal void Claim(ObjectLibrary library, MemoryPool pool)
    {
        _claimed = true;
        foreach (ref EntryFunction function in _functions.AsSpan())
        {
            LinkSymbols symbols = _resolution.Symbols;
            function.Entry = library.Entries.Claim(
                symbols[function.Symbol].Hash, symbols.Name(function.Symbol), pool, out function.IsNew);
        }
    }

    /// <summary>Lets everybody see entries where they would see code; symbols have their values.</summary>
    internal void Apply()
    {
        LinkSymbols symbols = _resolution.Symbols;
        foreach (ref EntryFunction function in _functions.AsSpan())
        {
            ref LinkSymbol symbol = ref symbols[function.Symbol];
            function.Body = symbol.Value;
            symbol.Value = function.Entry!.Address;
        }

        foreach (LinkObject file in _resolution.Objects)
        {
            Show(file, bodies: false);
        }
    }

    /// <inheritdoc/>
    public void Show(LinkObject file, bool bodies)
    {
        foreach (ref BoundSymbol bound in file.Symbols)
        {
            if (bound.Global >= 0 && _ofSymbol[bound.Global] is > 0 and int index)
            {
                bound.Value = bodies ? _functions[index - 1].Body : _functions[index - 1].Entry!.Address;
            }
        }
    }

    /// <summary>Lets the unit's initializers call its functions, though nobody else may yet.</summary>
    internal void PrepareForInitializers(LoadedUnit unit)
    {
        lock (NativeProcess.Current.Entries.Gate)
        {
            foreach (ref readonly EntryFunction function in _functions.AsSpan())
            {
                CallEntry entry = function.Entry!;
                bool isNew = function.IsNew && !entry.IsKnown; // another load may have published it since, and its unit have gone
                entry.Hide(new HiddenCode(function.Body, unit, Environment.CurrentManagedThreadId, isNew));
                if (isNew && entry.Claims is 1)
                {
                    entry.ReachHidden(unit); // nobody else knows it yet
                }
            }
        }
    }

    /// <summary>Whether calls are possible that reach none of the functions before publication, but all of them after it.</summary>
    internal bool FillsGaps
    {
        get
        {
            foreach (ref readonly EntryFunction function in _functions.AsSpan())
            {
                if (function.Entry is { Target: 0, Lazy: null } entry && (entry.IsKnown || !function.IsNew))
                {
                    return true;
                }
            }

            return false;
        }
    }

    /// <summary>Ends the link of a unit whose code never ran, or has been published.</summary>
    internal void Settle(LoadedUnit unit, bool isPublished)
    {
        if (!_claimed)
        {
            return;
        }

        _claimed = false;
        foreach (ref readonly EntryFunction function in _functions.AsSpan())
        {
            if (function.Entry is { } entry)
            {
                unit.Library.Entries.Settle(entry, isPublished);
                entry.IsUntyped = isPublished ? function.IsUntyped : entry.IsUntyped;
            }
        }
    }

    /// <summary>
    /// Takes back what the unit's initializers could call, once its destructors have run; what it is still owed may call it.
    /// </summary>
    internal void Withdraw(LoadedUnit unit)
    {
        lock (NativeProcess.Current.Entries.Gate)
        {
            foreach (ref readonly EntryFunction function in _functions.AsSpan())
            {
                if (function.Entry is { } entry && entry.IsHidden(unit, out _))
                {
                    entry.Hide(new HiddenCode(function.Body, unit, Thread: 0));
                }
            }
        }
    }
}
