using ElfLoader.Elf;

namespace ElfLoader.Linking;

/// <summary>
/// What definitions of a table have in common: who brings them. Definitions that have more to say than where they are stand
/// here whole.
/// </summary>
internal sealed class DefinitionOrigins
{
    // In blocks, which stay where they are and are no large objects, however many there are.
    private const int BlockBits = 6;
    private const int BlockSize = 1 << BlockBits;
    private const int LeastOrigins = 4;

    private readonly List<Origin[]> _blocks = [new Origin[LeastOrigins]]; // the first grows, the others are whole
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
        || definition is not { Tls: null, Entry: null, Body: 0, Source: 0 };

    /// <summary>The unit of a definition.</summary>
    internal LoadedUnit? UnitOf(int origin) => At(origin).Unit;

    /// <summary>Who provides a definition that is not rare.</summary>
    internal string ProviderOf(int origin) => At(origin).Source is ElfObject elf
        ? elf.Name
        : (string)At(origin).Source!;

    /// <summary>The object of a definition that was added with it.</summary>
    internal ElfObject ObjectOf(int origin) => (ElfObject)At(origin).Source!;

    /// <summary>A definition that is rare.</summary>
    internal Definition Rare(int origin) => (Definition)At(origin).Source!;

    /// <summary>Adds what a definition comes from.</summary>
    internal int Add(in Definition definition) =>
        New(definition.Unit, IsRare(definition) ? definition : definition.Provider);

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

        At(same).Users++;
        return same;
    }

    /// <summary>Takes a definition away; the last one takes its origin with it.</summary>
    internal void Release(int origin)
    {
        if (--At(origin).Users is 0)
        {
            At(origin) = default;
            (_free ??= []).Push(origin);
        }
    }

    private int New(LoadedUnit? unit, object source)
    {
        if (_free is null || !_free.TryPop(out int index))
        {
            index = _count++;
            Reserve(index);
        }

        At(index) = new Origin { Unit = unit, Source = source, Users = 1 };
        return index;
    }

    private ref Origin At(int origin) => ref _blocks[origin >> BlockBits][origin & (BlockSize - 1)];

    private void Reserve(int index)
    {
        if (index >> BlockBits == _blocks.Count)
        {
            _blocks.Add(new Origin[BlockSize]);
        }
        else if (index == _blocks[0].Length)
        {
            Origin[] first = _blocks[0];
            Array.Resize(ref first, index * 2);
            _blocks[0] = first;
        }
    }
}
