using System.Text;
using ElfLoader.Linking;

namespace ElfLoader.Libraries;

/// <summary>
/// Who of a library's units shares which variable of vague linkage with others: brings a copy that gave way to one outside of
/// the library. The library has the name from one of them; when that goes, it has the name from another.
/// </summary>
/// <remarks>Not thread-safe: the library guards it.</remarks>
internal sealed class SharedNames
{
    // By the bytes of the name, one character for each: a name need not be UTF-8. Mostly those that are loaded; see Leave.
    private readonly Dictionary<string, LinkedList<(LoadedUnit Unit, Definition Definition)>> _sharers = new(StringComparer.Ordinal);

    /// <summary>Units that were looked at.</summary>
    internal long Steps { get; private set; }

    /// <summary>Notes what a unit shares, and defines what the library does not have yet.</summary>
    /// <param name="unit">The unit, which is published.</param>
    /// <param name="resolution">Its names.</param>
    /// <param name="definitions">What the library defines; null where that is changed in another way.</param>
    internal void Add(LoadedUnit unit, SymbolResolution resolution, DefinitionTable? definitions)
    {
        if (resolution.SharedSymbols.Count is 0)
        {
            return;
        }

        List<SharedName>? names = null;
        LinkSymbols symbols = resolution.Symbols;
        foreach (int index in resolution.SharedSymbols)
        {
            ref LinkSymbol symbol = ref symbols[index];
            if (symbol is not { State: SymbolState.External, HasCopy: true })
            {
                continue;
            }

            ReadOnlySpan<byte> name = symbols.Name(index);
            Definition definition = PublishedSymbols.SharedBy(unit, resolution, symbol);
            if (definitions is not null && !definitions.Find(symbol.Hash, name).Exists)
            {
                definitions.Set(symbol.Hash, name, definition);
            }

            var shared = new SharedName(Encoding.Latin1.GetString(name), new((unit, definition)));
            Offer(shared);
            (names ??= []).Add(shared);
        }

        unit.SharedNames = names;
    }

    /// <summary>
    /// Lets others have the names that a unit shares. What nobody else shares stays the unit's while the table has it.
    /// </summary>
    /// <param name="unit">The unit, which is not loaded any more.</param>
    /// <param name="definitions">What the library defines; those of the unit that do not stay have been removed.</param>
    internal void Leave(LoadedUnit unit, DefinitionTable definitions)
    {
        unit.SharedNames?.RemoveAll(shared => Leave(unit, shared, definitions));
        if (unit.SharedNames is { Count: 0 })
        {
            unit.SharedNames = null;
        }
    }

    /// <summary>Notes that a unit is loaded again.</summary>
    internal void Return(LoadedUnit unit) => unit.SharedNames?.ForEach(shared =>
    {
        if (shared.Sharer.List is null)
        {
            Offer(shared);
        }
    });

    private void Offer(SharedName shared)
    {
        if (!_sharers.TryGetValue(shared.Name, out LinkedList<(LoadedUnit, Definition)>? sharers))
        {
            _sharers.Add(shared.Name, sharers = []);
        }

        sharers.AddLast(shared.Sharer);
    }

    /// <returns>Whether the unit has nothing to do with the name any more.</returns>
    private bool Leave(LoadedUnit unit, SharedName shared, DefinitionTable definitions)
    {
        byte[] name = Encoding.Latin1.GetBytes(shared.Name);
        ulong hash = NameHash.Of(name);
        Definition found = definitions.Find(hash, name);
        Withdraw(shared.Name, shared.Sharer);
        if (!found.Exists || found.SharedBy == unit)
        {
            if (FirstLoaded(shared.Name) is { } next)
            {
                definitions.Set(hash, name, next);
            }
            else if (found.Exists)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The definition of the first of those that are loaded. Others are taken out on the way, so that each is met once.</summary>
    private Definition? FirstLoaded(string name)
    {
        while (_sharers.TryGetValue(name, out LinkedList<(LoadedUnit Unit, Definition Definition)>? sharers))
        {
            Steps++;
            if (sharers.First!.Value.Unit.IsLoaded)
            {
                return sharers.First.Value.Definition;
            }

            Withdraw(name, sharers.First);
        }

        return null;
    }

    private void Withdraw(string name, LinkedListNode<(LoadedUnit Unit, Definition Definition)> sharer)
    {
        if (sharer.List is { } sharers)
        {
            sharers.Remove(sharer);
            if (sharers.Count is 0)
            {
                _ = _sharers.Remove(name);
            }
        }
    }
}

/// <summary>A variable that a unit shares.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Sharer">The unit among those that share it.</param>
internal sealed record SharedName(string Name, LinkedListNode<(LoadedUnit Unit, Definition Definition)> Sharer);
