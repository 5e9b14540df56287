namespace ElfLoader.Libraries;

/// <summary>
/// That one unit uses another: an element of two lists, of what the one uses and of who uses the other, in the order in which
/// it was noted.
/// </summary>
internal struct UnitEdge
{
    /// <summary>The unit that uses the other.</summary>
    internal LoadedUnit User;

    /// <summary>The unit that is used.</summary>
    internal LoadedUnit Used;

    /// <summary>How much of it.</summary>
    internal UnitUse Use;

    /// <summary>What the user uses next; 0 if nothing.</summary>
    internal int NextUse;

    /// <summary>Who uses the used next; 0 if nobody.</summary>
    internal int NextUser;

    /// <summary>What the user used before; of a place that is free, the next free one.</summary>
    internal int PreviousUse;

    /// <summary>Who used the used before.</summary>
    internal int PreviousUser;
}

/// <summary>Who uses whom. A unit has the first and the last of its two lists; 0 stands for none.</summary>
/// <remarks>
/// They stand in arrays: an object for each would be a good part of what the garbage collector sees of many small units.
/// <see cref="UnitGraph"/> guards it.
/// </remarks>
internal sealed class UnitEdges
{
    private const int LeastEdges = 16;

    private BlockArray<UnitEdge> _edges = new(LeastEdges);
    private int _count = 1; // the first stands for none
    private int _free;
    private int _used;

    /// <summary>An edge.</summary>
    internal ref UnitEdge this[int edge] => ref _edges[edge];

    /// <summary>Adds one at the end of both lists.</summary>
    internal int Add(LoadedUnit user, LoadedUnit used, UnitUse use)
    {
        int edge = Take();
        this[edge] = new UnitEdge
        {
            User = user,
            Used = used,
            Use = use,
            PreviousUse = user.LastUse,
            PreviousUser = used.LastUser,
        };
        (user.LastUse is 0 ? ref user.FirstUse : ref this[user.LastUse].NextUse) = edge;
        (used.LastUser is 0 ? ref used.FirstUser : ref this[used.LastUser].NextUser) = edge;
        user.LastUse = edge;
        used.LastUser = edge;
        return edge;
    }

    /// <summary>Takes one out of both lists.</summary>
    internal void Remove(int edge)
    {
        ref UnitEdge removed = ref this[edge];
        (LoadedUnit user, LoadedUnit used) = (removed.User, removed.Used);
        (removed.PreviousUse is 0 ? ref user.FirstUse : ref this[removed.PreviousUse].NextUse) = removed.NextUse;
        (removed.NextUse is 0 ? ref user.LastUse : ref this[removed.NextUse].PreviousUse) = removed.PreviousUse;
        (removed.PreviousUser is 0 ? ref used.FirstUser : ref this[removed.PreviousUser].NextUser) = removed.NextUser;
        (removed.NextUser is 0 ? ref used.LastUser : ref this[removed.NextUser].PreviousUser) = removed.PreviousUser;
        Give(edge);
    }

    private int Take()
    {
        _used++;
        if (_free is not 0 and int free)
        {
            _free = this[free].PreviousUse;
            return free;
        }

        _ = _edges.Add(_count);
        return _count++;
    }

    private void Give(int edge)
    {
        if (--_used > 0)
        {
            this[edge] = new UnitEdge { PreviousUse = _free };
            _free = edge;
            return;
        }

        this[edge] = default;
        if (_count > LeastEdges)
        {
            _edges = new BlockArray<UnitEdge>(LeastEdges); // a process may have had many units, and never again
        }

        (_count, _free) = (1, 0);
    }
}
