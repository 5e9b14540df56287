using ElfLoader.Linking;
using ElfLoader.Loading;
using ElfLoader.Redirection;

namespace ElfLoader.Libraries;

/// <content>What is not defined any more: how it goes, and when it is freed.</content>
internal sealed partial class LibraryContents
{
    /// <summary>Units that are not defined any more, and have not been reclaimed.</summary>
    internal IReadOnlyList<(LoadedUnit Unit, ulong Generation)> Superseded
    {
        get
        {
            lock (_gate)
            {
                return [.. _superseded.From(0).Select(unit => (unit, unit.SupersededIn))];
            }
        }
    }

    /// <summary>Units whose destructors threads owe.</summary>
    internal IReadOnlyList<LoadedUnit> Retired
    {
        get
        {
            lock (_gate)
            {
                return _retired.ToArray();
            }
        }
    }

    /// <summary>The generation in which a unit was superseded, if it has not been reclaimed since; else null.</summary>
    internal ulong? SupersededIn(LoadedUnit unit)
    {
        lock (_gate)
        {
            return _superseded.Contains(unit) ? unit.SupersededIn : null;
        }
    }

    /// <summary>Whether threads owe a unit destructors.</summary>
    internal bool IsRetired(LoadedUnit unit)
    {
        lock (_gate)
        {
            return _retired.Contains(unit);
        }
    }

    /// <summary>Unloads units, so that nobody in an epoch sees some of them and not others.</summary>
    /// <param name="units">The units.</param>
    /// <param name="isLibrary">
    /// Whether they are all that a library has. Then units of libraries that it uses in turn are no reason to refuse: what they
    /// need stays in memory, and can be called, until they go.
    /// </param>
    /// <exception cref="InvalidOperationException">Other units need them; the message names these.</exception>
    internal static void UnloadTogether(IReadOnlyList<LoadedUnit> units, bool isLibrary = false)
    {
        if (!units.Any(unit => unit.State is UnitState.Loaded))
        {
            return;
        }

        foreach (ObjectLibrary library in units.Select(unit => unit.Library).Distinct())
        {
            library.Contents.RefuseInInitializer(library.Name, "Unload");
        }

        HashSet<ObjectLibrary>? mutual = isLibrary ? NativeProcess.Current.Graph.LibrariesUsedBy(units) : null;
        bool Keeps(LoadedUnit user) => mutual is not null && mutual.Contains(user.Library);

        LoadedUnit[] loaded = [];
        EpochGate.Publish(new ReplaceOptions().Timeout, generation =>
        {
            loaded = [.. units.Distinct().Where(unit => unit.State is UnitState.Loaded)]; // others may have been faster
            using var held = HeldEntries.Of(loaded, Keeps);
            NativeProcess.Current.Graph.LeaveTogether(loaded, held.Keeping, Keeps);
            foreach (LoadedUnit unit in loaded)
            {
                unit.Library.Contents.TakeAway(unit, generation);
            }

            foreach (LoadedUnit used in held.Keeping.Select(pair => pair.Used).Distinct())
            {
                ReachCode(used);
            }
        });
        foreach (LibraryContents contents in loaded.Select(unit => unit.Library.Contents).Distinct())
        {
            contents.ReclaimSuperseded();
        }

        NativeProcess.Current.KeptLibraries.Reclaim();
    }

    /// <summary>Unloads a unit and all that depend on it, these first: all of them or, where any can be redirected, none.</summary>
    internal static void UnloadWithDependents(LoadedUnit unit)
    {
        List<LoadedUnit> found = InOrderOfUnloading(unit);
        if (found.Exists(one => one.Entries is not null || one.Library.Options.Redirectable))
        {
            UnloadTogether(found);
            return;
        }

        found.ForEach(plain => plain.Unload());
    }

    /// <summary>A unit and all that depend on it: each behind those that depend on it, however these depend on one another.</summary>
    private static List<LoadedUnit> InOrderOfUnloading(LoadedUnit unit)
    {
        List<LoadedUnit> ordered = [];
        HashSet<LoadedUnit> seen = [unit];
        Stack<(LoadedUnit Unit, List<LoadedUnit> Dependents, int Next)> path = new([(unit, DependentsOf(unit), 0)]);
        while (path.TryPop(out (LoadedUnit Unit, List<LoadedUnit> Dependents, int Next) top))
        {
            unit.Library.Contents._walked++;
            if (top.Next == top.Dependents.Count)
            {
                ordered.Add(top.Unit);
                continue;
            }

            path.Push(top with { Next = top.Next + 1 });
            LoadedUnit dependent = top.Dependents[top.Next];
            if (seen.Add(dependent))
            {
                path.Push((dependent, DependentsOf(dependent), 0));
            }
        }

        return ordered;

        static List<LoadedUnit> DependentsOf(LoadedUnit unit) => unit.Library.Contents.Dependents(unit);
    }

    /// <summary>The units that use something of one that is no entry.</summary>
    internal List<LoadedUnit> UsersOf(LoadedUnit unit) => _process.Graph.UsersOf(unit);

    /// <summary>The units in use that need something which only this one defines.</summary>
    internal List<LoadedUnit> Dependents(LoadedUnit unit)
    {
        List<LoadedUnit> needing = _process.Graph.Needing(unit);
        foreach (EntryFunction function in UnitEntries.FunctionsOf(unit))
        {
            if (function.Entry is not { Lazy: null } entry || entry.Target != function.Body)
            {
                continue;
            }

            lock (_process.Entries.Gate)
            {
                needing.AddRange(entry.Users.Where(user => user != unit));
            }
        }

        return [.. needing.Where(user => user.IsInUse).Distinct()];
    }

    /// <summary>Takes a unit's definitions away; no thread is in an epoch.</summary>
    private void TakeAway(LoadedUnit unit, ulong generation)
    {
        lock (_gate)
        {
            UnitUse use = _process.Graph.SharedUse(unit);
            _ = _units.Remove(unit);
            RemoveDefinitions(unit, use);
            _groups.Remove(unit);
            _pulled.ExceptWith(unit.Pulled);
            LeaveEntries(unit);
            AddSuperseded(unit, generation);
            _publications++;
            Count(new ContentsChanges(0, 1));
        }
    }

    /// <summary>Lets nobody reach a unit through entries any more, but where its definitions stay. The gate is held.</summary>
    private void LeaveEntries(LoadedUnit unit)
    {
        foreach (EntryFunction function in UnitEntries.FunctionsOf(unit))
        {
            CallEntry entry = function.Entry!;
            byte[] name = System.Text.Encoding.UTF8.GetBytes(entry.Name);
            ulong hash = NameHash.Of(name);
            if (entry.Target != function.Body || _definitions.Find(hash, name).Body == function.Body)
            {
                continue;
            }

            lock (_process.Entries.Gate)
            {
                entry.Redirect(0);
                entry.Hide(new HiddenCode(function.Body, unit, Thread: 0));
            }

            if (entry.Lazy is not null)
            {
                _definitions.Set(hash, name, LazyDefinition.DefinitionOf(entry)); // it can be called first once more
            }
        }
    }

    /// <summary>Lets not even destructors call a unit any more.</summary>
    private static void ForgetCode(LoadedUnit unit)
    {
        if (unit.Entries is null)
        {
            return;
        }

        List<CallEntry> entries = [];
        lock (NativeProcess.Current.Entries.Gate)
        {
            foreach (EntryFunction function in UnitEntries.FunctionsOf(unit))
            {
                if (function.Entry is { } entry)
                {
                    entry.Reveal(unit);
                    entries.Add(entry);
                }
            }
        }

        unit.Library.TrimIfDisposed(entries);
    }

    /// <summary>Ends a unit's use of entries.</summary>
    private void ForgetUse(LoadedUnit unit)
    {
        if (unit.UsedEntries is not { } used)
        {
            return;
        }

        lock (_process.Entries.Gate)
        {
            used.ForEach(entry => entry.Users.Remove(unit));
            unit.UsedEntries = null;
        }

        foreach (IGrouping<ObjectLibrary, CallEntry> entries in used.GroupBy(entry => entry.Library))
        {
            entries.Key.TrimIfDisposed(entries);
        }
    }

    /// <summary>Notes that nothing of a unit is defined any more. The gate is held.</summary>
    private void AddSuperseded(LoadedUnit unit, ulong generation)
    {
        unit.SupersededIn = generation;
        _superseded.Add(unit);
    }

    /// <summary>Frees what can be freed of what was superseded; the last of a library that has been disposed goes when it can.</summary>
    private void ReclaimSuperseded()
    {
        _ = FreeUnused();
        if (IsKept)
        {
            _process.KeptLibraries.Add(this);
        }
    }

    /// <summary>Whether the library has been disposed, and threads in epochs keep units of it.</summary>
    internal bool IsKept
    {
        get
        {
            lock (_gate)
            {
                return _isClosed && _superseded.Count > 0;
            }
        }
    }

    /// <summary>Frees what was superseded before every thread that is in an epoch entered it.</summary>
    /// <returns>Whether there was any.</returns>
    internal bool FreeUnused()
    {
        List<LoadedUnit> free = TakeUnused();
        bool any = free.Count > 0;
        while (free.Count > 0)
        {
            List<LoadedUnit> ending = _process.Graph.EndTogether(free.FindAll(unit => unit.KeptState is null));
            ending.ForEach(CallResolution.RunDestructors); // before any code goes that they may call
            OwedUnits.Note([.. free, .. ending]);
            free.FindAll(unit => unit.State is UnitState.Leaving).ForEach(Dispose);
            FinishAll(ending);
            free = TakeUnused(); // others may have found this thread in an epoch, where it ran the destructors
        }

        return any;
    }

    /// <summary>Takes out what was superseded before every thread that is in an epoch entered it: it cannot come back.</summary>
    private List<LoadedUnit> TakeUnused()
    {
        lock (_gate)
        {
            if (_superseded.Count is 0)
            {
                return [];
            }
        }

        ulong oldest = EpochGate.OldestGeneration();
        List<LoadedUnit> unused = [];
        lock (_gate)
        {
            while (_superseded.TryGetFirst(out LoadedUnit? unit) && unit.SupersededIn <= oldest) // they stand by generation
            {
                _process.Graph.SetState(unit, UnitState.Leaving);
                _ = _superseded.Remove(unit);
                unused.Add(unit);
            }
        }

        return unused;
    }

    /// <summary>Frees as much as can be of a unit whose code nobody runs.</summary>
    private static void Dispose(LoadedUnit unit)
    {
        LibraryContents contents = unit.Library.Contents;
        if (KeptState.TryLeaveBehind(unit, unit.RegistersExit || StateSections.MayBePointedTo(unit)))
        {
            FreeCode(unit);
            return;
        }

        foreach (LoadedUnit left in KeptState.Leave(unit))
        {
            Dispose(left);
        }

        if (contents._process.Graph.TryEnd(unit))
        {
            Finish(unit);
        }
        else
        {
            FreeCode(unit);
        }
    }

    private static void FreeCode(LoadedUnit unit)
    {
        if (unit.RegistersExit)
        {
            ReachCode(unit);
        }
        else if ((unit.Left & (UnitUse.SharedCode | UnitUse.Owed)) is 0 && !unit.IsOwed)
        {
            ForgetCode(unit);
            unit.Resources.FreeCode();
            unit.Library.Contents.ForgetUse(unit);
            unit.Objects = default;
            unit.Entries = null;
        }
    }

    /// <summary>Lets calls reach a unit that stays for what the process runs at exit, when nobody can resolve calls.</summary>
    internal static void ReachCode(LoadedUnit unit)
    {
        lock (NativeProcess.Current.Entries.Gate)
        {
            foreach (EntryFunction function in UnitEntries.FunctionsOf(unit))
            {
                if (function.Entry is { Target: 0, Lazy: null } entry)
                {
                    entry.ReachHidden(unit);
                }
            }
        }
    }
}
