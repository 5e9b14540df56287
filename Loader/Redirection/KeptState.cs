namespace ElfLoader.Redirection;

/// <summary>
/// What generations of units share: the storage of kept variables, and everything that these may point to. It ends with the
/// last unit that is in use.
/// </summary>
/// <remarks><see cref="Gate"/> guards all of them.</remarks>
internal sealed class KeptState
{
    private readonly HashSet<LoadedUnit> _members = [];
    private readonly List<LoadedUnit> _left = [];

    internal static Lock Gate { get; } = new();

    /// <summary>Names of the variables.</summary>
    internal HashSet<string> Variables { get; } = [];

    /// <summary>Units that were looked at.</summary>
    internal long Steps { get; private set; }

    private int Size => _members.Count + _left.Count;

    /// <summary>Adds a new generation to what older ones share.</summary>
    internal static void Join(LoadedUnit unit, IEnumerable<LoadedUnit> older, IEnumerable<string> variables)
    {
        lock (Gate)
        {
            KeptState? state = unit.KeptState;
            List<LoadedUnit> joining = [unit, .. older];
            foreach (LoadedUnit other in joining)
            {
                if (other.KeptState is { } joined && joined != state)
                {
                    state = state is null ? joined : state.Size < joined.Size ? joined.Absorb(state) : state.Absorb(joined);
                }
            }

            state ??= new KeptState();
            foreach (LoadedUnit other in joining)
            {
                other.KeptState = state;
                _ = state._members.Add(other);
                state.Steps++;
            }

            state.Variables.UnionWith(variables);
        }
    }

    /// <summary>Ends a unit's part in it while others still have one, and leaves what they may use of it behind.</summary>
    /// <param name="unit">The unit, of which nobody runs code.</param>
    /// <param name="isUsed">Whether kept variables may be in it or point to it; else it has no part in it from now on.</param>
    /// <returns>Whether it was left behind.</returns>
    internal static bool TryLeaveBehind(LoadedUnit unit, bool isUsed)
    {
        lock (Gate)
        {
            if (unit.KeptState is not { } state || !state._members.Remove(unit))
            {
                return false;
            }

            if (state._members.Count is 0)
            {
                return false;
            }

            if (!isUsed)
            {
                unit.KeptState = null;
                return false;
            }

            state._left.Add(unit);
            return true;
        }
    }

    /// <summary>Ends a unit's part in it.</summary>
    /// <returns>What was left behind by others, if the unit was the last: the newest first.</returns>
    internal static List<LoadedUnit> Leave(LoadedUnit unit)
    {
        lock (Gate)
        {
            if (unit.KeptState is not { } state)
            {
                return [];
            }

            unit.KeptState = null;
            state._members.Remove(unit);
            if (state._members.Count > 0)
            {
                return [];
            }

            List<LoadedUnit> left = [.. state._left];
            left.Reverse();
            left.ForEach(other => other.KeptState = null);
            state._left.Clear();
            return left;
        }
    }

    /// <summary>Whether a unit was left behind, and others use it.</summary>
    internal static IReadOnlyCollection<string> VariablesOf(LoadedUnit unit)
    {
        lock (Gate)
        {
            return unit.KeptState is { } state ? [.. state.Variables] : [];
        }
    }

    /// <summary>Takes what another, smaller one has: nobody is taken over more often than the size can double.</summary>
    private KeptState Absorb(KeptState smaller)
    {
        foreach (LoadedUnit unit in (IEnumerable<LoadedUnit>)[.. smaller._members, .. smaller._left])
        {
            unit.KeptState = this;
            Steps++;
        }

        _members.UnionWith(smaller._members);
        _left.AddRange(smaller._left);
        Variables.UnionWith(smaller.Variables);
        Steps += smaller.Steps;
        return this;
    }
}
