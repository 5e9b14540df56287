namespace ElfLoader.Linking;

/// <summary>How much of another unit a unit uses.</summary>
[Flags]
internal enum UnitUse
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Code that it has a copy of too (COMDAT, weak): whose copy serves is nobody's choice.</summary>
    SharedCode = 1,

    /// <summary>Data that it has a copy of too.</summary>
    SharedData = 2,

    /// <summary>Something that only the other unit defines.</summary>
    Needed = 4,
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
    /// <exception cref="LinkException">One of them is being unloaded.</exception>
    internal void Add(LoadedUnit unit, Dictionary<LoadedUnit, UnitUse> uses)
    {
        lock (_gate)
        {
            foreach ((LoadedUnit used, _) in uses)
            {
                if (used.State is UnitState.Gone)
                {
                    throw new LinkException(
                        LinkErrorCode.Undefined, new LinkLocation(unit.Name), $"{used.Name}, which it uses, has just been unloaded");
                }
            }

            foreach ((LoadedUnit used, UnitUse use) in uses)
            {
                unit.Uses[used] = use;
                used.UsedBy[unit] = use;
            }
        }
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
            return true;
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
