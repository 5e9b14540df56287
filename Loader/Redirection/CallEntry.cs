
namespace ElfLoader.Redirection;

/// <summary>
/// The canonical address of one function of a library, and the cell that tells where its code is. It belongs to the library
/// and outlives the units that bring the code.
/// </summary>
/// <remarks><see cref="EntryRegistry"/> guards what changes, but the cell itself, which is one word.</remarks>
internal sealed class CallEntry
{
    private readonly EntryChunk _chunk;
    private readonly int _index;
    private ulong _target;
    private HiddenCodes? _hidden;
    private LoadedUnit? _reachesHiddenOf;

    internal CallEntry(ObjectLibrary library, string name, uint number, EntryChunk chunk, int index)
    {
        Library = library;
        Name = name;
        Number = number;
        _chunk = chunk;
        _index = index;
        Address = chunk.AddressOf(index);
    }

    /// <summary>Whose it is.</summary>
    internal ObjectLibrary Library { get; }

    /// <summary>The function's name.</summary>
    internal string Name { get; }

    /// <summary>What tells it apart in the process.</summary>
    internal uint Number { get; }

    /// <summary>The canonical address.</summary>
    internal ulong Address { get; }

    /// <summary>Where the code is that everybody calls; 0 if there is none.</summary>
    internal ulong Target => Volatile.Read(ref _target);

    /// <summary>Where its code comes from when it is called first; null for nowhere.</summary>
    internal LazyDefinition? Lazy { get; set; }

    /// <summary>Code that only some calls reach; null if there is none.</summary>
    internal HiddenCodes? Hidden => _hidden is { IsEmpty: false } hidden ? hidden : null;

    /// <summary>Places for hidden code that were looked at.</summary>
    internal long HiddenSteps => _hidden?.Steps ?? 0;

    /// <summary>Where it lies.</summary>
    internal EntryChunk Chunk => _chunk;

    /// <summary>Whether the last symbol that was published for it had no type: it may be data.</summary>
    internal bool IsUntyped { get; set; }

    /// <summary>Links that have not been published yet and will define it.</summary>
    internal int Claims { get; set; }

    /// <summary>Whether anybody may hold its address: it has been published, with code or without.</summary>
    internal bool IsKnown { get; set; }

    /// <summary>Whether a publication is about to take its code away: nobody may come to use it.</summary>
    internal bool IsLeaving { get; set; }

    /// <summary>Units that call it or hold its address, and have no copy of it.</summary>
    internal HashSet<LoadedUnit> Users { get; } = [];

    /// <summary>Whether anything would miss it.</summary>
    internal bool IsIdle => Target is 0 && Lazy is null && Claims is 0 && Users.Count is 0 && Hidden is null;

    /// <summary>Lets all calls from now on go to another place, with one store.</summary>
    /// <param name="target">Where the code is; 0 for nowhere.</param>
    internal void Redirect(ulong target)
    {
        IsKnown |= target is not 0;
        _reachesHiddenOf = null;
        Volatile.Write(ref _target, target);
        _chunk.Store(_index, target);
    }

    /// <summary>Whether it has hidden code of a unit. The registry's gate is held.</summary>
    internal bool IsHidden(LoadedUnit unit, out ulong body)
    {
        int place = _hidden?.PlaceOf(unit) ?? -1;
        body = place >= 0 ? _hidden![place].Body : 0;
        return place >= 0;
    }

    /// <summary>Notes code that only some calls reach. The registry's gate is held.</summary>
    internal void Hide(in HiddenCode code)
    {
        Reveal(code.Unit);
        (_hidden ??= new HiddenCodes()).Add(code);
    }

    /// <summary>
    /// Lets calls reach a unit's hidden code without being resolved, for as long as there is no other. The registry's gate is held.
    /// </summary>
    internal void ReachHidden(LoadedUnit unit)
    {
        if (Target is 0 && IsHidden(unit, out ulong body))
        {
            _reachesHiddenOf = unit;
            _chunk.Store(_index, body);
        }
    }

    /// <summary>Lets calls reach hidden code by being resolved only. The registry's gate is held.</summary>
    internal void CloseHidden()
    {
        if (_reachesHiddenOf is not null)
        {
            Redirect(0);
        }
    }

    /// <summary>Forgets that a unit's code is hidden. The registry's gate is held.</summary>
    internal void Reveal(LoadedUnit unit)
    {
        if (_reachesHiddenOf == unit)
        {
            CloseHidden();
        }

        _hidden?.Remove(unit);
    }

    /// <summary>Whether its place is others'.</summary>
    internal bool IsGone { get; private set; }

    /// <summary>Tells its name to loaded code that asks the dynamic linker.</summary>
    internal void MakeKnown() => _chunk.SetName(_index, Name);

    /// <summary>Gives its place to others.</summary>
    internal void Free()
    {
        IsGone = true;
        _chunk.Free(_index);
    }
}
