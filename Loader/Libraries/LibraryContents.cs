using System.Text;
using ElfLoader.Elf;
using ElfLoader.Linking;
using ElfLoader.Loading;
using ElfLoader.Memory;
using ElfLoader.Redirection;

namespace ElfLoader.Libraries;

/// <summary>What a library holds, definitions and units, and how it goes. Thread-safe.</summary>
internal sealed partial class LibraryContents
{
    private readonly Lock _gate = new();
    private readonly Lock _reclaiming = new();
    private readonly NativeProcess _process;
    private readonly DefinitionTable _definitions = new();
    private readonly DefinitionTable _groups = new(isOfGroups: true);
    private readonly SharedNames _shared = new();
    private readonly UnitList _units = new();
    private readonly UnitList _retired = new();
    private readonly HashSet<(Archive Archive, int Member)> _pulled = [];
    private bool _isClosed;
    private long _walked;

    internal LibraryContents(NativeProcess process) => _process = process;

    /// <summary>Units that were looked at to find out which of them change or go.</summary>
    internal long Steps => _walked + _units.Steps + _retired.Steps + _superseded.Steps + _shared.Steps;

    /// <summary>What has been loaded and not been unloaded, in the order of loading.</summary>
    internal IReadOnlyList<LoadedUnit> Units
    {
        get
        {
            lock (_gate)
            {
                return _units.ToArray();
            }
        }
    }

    /// <summary>What was loaded last of what has not been unloaded; null if there is nothing.</summary>
    internal LoadedUnit? LastUnit
    {
        get
        {
            lock (_gate)
            {
                return _units.Last;
            }
        }
    }

    /// <summary>Whether there are definitions.</summary>
    internal bool HasDefinitions => _definitions.Count > 0;

    /// <summary>The pool that the last unit was put into: the next one goes beside it where it can.</summary>
    internal MemoryPool? LastPool { get; set; }

    /// <summary>Adds a definition of the caller's.</summary>
    /// <exception cref="LinkException">There is one of that name.</exception>
    internal void Define(string library, string name, in Definition definition)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(name);
        ulong hash = NameHash.Of(bytes);
        lock (_gate)
        {
            if (_definitions.Find(hash, bytes) is { Exists: true, IsWeak: false } other)
            {
                throw new LinkException(
                    LinkErrorCode.Duplicate,
                    new LinkLocation(library, Symbol: name),
                    $"'{name}' is defined already by {other.Provider}");
            }

            RefuseIfClosed();
            _definitions.Set(hash, bytes, definition);
            Count(new ContentsChanges(1, 0));
        }
    }

    /// <summary>The definition of a name; one that does not exist where there is none.</summary>
    internal Definition Find(ulong hash, ReadOnlySpan<byte> name)
    {
        lock (_gate)
        {
            return _definitions.Find(hash, name);
        }
    }

    /// <summary>Whether units define any of some names.</summary>
    internal bool DefinesAny(HashedName[] names)
    {
        lock (_gate)
        {
            foreach (HashedName name in _definitions.Count > 0 ? names : [])
            {
                if (_definitions.Find(name.Hash, name.Bytes).Unit is not null)
                {
                    return true;
                }
            }

            return false;
        }
    }

    /// <summary>Whether a COMDAT group of this signature is loaded.</summary>
    internal bool HasGroup(ulong hash, ReadOnlySpan<byte> signature)
    {
        lock (_gate)
        {
            return _groups.Count > 0 && _groups.Find(hash, signature).Exists;
        }
    }

    /// <summary>Whether any of the groups is a section of which one copy is kept by its name.</summary>
    internal bool HasLinkOnce { get; private set; }

    /// <summary>Whether a unit came with an archive member.</summary>
    internal bool HasPulled(Archive archive, int member)
    {
        lock (_gate)
        {
            return _pulled.Contains((archive, member));
        }
    }

    /// <inheritdoc cref="LoadedUnit.Unload()"/>
    internal void Unload(LoadedUnit unit)
    {
        if (unit.Entries is not null || unit.Library.Options.Redirectable)
        {
            UnloadTogether([unit]);
            return;
        }

        if (!_process.Graph.TryLeave(unit, out UnitUse use))
        {
            return;
        }

        lock (_gate)
        {
            _ = _units.Remove(unit);
            Count(new ContentsChanges(0, 1));
            RemoveDefinitions(unit, use);
            _groups.Remove(unit); // the next copy of a group is loaded: what of the old one is shared prevails by name
            _pulled.ExceptWith(unit.Pulled);
        }

        if ((use & (UnitUse.SharedData | UnitUse.Owed)) == 0)
        {
            CallResolution.RunDestructors(unit);
        }

        if (use is UnitUse.None)
        {
            Finish(unit);
        }

        _process.KeptLibraries.Reclaim();
    }

    /// <summary>Lets nothing be added any more.</summary>
    internal void Close()
    {
        lock (_gate)
        {
            _isClosed = true;
        }
    }

    /// <summary>Lets things be added again.</summary>
    internal void Open()
    {
        lock (_gate)
        {
            _isClosed = false;
        }
    }

    /// <summary>Refuses to add to what has been disposed. The gate is held.</summary>
    private void RefuseIfClosed() => ObjectDisposedException.ThrowIf(_isClosed, typeof(ObjectLibrary));

    /// <summary>Removes the definitions that a unit holds, but what others still use of it; the gate is held.</summary>
    private void RemoveDefinitions(LoadedUnit unit, UnitUse left)
    {
        _definitions.Remove(unit, left);
        _shared.Leave(unit, _definitions);
    }

    /// <summary>Takes a unit back whose start has failed: the destructors of what ran are run, while it can still be called.</summary>
    internal void Abandon(LoadedUnit unit)
    {
        unit.State = UnitState.Gone;
        CallResolution.RunDestructors(unit);
        unit.Entries?.Withdraw(unit);
        foreach (LoadedUnit left in KeptState.Leave(unit))
        {
            Dispose(left);
        }

        FinishAll(End(unit));
        _process.KeptLibraries.Reclaim();
    }

    /// <summary>Gives back what nobody uses any more.</summary>
    private static void Finish(LoadedUnit unit) => FinishAll(unit.Library.Contents.FinishOne(unit));

    /// <summary>Gives back what nobody uses any more, and what only these used: chains may be long.</summary>
    private static void FinishAll(IReadOnlyList<LoadedUnit> units)
    {
        if (units.Count is 0)
        {
            return;
        }

        Stack<LoadedUnit> due = new(units.Reverse());
        while (due.TryPop(out LoadedUnit? unit))
        {
            IReadOnlyList<LoadedUnit> freed = unit.Library.Contents.FinishOne(unit);
            for (int i = freed.Count - 1; i >= 0; i--)
            {
                due.Push(freed[i]);
            }
        }
    }

    /// <summary>Gives one unit back.</summary>
    /// <returns>What nobody uses any more now.</returns>
    private IReadOnlyList<LoadedUnit> FinishOne(LoadedUnit unit)
    {
        lock (_gate)
        {
            Count(new ContentsChanges(0, 1));
            RemoveDefinitions(unit, UnitUse.None);
            _groups.Remove(unit);
            LeaveEntries(unit);
        }

        return End(unit);
    }

    /// <summary>Ends a unit that nobody can find.</summary>
    /// <returns>What nobody uses any more now.</returns>
    private IReadOnlyList<LoadedUnit> End(LoadedUnit unit)
    {
        CallResolution.RunDestructors(unit);
        unit.Objects = default;
        if (CanFree(unit))
        {
            Free(unit);
            return _process.Graph.Remove(unit);
        }

        if (unit.ForeignDestructors is { Count: > 0 } foreign)
        {
            ReachCode(unit);
            if (foreign.Owners is { } owners)
            {
                return _process.Graph.Leave(unit, owners); // it goes with the last of these
            }
        }

        _process.Graph.Retire(unit);
        lock (_gate)
        {
            _retired.Add(unit);
        }

        return [];
    }

    /// <summary>
    /// Whether a unit's memory can be given back: no thread owes it a destructor, which may call any of its functions, and none
    /// looks at what it has told of itself. From here on nobody calls it.
    /// </summary>
    private static bool CanFree(LoadedUnit unit)
    {
        if (!unit.CanFree())
        {
            return false;
        }

        ForgetCode(unit);
        unit.Entries = null; // it knows what the unit took the place of
        return true;
    }

    /// <summary>Gives the memory of a unit back; no lock is held.</summary>
    private static void Free(LoadedUnit unit)
    {
        unit.Library.Contents.ForgetUse(unit);
        unit.Library.Tell(unit);
        unit.Free();
    }

    /// <inheritdoc cref="ObjectLibrary.Reclaim"/>
    internal int Reclaim()
    {
        List<LoadedUnit> freed = [];
        ReclaimSuperseded();
        lock (_reclaiming)
        {
            LoadedUnit[] candidates;
            lock (_gate)
            {
                candidates = _retired.ToArray();
            }

            freed.AddRange(candidates.Where(CanFree));
            lock (_gate)
            {
                freed.ForEach(unit => _retired.Remove(unit));
            }
        }

        foreach (LoadedUnit unit in freed)
        {
            Free(unit);
            FinishAll(_process.Graph.Remove(unit));
        }

        _process.KeptLibraries.Reclaim();
        lock (_gate)
        {
            return _retired.Count + _superseded.Count;
        }
    }
}
