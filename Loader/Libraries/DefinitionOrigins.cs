using ElfLoader.Elf;
using ElfLoader.Linking;

namespace ElfLoader.Libraries;

/// <summary>
/// What definitions of a table have in common: who brings them. Definitions that have more to say than where they are stand
/// here whole.
/// </summary>
internal sealed class DefinitionOrigins
{
    private const int LeastOrigins = 4;

    private BlockArray<Origin> _origins = new(LeastOrigins);
    private Stack<int>? _free;
    private int _count;

    private struct Origin
    {
        internal LoadedUnit? Unit;

        /// <summary>An <see cref="ElfObject"/>, the name of a provider, or a <see cref="Definition"/>.</summary>
        internal object? Source;

        /// <summary>Number of definitions.</summary>
        internal int Users;
    }

    /// <summary>Whether a definition stands here whole.</summary>
    internal static bool IsRare(in Definition definition) => definition.Size > uint.MaxValue
        || definition is not { Tls: null, Entry: null, Body: 0, Source: 0, SharedBy: null };

    /// <summary>The unit of a definition.</summary>
    internal LoadedUnit? UnitOf(int origin) => _origins[origin].Unit;

    /// <summary>Who provides a definition that is not rare.</summary>
    internal string ProviderOf(int origin) => _origins[origin].Source is ElfObject elf
        ? elf.Name
        : (string)_origins[origin].Source!;

    /// <summary>The object of a definition that was added with it.</summary>
    internal ElfObject ObjectOf(int origin) => (ElfObject)_origins[origin].Source!;

    /// <summary>A definition that is rare.</summary>
    internal Definition Rare(int origin) => (Definition)_origins[origin].Source!;

    /// <summary>Adds what a definition comes from.</summary>
    internal int Add(in Definition definition) =>
        New(definition.Holder, IsRare(definition) ? definition : definition.Provider);

    /// <summary>Adds what a definition of an object comes from.</summary>
    /// <param name="unit">The definition's unit.</param>
    /// <param name="elf">The object.</param>
    /// <param name="same">What was returned for another definition of that object; -1 for the first.</param>
    internal int Add(LoadedUnit? unit, ElfObject elf, int same)
    {
        if (same < 0)
        {
            return New(unit, elf);
        }

        _origins[same].Users++;
        return same;
    }

    /// <summary>Takes a definition away; the last one takes its origin with it.</summary>
    internal void Release(int origin)
    {
        if (--_origins[origin].Users is 0)
        {
            _origins[origin] = default;
            (_free ??= []).Push(origin);
        }
    }

    private int New(LoadedUnit? unit, object source)
    {
        if (_free is null || !_free.TryPop(out int index))
        {
            index = _count++;
            _ = _origins.Add(index);
        }

        _origins[index] = new Origin { Unit = unit, Source = source, Users = 1 };
        return index;
    }
}
