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

    /// <summary>Adds a new generation to what older ones share.</summary>
    internal static void Join(LoadedUnit unit, IEnumerable<LoadedUnit> older, IEnumerable<string> variables)
    {
        lock (Gate)
        {
            KeptState state = unit.KeptState ??= new KeptState();
            state._members.Add(unit);
            foreach (LoadedUnit other in older)
            {
                if (other.KeptState is { } joined && joined != state)
                {
                    foreach (LoadedUnit member in joined._members)
                    {
                        member.KeptState = state;
                    }

                    state._members.UnionWith(joined._members);
                    state._left.AddRange(joined._left);
                    state._left.ForEach(left => left.KeptState = state);
                    state.Variables.UnionWith(joined.Variables);
                }

                other.KeptState = state;
                state._members.Add(other);
            }

            state.Variables.UnionWith(variables);
        }
    }

    /// <summary>Leaves a unit's data behind for those who still use it; false if nobody does.</summary>
    internal static bool TryLeaveBehind(LoadedUnit unit)
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
}
