using ElfLoader.Redirection;

namespace ElfLoader.Linking;

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
                return [.. _superseded];
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
                return [.. _retired];
            }
        }
    }

    /// <summary>Unloads units, so that nobody in an epoch sees some of them and not others.</summary>
    /// <exception cref="InvalidOperationException">Other units need them; the message names these.</exception>
    internal static void UnloadTogether(IReadOnlyList<LoadedUnit> units)
    {
        LoadedUnit[] loaded = [.. units.Where(unit => unit.State is UnitState.Loaded)];
        if (loaded.Length is 0)
        {
            return;
        }

        EpochGate.Publish(new ReplaceOptions().Timeout, generation =>
        {
            foreach (LoadedUnit unit in loaded)
            {
                LoadedUnit[] needing = [.. unit.Library.Contents.Dependents(unit).Except(loaded)];
                if (needing.Length > 0)
                {
                    throw new InvalidOperationException(
                        $"{unit.Name} is in use by {string.Join("; ", needing.Select(user => user.Name))}");
                }
            }

            foreach (LoadedUnit unit in loaded)
            {
                unit.Library.Contents.TakeAway(unit, generation);
            }
        });
        foreach (LibraryContents contents in loaded.Select(unit => unit.Library.Contents).Distinct())
        {
            _ = contents.Reclaim();
        }
    }

    /// <summary>Unloads a unit and all that depend on it, these first.</summary>
    internal static void UnloadWithDependents(LoadedUnit unit)
    {
        List<LoadedUnit> found = [unit];
        for (int i = 0; i < found.Count; i++)
        {
            found.AddRange(found[i].Library.Contents.Dependents(found[i]).Except(found));
        }

        found.Reverse();
        LoadedUnit[] redirected = [.. found.Where(one => one.Entries is not null || one.Library.Options.Redirectable)];
        foreach (LoadedUnit plain in found.Except(redirected))
        {
            plain.Unload();
        }

        UnloadTogether(redirected);
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

        return [.. needing.Where(user => user.State is UnitState.Loaded).Distinct()];
    }

    /// <summary>Takes a unit's definitions away; no thread is in an epoch.</summary>
    private void TakeAway(LoadedUnit unit, ulong generation)
    {
        lock (_gate)
        {
            UnitUse use = _process.Graph.SharedUse(unit);
            Forget(unit);
            _definitions.Remove(unit, use);
            _groups.Remove(unit);
            _pulled.ExceptWith(unit.Pulled);
            LeaveEntries(unit);
            _process.Graph.SetState(unit, UnitState.Superseded);
            _superseded.Add((unit, generation));
            _publications++;
            _removals++;
        }

        ForgetUse(unit);
    }

    /// <summary>Lets nobody reach a unit through entries any more, but where its definitions stay. The gate is held.</summary>
    private void LeaveEntries(LoadedUnit unit)
    {
        foreach (EntryFunction function in UnitEntries.FunctionsOf(unit))
        {
            CallEntry entry = function.Entry!;
            byte[] name = System.Text.Encoding.UTF8.GetBytes(entry.Name);
            ulong hash = NameHash.Of(name);
            if (entry.Target == function.Body && !_definitions.Find(hash, name).Exists)
            {
                entry.Redirect(0);
                (entry.PendingTarget, entry.PendingThread) = (function.Body, 0);
                if (entry.Lazy is not null)
                {
                    _definitions.Set(hash, name, LazyDefinition.DefinitionOf(entry)); // it can be called first once more
                }
            }
        }
    }

    /// <summary>Lets not even destructors call a unit any more.</summary>
    private static void ForgetCode(LoadedUnit unit)
    {
        foreach (EntryFunction function in UnitEntries.FunctionsOf(unit))
        {
            if (function.Entry!.PendingTarget == function.Body)
            {
                function.Entry.PendingTarget = 0;
            }
        }
    }

    /// <summary>Ends a unit's use of entries.</summary>
    private void ForgetUse(LoadedUnit unit)
    {
        lock (_process.Entries.Gate)
        {
            foreach (CallEntry entry in unit.UsedEntries ?? [])
            {
                _ = entry.Users.Remove(unit);
            }

            unit.UsedEntries = null;
        }
    }

    /// <summary>Frees what was superseded before every thread that is in an epoch entered it.</summary>
    private void ReclaimSuperseded()
    {
        lock (_gate)
        {
            if (_superseded.Count is 0)
            {
                return;
            }
        }

        ulong oldest = EpochGate.OldestGeneration();
        List<LoadedUnit> free = [];
        lock (_gate)
        {
            foreach ((LoadedUnit unit, ulong generation) in _superseded)
            {
                if (generation <= oldest)
                {
                    _process.Graph.SetState(unit, UnitState.Leaving); // it cannot come back
                    free.Add(unit);
                }
            }

            _superseded.RemoveAll(pair => pair.Generation <= oldest);
        }

        if (free.Count > 0)
        {
            CallResolution.EndUnits(() =>
            {
                free.ForEach(RunDestructors); // before any code goes that they may call
                free.ForEach(Dispose);
            });
        }
    }

    /// <summary>Runs the destructors of a unit whose data goes with it.</summary>
    private static void RunDestructors(LoadedUnit unit)
    {
        if (unit.KeptState is null && unit.Library.Contents._process.Graph.UsersOf(unit).Count is 0)
        {
            unit.Resources.RunDestructors();
        }
    }

    /// <summary>Frees as much as can be of a unit whose code nobody runs.</summary>
    private static void Dispose(LoadedUnit unit)
    {
        LibraryContents contents = unit.Library.Contents;
        if (KeptState.TryLeaveBehind(unit))
        {
            contents.ForgetUse(unit);
            FreeCode(unit);
            return;
        }

        foreach (LoadedUnit left in KeptState.Leave(unit))
        {
            Dispose(left);
        }

        contents.ForgetUse(unit);
        if (contents._process.Graph.TryEnd(unit))
        {
            contents.Finish(unit);
        }
        else
        {
            FreeCode(unit);
        }
    }

    private static void FreeCode(LoadedUnit unit)
    {
        if (!unit.RegistersExit && (unit.Left & UnitUse.SharedCode) is 0 && unit.TryFreeCode())
        {
            ForgetCode(unit);
            unit.Objects = default;
            unit.Entries = null;
        }
    }
}
