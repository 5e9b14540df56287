using System.Text;

namespace ElfLoader.Linking;

/// <summary>
/// Who of a library's units shares which variable of vague linkage with others: brings a copy that gave way to one outside of
/// the library. The library has the name from one of them; when that goes, it has the name from another.
/// </summary>
/// <remarks>Not thread-safe: the library guards it.</remarks>
internal sealed class SharedNames
{
    // By the bytes of the name, one character for each: a name need not be UTF-8.
    private readonly Dictionary<string, List<(LoadedUnit Unit, Definition Definition)>> _sharers = new(StringComparer.Ordinal);

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

        List<string>? names = null;
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

            string key = Encoding.Latin1.GetString(name);
            if (!_sharers.TryGetValue(key, out List<(LoadedUnit, Definition)>? sharers))
            {
                _sharers.Add(key, sharers = []);
            }

            sharers.Add((unit, definition));
            (names ??= []).Add(key);
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
        unit.SharedNames?.RemoveAll(key => Leave(unit, key, definitions));
        if (unit.SharedNames is { Count: 0 })
        {
            unit.SharedNames = null;
        }
    }

    /// <returns>Whether the unit has nothing to do with the name any more.</returns>
    private bool Leave(LoadedUnit unit, string key, DefinitionTable definitions)
    {
        List<(LoadedUnit Unit, Definition Definition)> sharers = _sharers[key];
        byte[] name = Encoding.Latin1.GetBytes(key);
        ulong hash = NameHash.Of(name);
        Definition found = definitions.Find(hash, name);
        if (!found.Exists || found.SharedBy == unit)
        {
            int next = sharers.FindIndex(sharer => sharer.Unit != unit && sharer.Unit.IsLoaded);
            if (next >= 0)
            {
                definitions.Set(hash, name, sharers[next].Definition);
            }
            else if (found.Exists)
            {
                return false;
            }
        }

        sharers.RemoveAt(sharers.FindLastIndex(sharer => sharer.Unit == unit));
        if (sharers.Count is 0)
        {
            _sharers.Remove(key);
        }

        return true;
    }
}
