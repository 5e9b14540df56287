using ElfLoader.Loading;

namespace ElfLoader.Libraries;

/// <content>Units that go together.</content>
internal sealed partial class UnitGraph
{
    /// <summary>Which of some units uses which others of them.</summary>
    internal Dictionary<LoadedUnit, List<LoadedUnit>> UsesAmong(HashSet<LoadedUnit> units)
    {
        lock (_gate)
        {
            return units.ToDictionary(unit => unit, unit => UsedBy(unit).Where(units.Contains).ToList());
        }
    }

    /// <summary>The libraries that units use something of, directly or through others.</summary>
    internal HashSet<ObjectLibrary> LibrariesUsedBy(IEnumerable<LoadedUnit> units)
    {
        HashSet<LoadedUnit> seen = [.. units];
        HashSet<ObjectLibrary> libraries = [];
        List<LoadedUnit> found = [.. seen];
        for (int i = 0; i < found.Count; i++)
        {
            List<LoadedUnit> more = [];
            lock (_gate)
            {
                for (int edge = found[i].FirstUse; edge is not 0; edge = _edges[edge].NextUse)
                {
                    more.Add(_edges[edge].Used);
                }
            }

            IEnumerable<ObjectLibrary> used = more.Select(unit => unit.Library);
            lock (NativeProcess.Current.Entries.Gate)
            {
                used = [.. used, .. found[i].UsedEntries?.Select(entry => entry.Library) ?? []];
            }

            foreach (ObjectLibrary library in used)
            {
                if (libraries.Add(library))
                {
                    more.AddRange(library.Contents.Units); // whichever of them it is: entries do not tell
                }
            }

            found.AddRange(more.Where(seen.Add));
        }

        return libraries;
    }

    /// <summary>
    /// Ends units that are not defined any more, and others that were waiting for them, as far as only such units use them: also
    /// where they use one another.
    /// </summary>
    /// <param name="free">Units of which nobody runs code.</param>
    /// <returns>The units that have ended.</returns>
    internal List<LoadedUnit> EndTogether(IReadOnlyList<LoadedUnit> free)
    {
        lock (_gate)
        {
            HashSet<LoadedUnit> ending = [.. free];
            List<LoadedUnit> found = [.. free];
            Stack<LoadedUnit> staying = [];
            for (int i = 0; i < found.Count; i++)
            {
                LoadedUnit unit = found[i];
                if (UsersOf(unit, ~UnitUse.None).Any(user => !ending.Contains(user) && !IsWaiting(user)))
                {
                    staying.Push(unit);
                    continue; // so does all that it uses
                }

                foreach (LoadedUnit other in UsersOf(unit, ~UnitUse.None).Concat(UsedBy(unit)))
                {
                    if (IsWaiting(other) && ending.Add(other))
                    {
                        found.Add(other);
                    }
                }
            }

            while (staying.TryPop(out LoadedUnit? unit))
            {
                if (ending.Remove(unit))
                {
                    foreach (LoadedUnit used in UsedBy(unit).Where(ending.Contains))
                    {
                        staying.Push(used);
                    }
                }
            }

            found.RemoveAll(unit => !ending.Contains(unit));
            found.ForEach(unit => unit.State = UnitState.Gone);
            return found;
        }

        static bool IsWaiting(LoadedUnit unit) => unit is { State: UnitState.Leaving, KeptState: null };
    }
}
