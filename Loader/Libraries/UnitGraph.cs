namespace ElfLoader.Libraries;

/// <summary>Which units of the process use one another. Thread-safe.</summary>
/// <remarks>
/// A definition that several objects bring (COMDAT, weak, common) belongs to all of them, whoever came first: the unit that
/// brought it can go, but the memory stays until the last user has gone. Shared data is not destroyed before, either.
/// </remarks>
internal sealed partial class UnitGraph
{
    private readonly Lock _gate = new();
    private readonly UnitEdges _edges = new();

    /// <summary>Edges that were looked at.</summary>
    internal long Steps { get; private set; }

    /// <summary>Notes what a unit uses, before any of its code runs; from then on these units stay.</summary>
    /// <param name="unit">The unit.</param>
    /// <param name="uses">What it uses.</param>
    /// <param name="gone">One of these that has been unloaded since it was found; linking again will not find it.</param>
    /// <returns>False if there is such a unit; then nothing is noted.</returns>
    internal bool TryAdd(LoadedUnit unit, UnitUses uses, out LoadedUnit? gone)
    {
        lock (_gate)
        {
            foreach ((LoadedUnit used, UnitUse use) in uses.All)
            {
                if (used.State is UnitState.Gone or UnitState.Superseded
                    || (used.State is UnitState.Leaving && (use & UnitUse.SharedData & ~used.Left) != 0))
                {
                    gone = used;
                    return false;
                }
            }

            foreach ((LoadedUnit used, UnitUse use) in uses.All)
            {
                _ = _edges.Add(unit, used, use);
            }
        }

        gone = null;
        return true;
    }

    /// <summary>Marks a unit as unloaded.</summary>
    /// <param name="unit">The unit.</param>
    /// <param name="use">What others still use of it: nothing, or what they share.</param>
    /// <returns>False if it was unloaded before.</returns>
    /// <exception cref="InvalidOperationException">Others need what only it defines.</exception>
    internal bool TryLeave(LoadedUnit unit, out UnitUse use)
    {
        lock (_gate)
        {
            use = UnitUse.None;
            if (unit.State is not UnitState.Loaded)
            {
                return false;
            }

            List<string>? needing = null;
            for (int i = unit.FirstUser; i is not 0; i = _edges[i].NextUser)
            {
                ref readonly UnitEdge edge = ref _edges[i];
                use |= edge.Use;
                if ((edge.Use & UnitUse.Needed) != 0)
                {
                    (needing ??= []).Add(edge.User.Name);
                }
            }

            if (needing is not null)
            {
                throw new InvalidOperationException($"{unit.Name} is in use by {string.Join("; ", needing)}");
            }

            unit.State = use is UnitUse.None ? UnitState.Gone : UnitState.Leaving;
            unit.Left = use;
            return true;
        }
    }

    /// <summary>Marks units as not defined any more, all of them or none.</summary>
    /// <param name="units">The units.</param>
    /// <param name="keeping">Who uses functions of them, and keeps what it uses in memory.</param>
    /// <param name="keeps">Whether a unit that needs one of them does not mind, but keeps it in memory.</param>
    /// <exception cref="InvalidOperationException">Others need what only one of them defines; the message names these.</exception>
    internal void LeaveTogether(
        IReadOnlyCollection<LoadedUnit> units,
        IReadOnlyList<(LoadedUnit User, LoadedUnit Used)> keeping,
        Func<LoadedUnit, bool> keeps)
    {
        HashSet<LoadedUnit> leaving = [.. units];
        lock (_gate)
        {
            List<(LoadedUnit User, LoadedUnit Used)> kept = [.. keeping];
            foreach (LoadedUnit unit in units)
            {
                LoadedUnit[] needing =
                    [.. UsersOf(unit, UnitUse.Needed).Where(user => user.IsInUse && !leaving.Contains(user)).Distinct()];
                if (Array.FindAll(needing, user => !keeps(user)) is { Length: > 0 } refused)
                {
                    throw new InvalidOperationException(
                        $"{unit.Name} is in use by {string.Join("; ", refused.Select(user => user.Name))}");
                }

                kept.AddRange(needing.Select(user => (user, unit)));
            }

            foreach (LoadedUnit unit in units)
            {
                unit.State = UnitState.Superseded;
            }

            foreach ((LoadedUnit user, LoadedUnit used) in kept)
            {
                int edge = Find(user, used) is not 0 and int known ? known : _edges.Add(user, used, UnitUse.None);
                _edges[edge].Use |= UnitUse.Owed;
            }
        }
    }

    /// <summary>Refuses to unload a library's units of which others need something.</summary>
    /// <exception cref="InvalidOperationException">Others need what only one of them defines; the message names these.</exception>
    /// <remarks>No set of them is made: of many, it would be large enough to bring about a full garbage collection.</remarks>
    internal void RefuseIfNeeded(ObjectLibrary library, IReadOnlyList<LoadedUnit> units)
    {
        lock (_gate)
        {
            foreach (LoadedUnit unit in units)
            {
                HashSet<LoadedUnit>? needing = null;
                for (int i = unit.FirstUser; i is not 0; i = _edges[i].NextUser)
                {
                    if ((_edges[i].Use & UnitUse.Needed) != 0
                        && _edges[i].User is var user && (user.Library != library || user.State is not UnitState.Loaded))
                    {
                        (needing ??= []).Add(user);
                    }
                }

                if (needing is not null)
                {
                    throw new InvalidOperationException(
                        $"{unit.Name} is in use by {string.Join("; ", needing.Select(other => other.Name))}");
                }
            }
        }
    }

    /// <summary>
    /// Marks a unit as superseded by another one: who used shared code of it uses that of the other one, data stays.
    /// </summary>
    internal void Supersede(LoadedUnit unit, LoadedUnit by)
    {
        lock (_gate)
        {
            unit.State = UnitState.Superseded;
            int next;
            for (int i = unit.FirstUser; i is not 0; i = next)
            {
                (LoadedUnit user, UnitUse use) = (_edges[i].User, _edges[i].Use);
                next = _edges[i].NextUser;
                if ((use & UnitUse.SharedCode) is 0 || user == by)
                {
                    continue;
                }

                int other = Find(user, by) is not 0 and int known ? known : _edges.Add(user, by, UnitUse.None);
                _edges[other].Use |= UnitUse.SharedCode;
                if (use is UnitUse.SharedCode)
                {
                    _edges.Remove(i);
                }
            }
        }
    }

    /// <summary>The units that need something that only this one defines, or wait for it to end.</summary>
    internal List<LoadedUnit> Needing(LoadedUnit unit)
    {
        lock (_gate)
        {
            return [.. UsersOf(unit, UnitUse.Needed)];
        }
    }

    /// <summary>The units that use something of this one.</summary>
    internal List<LoadedUnit> UsersOf(LoadedUnit unit)
    {
        lock (_gate)
        {
            return [.. UsersOf(unit, ~UnitUse.None)];
        }
    }

    /// <summary>What others use of a unit that is being unloaded; it is noted.</summary>
    internal UnitUse SharedUse(LoadedUnit unit)
    {
        lock (_gate)
        {
            unit.Left = UnitUse.None;
            for (int i = unit.FirstUser; i is not 0; i = _edges[i].NextUser)
            {
                unit.Left |= _edges[i].Use;
            }

            return unit.Left;
        }
    }

    /// <summary>Brings a superseded unit back, or takes one out of use.</summary>
    internal void SetState(LoadedUnit unit, UnitState state)
    {
        lock (_gate)
        {
            unit.State = state;
        }
    }

    /// <summary>Ends a superseded unit that nobody uses; any other is to go with its last user.</summary>
    /// <returns>Whether it has ended.</returns>
    internal bool TryEnd(LoadedUnit unit)
    {
        lock (_gate)
        {
            unit.State = unit.FirstUser is 0 ? UnitState.Gone : UnitState.Leaving;
            return unit.State is UnitState.Gone;
        }
    }

    /// <summary>Notes that a unit is unloaded, but that a thread may still run code of it.</summary>
    internal void Retire(LoadedUnit unit)
    {
        lock (_gate)
        {
            for (int i = unit.FirstUse; i is not 0; i = _edges[i].NextUse)
            {
                _edges[i].Use = UnitUse.Owed;
            }
        }
    }

    /// <summary>Lets a unit, which nobody calls any more but the destructors of others' variables, go with their owners.</summary>
    /// <param name="unit">The unit.</param>
    /// <param name="owners">The owners. It does not keep them any more.</param>
    /// <returns>Those of them that were waiting for it, and can go now.</returns>
    internal IReadOnlyList<LoadedUnit> Leave(LoadedUnit unit, IReadOnlyCollection<LoadedUnit> owners)
    {
        lock (_gate)
        {
            unit.State = UnitState.Leaving;
            List<LoadedUnit> freed = [];
            foreach (LoadedUnit owner in owners)
            {
                _ = _edges.Add(owner, unit, UnitUse.Owed);
                if (Find(unit, owner) is not 0 and int edge)
                {
                    _edges.Remove(edge);
                    if (owner is { State: UnitState.Leaving, FirstUser: 0 })
                    {
                        owner.State = UnitState.Gone;
                        freed.Add(owner);
                    }
                }
            }

            return freed;
        }
    }

    /// <summary>Forgets what a unit used.</summary>
    /// <returns>Units that were waiting for it, and can go now; mostly there are none.</returns>
    internal IReadOnlyList<LoadedUnit> Remove(LoadedUnit unit)
    {
        lock (_gate)
        {
            List<LoadedUnit>? freed = null;
            while (unit.FirstUse is not 0 and int edge)
            {
                LoadedUnit used = _edges[edge].Used;
                _edges.Remove(edge);
                if (used is { State: UnitState.Leaving, FirstUser: 0 })
                {
                    used.State = UnitState.Gone;
                    (freed ??= []).Add(used);
                }
            }

            return freed ?? (IReadOnlyList<LoadedUnit>)[];
        }
    }

    private IEnumerable<LoadedUnit> UsersOf(LoadedUnit unit, UnitUse use)
    {
        for (int i = unit.FirstUser; i is not 0; i = _edges[i].NextUser)
        {
            Steps++;
            if ((_edges[i].Use & use) != 0)
            {
                yield return _edges[i].User;
            }
        }
    }

    private IEnumerable<LoadedUnit> UsedBy(LoadedUnit unit)
    {
        for (int i = unit.FirstUse; i is not 0; i = _edges[i].NextUse)
        {
            Steps++;
            yield return _edges[i].Used;
        }
    }

    /// <summary>That one unit uses another; 0 if it does not. Both lists are walked at a time, as far as the shorter one goes.</summary>
    private int Find(LoadedUnit user, LoadedUnit used)
    {
        int use = user.FirstUse;
        int other = used.FirstUser;
        while (use is not 0 && other is not 0)
        {
            Steps++;
            if (_edges[use].Used == used)
            {
                return use;
            }

            if (_edges[other].User == user)
            {
                return other;
            }

            (use, other) = (_edges[use].NextUse, _edges[other].NextUser);
        }

        return 0;
    }
}
