using ElfLoader.Libraries;
using ElfLoader.Loading;

namespace ElfLoader.Redirection;

/// <summary>
/// Units that are not defined any more, and of which something is to be called yet: a destructor that a thread owes, or that runs
/// at exit. What they may call of other units stays until nothing is.
/// </summary>
/// <remarks><see cref="EntryRegistry.Gate"/> guards it.</remarks>
internal sealed class OwedUnits
{
    private readonly List<LoadedUnit> _units = []; // in which to go on from the one that was found last
    private readonly HashSet<LoadedUnit> _known = []; // the same
    private int _last; // that was found to be owed something

    /// <summary>Notes, of units that are about to be freed, that such units may call them.</summary>
    internal static void Note(IReadOnlyCollection<LoadedUnit> leaving)
    {
        NativeProcess process = NativeProcess.Current;
        HashSet<LoadedUnit> all = [.. leaving];
        lock (process.Entries.Gate)
        {
            var owed = new OwedUnits();
            Stack<LoadedUnit> callers = [];
            foreach (LoadedUnit unit in all)
            {
                if (owed.TryAdd(unit))
                {
                    callers.Push(unit);
                }

                owed.AddOthers(unit, all, callers);
            }

            if (owed._units.Count > 0)
            {
                owed.Keep(all, callers, process.Graph);
            }
        }
    }

    /// <summary>One of the units, of which something is to be called yet; null if there is none.</summary>
    internal LoadedUnit? FindAny()
    {
        lock (NativeProcess.Current.Entries.Gate)
        {
            // Twice, because one may have called another one meanwhile, and left it with something to be called.
            for (int i = 0; i < 2 * _units.Count; i++)
            {
                NativeProcess.Current.Entries.OwedSteps++;
                int index = (_last + i) % _units.Count;
                if (_units[index] is { HasEnded: false, MayBeCalledYet: true })
                {
                    _last = index;
                    return _units[index];
                }
            }

            _units.Clear();
            _known.Clear();
            return null;
        }
    }

    /// <summary>Notes that a unit is about to be freed.</summary>
    internal static void End(LoadedUnit unit)
    {
        lock (NativeProcess.Current.Entries.Gate)
        {
            unit.HasEnded = true;
        }
    }

    /// <summary>Adds a unit of which something is to be called yet, and what may call it.</summary>
    /// <returns>Whether there is anything of the two.</returns>
    private bool TryAdd(LoadedUnit unit)
    {
        bool isOwed = unit.MayBeCalledYet;
        if (isOwed)
        {
            unit.HasEnded = false; // until it is freed
            Add(unit);
        }

        if (unit.OwedCallers is { } callers && callers != this && callers.FindAny() is not null)
        {
            isOwed = true;
            callers._units.ForEach(Add);
        }

        return isOwed;
    }

    private void Add(LoadedUnit unit)
    {
        NativeProcess.Current.Entries.OwedSteps++;
        if (_known.Add(unit))
        {
            _units.Add(unit);
        }
    }

    /// <summary>Adds those that left before, and call a unit through an entry.</summary>
    private void AddOthers(LoadedUnit unit, HashSet<LoadedUnit> leaving, Stack<LoadedUnit> callers)
    {
        HashSet<LoadedUnit> users = []; // of whichever function
        foreach (EntryFunction function in UnitEntries.FunctionsOf(unit))
        {
            if (function.Entry is not { Target: 0, Users.Count: > 0 } entry || !entry.IsHidden(unit, out _))
            {
                continue;
            }

            foreach (LoadedUnit user in entry.Users)
            {
                NativeProcess.Current.Entries.OwedSteps++;
                if (users.Add(user) && !leaving.Contains(user) && TryAdd(user))
                {
                    KeepFor(unit, callers);
                }
            }
        }
    }

    /// <summary>Keeps all that these, or what they call, may call.</summary>
    private void Keep(HashSet<LoadedUnit> leaving, Stack<LoadedUnit> callers, UnitGraph graph)
    {
        Dictionary<LoadedUnit, List<LoadedUnit>> called = graph.UsesAmong(leaving);
        foreach (LoadedUnit unit in leaving)
        {
            foreach (EntryFunction function in UnitEntries.FunctionsOf(unit))
            {
                if (function.Entry is { Target: 0 } entry && entry.IsHidden(unit, out _))
                {
                    foreach (LoadedUnit user in entry.Users.Where(leaving.Contains))
                    {
                        (called.TryGetValue(user, out List<LoadedUnit>? known) ? known : called[user] = []).Add(unit);
                    }
                }
            }
        }

        bool atExit = _units.Exists(unit => unit.MayBeCalledAtExit);
        while (callers.TryPop(out LoadedUnit? caller))
        {
            if (atExit && caller.OwedCallers == this)
            {
                LibraryContents.ReachCode(caller);
            }

            foreach (LoadedUnit unit in called.GetValueOrDefault(caller) ?? [])
            {
                KeepFor(unit, callers);
            }
        }
    }

    private void KeepFor(LoadedUnit unit, Stack<LoadedUnit> callers)
    {
        if (unit.OwedCallers != this)
        {
            _ = TryAdd(unit); // whoever may call it already
            unit.OwedCallers = this;
            callers.Push(unit);
        }
    }
}
