namespace ElfLoader.Linking;

/// <summary>How much of another unit a unit uses.</summary>
[Flags]
internal enum UnitUse
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Code that several units may have copies of (COMDAT, weak): whose copy serves is nobody's choice.</summary>
    SharedCode = 1,

    /// <summary>Data that several units may have copies of.</summary>
    SharedData = 2,

    /// <summary>Something that it has no copy of.</summary>
    Needed = 4,

    /// <summary>Whatever it was: the user has been unloaded, but a thread owes it a destructor, which may use it yet.</summary>
    Owed = 8,
}

/// <summary>Which units of the process use one another. Thread-safe.</summary>
/// <remarks>
/// A definition that several objects bring (COMDAT, weak, common) belongs to all of them, whoever came first: the unit that
/// brought it can go, but the memory stays until the last user has gone. Shared data is not destroyed before, either.
/// </remarks>
internal sealed class UnitGraph
{
    private readonly Lock _gate = new();

    /// <summary>Notes what a unit uses, before any of its code runs; from then on these units stay.</summary>
    /// <param name="unit">The unit.</param>
    /// <param name="uses">What it uses.</param>
    /// <param name="gone">One of these that has been unloaded since it was found; linking again will not find it.</param>
    /// <returns>False if there is such a unit; then nothing is noted.</returns>
    internal bool TryAdd(LoadedUnit unit, Dictionary<LoadedUnit, UnitUse> uses, out LoadedUnit? gone)
    {
        lock (_gate)
        {
            foreach ((LoadedUnit used, UnitUse use) in uses)
            {
                if (used.State is UnitState.Gone or UnitState.Superseded
                    || (used.State is UnitState.Leaving && (use & UnitUse.SharedData & ~used.Left) != 0))
                {
                    gone = used;
                    return false;
                }
            }

            foreach ((LoadedUnit used, UnitUse use) in uses)
            {
                unit.Uses[used] = use;
                used.UsedBy[unit] = use;
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

            List<string> needing = [];
            foreach ((LoadedUnit user, UnitUse how) in unit.UsedBy)
            {
                use |= how;
                if ((how & UnitUse.Needed) != 0)
                {
                    needing.Add(user.Name);
                }
            }

            if (needing.Count > 0)
            {
                throw new InvalidOperationException($"{unit.Name} is in use by {string.Join("; ", needing)}");
            }

            unit.State = use is UnitUse.None ? UnitState.Gone : UnitState.Leaving;
            unit.Left = use;
            return true;
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
            foreach ((LoadedUnit user, UnitUse how) in unit.UsedBy.ToArray())
            {
                if ((how & UnitUse.SharedCode) is 0 || user == by)
                {
                    continue;
                }

                user.Uses[by] = user.Uses.GetValueOrDefault(by) | UnitUse.SharedCode;
                by.UsedBy[user] = user.Uses[by];
                if (how is UnitUse.SharedCode)
                {
                    user.Uses.Remove(unit);
                    unit.UsedBy.Remove(user);
                }
            }
        }
    }

    /// <summary>The units that need something that only this one defines, or wait for it to end.</summary>
    internal List<LoadedUnit> Needing(LoadedUnit unit)
    {
        lock (_gate)
        {
            return [.. unit.UsedBy.Where(pair => (pair.Value & UnitUse.Needed) != 0).Select(pair => pair.Key)];
        }
    }

    /// <summary>The units that use something of this one.</summary>
    internal List<LoadedUnit> UsersOf(LoadedUnit unit)
    {
        lock (_gate)
        {
            return [.. unit.UsedBy.Keys];
        }
    }

    /// <summary>What others use of a unit that is being unloaded; it is noted.</summary>
    internal UnitUse SharedUse(LoadedUnit unit)
    {
        lock (_gate)
        {
            unit.Left = unit.UsedBy.Values.Aggregate(UnitUse.None, (all, use) => all | use);
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
            unit.State = unit.UsedBy.Count is 0 ? UnitState.Gone : UnitState.Leaving;
            return unit.State is UnitState.Gone;
        }
    }

    /// <summary>Notes that a unit is unloaded, but that a thread may still run code of it.</summary>
    internal void Retire(LoadedUnit unit)
    {
        lock (_gate)
        {
            foreach (LoadedUnit used in unit.Uses.Keys)
            {
                used.UsedBy[unit] = UnitUse.Owed;
            }
        }
    }

    /// <summary>Forgets what a unit used.</summary>
    /// <returns>Units that were waiting for it, and can go now.</returns>
    internal List<LoadedUnit> Remove(LoadedUnit unit)
    {
        lock (_gate)
        {
            List<LoadedUnit> freed = [];
            foreach (LoadedUnit used in unit.Uses.Keys)
            {
                used.UsedBy.Remove(unit);
                if (used.State is UnitState.Leaving && used.UsedBy.Count is 0)
                {
                    used.State = UnitState.Gone;
                    freed.Add(used);
                }
            }

            unit.Uses.Clear();
            return freed;
        }
    }
}
