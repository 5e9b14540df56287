using ElfLoader.Elf;
using ElfLoader.Redirection;

namespace ElfLoader.Linking;

/// <content>Generations: what takes the place of what, and when that is freed.</content>
internal sealed partial class LibraryContents
{
    private readonly List<(LoadedUnit Unit, ulong Generation)> _superseded = [];
    private long _publications;

    /// <summary>How often definitions have been replaced or taken away.</summary>
    internal long Publications => Interlocked.Read(ref _publications);

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

    /// <summary>Lets a unit's definitions take the place of others; no thread is in an epoch.</summary>
    internal Replacement PublishReplacement(
        ulong generation,
        LoadedUnit unit,
        SymbolResolution resolution,
        IReadOnlyList<(Archive, int)> pulled,
        IReadOnlyList<StateReport> state,
        bool ranInitializers)
    {
        lock (_gate)
        {
            List<NameChange> changes = [];
            LinkSymbols symbols = resolution.Symbols;
            for (int i = 0; i < symbols.Count; i++)
            {
                ref LinkSymbol symbol = ref symbols[i];
                if (!PublishedSymbols.IsDefined(symbol))
                {
                    continue;
                }

                ReadOnlySpan<byte> name = symbols.Name(i);
                changes.Add(new NameChange(
                    symbol.Hash,
                    name.ToArray(),
                    _definitions.Find(symbol.Hash, name),
                    PublishedSymbols.DefinitionOf(unit, resolution, unit.Entries, i)));
            }

            SetGroups(unit, resolution);
            _pulled.UnionWith(pulled);
            _units.Add(unit);
            unit.Pulled = pulled;
            unit.State = UnitState.Loaded;
            return new Replacement(unit.Library, unit, generation, changes)
            {
                State = state,
                RanInitializers = ranInitializers,
                Superseded = Apply(changes, unit, generation),
            };
        }
    }

    /// <inheritdoc cref="Replacement.Undo"/>
    internal Replacement Undo(Replacement last, TimeSpan timeout)
    {
        Replacement? undone = null;
        EpochGate.Publish(timeout, generation =>
        {
            lock (_gate)
            {
                RefuseUndo(last);
                NameChange[] changes = [.. last.Changes.Select(change => change.Reversed)];
                foreach (LoadedUnit old in changes.Select(change => change.New.Unit).OfType<LoadedUnit>().Distinct())
                {
                    if (old.State is UnitState.Superseded)
                    {
                        _process.Graph.SetState(old, UnitState.Loaded);
                        _superseded.RemoveAll(pair => pair.Unit == old);
                        _units.Add(old);
                    }
                }

                LoadedUnit shown = changes.Select(change => change.New.Unit).FirstOrDefault(old => old is not null) ?? last.Unit;
                undone = new Replacement(last.Library, shown, generation, changes)
                {
                    Superseded = Apply(changes, shown, generation),
                };
            }
        });
        return undone!;
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

    /// <summary>Adds lazy functions.</summary>
    /// <exception cref="LinkException">There is a definition of one of the names; nothing has changed.</exception>
    internal void DefineLazy(ObjectLibrary library, LazyDefinition lazy)
    {
        CallResolution.Install();
        List<CallEntry> entries = [];
        lock (_gate)
        {
            foreach (byte[] name in lazy.NameBytes)
            {
                if (_definitions.Find(NameHash.Of(name), name) is { Exists: true, Entry: not { Target: 0 } } other)
                {
                    throw new LinkException(
                        LinkErrorCode.Duplicate,
                        new LinkLocation(library.Name, Symbol: System.Text.Encoding.UTF8.GetString(name)),
                        $"it is defined already by {other.Provider}");
                }
            }

            foreach (byte[] name in lazy.NameBytes)
            {
                CallEntry entry = library.Entries.Claim(NameHash.Of(name), name, LastPool, out _);
                entry.Lazy = lazy;
                library.Entries.Settle(entry, isPublished: true);
                entries.Add(entry);
            }

            lazy.Attach(entries);
            foreach (CallEntry entry in entries)
            {
                byte[] name = System.Text.Encoding.UTF8.GetBytes(entry.Name);
                _definitions.Set(NameHash.Of(name), name, LazyDefinition.DefinitionOf(entry));
            }
        }
    }

    /// <summary>Takes lazy functions back that have no code.</summary>
    internal void ForgetLazy()
    {
        lock (_gate)
        {
            foreach ((string text, Definition definition) in _definitions.All().ToArray())
            {
                if (definition is { Unit: null, Entry: { } entry })
                {
                    byte[] name = System.Text.Encoding.UTF8.GetBytes(text);
                    entry.Lazy = null;
                    _definitions.Remove(NameHash.Of(name), name);
                }
            }
        }
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

    /// <summary>Points the cells of a unit's functions to its code, as far as its definitions prevail.</summary>
    private void RedirectTo(LoadedUnit unit, SymbolResolution resolution)
    {
        foreach (EntryFunction function in UnitEntries.FunctionsOf(unit))
        {
            ReadOnlySpan<byte> name = resolution.Symbols.Name(function.Symbol);
            if (_definitions.Find(resolution.Symbols[function.Symbol].Hash, name).Unit == unit)
            {
                function.Entry!.Redirect(function.Body);
            }
        }
    }

    private void SetGroups(LoadedUnit unit, SymbolResolution resolution)
    {
        foreach ((ulong hash, int file, int symbol) in resolution.Groups.All)
        {
            ElfObject elf = resolution.Objects[file].Elf;
            _groups.Set(
                hash, GroupSignatures.Signature(elf, symbol), new Definition { Unit = unit, Provider = elf.Name });
        }
    }

    /// <summary>Makes changes, each with one store; what is not defined any more is superseded. The gate is held.</summary>
    private List<LoadedUnit> Apply(IReadOnlyList<NameChange> changes, LoadedUnit by, ulong generation)
    {
        foreach (NameChange change in changes)
        {
            if (change.New.Exists)
            {
                _definitions.Set(change.Hash, change.Name, change.New);
            }
            else
            {
                _definitions.Remove(change.Hash, change.Name);
            }

            if ((change.New.Entry ?? change.Old.Entry) is { } entry)
            {
                entry.Redirect(change.New.Body);
            }
        }

        List<LoadedUnit> superseded = [];
        foreach (LoadedUnit old in changes.Select(change => change.Old.Unit).OfType<LoadedUnit>().Distinct())
        {
            if (old.Library.Contents == this && old.State is UnitState.Loaded && !_definitions.HasAny(old))
            {
                _process.Graph.Supersede(old, by);
                _units.Remove(old);
                _groups.Remove(old);
                _superseded.Add((old, generation));
                superseded.Add(old);
            }
        }

        _publications++;
        _removals++;
        return superseded;
    }

    private void RefuseUndo(Replacement last)
    {
        foreach (NameChange change in last.Changes)
        {
            string name = System.Text.Encoding.UTF8.GetString(change.Name);
            if (_definitions.Find(change.Hash, change.Name) != change.New)
            {
                throw new InvalidOperationException($"'{name}' has been defined anew since.");
            }

            if (change.Old.Unit is { State: not (UnitState.Loaded or UnitState.Superseded) })
            {
                throw new InvalidOperationException($"The previous code of '{name}' has been reclaimed.");
            }

            if (!change.Old.Exists && change.New.Entry is { Users: { } users })
            {
                lock (_process.Entries.Gate)
                {
                    RefuseUndo(name, users.Where(user => user != change.New.Unit));
                }
            }
        }

        foreach (LoadedUnit unit in last.Changes.Select(change => change.New.Unit).OfType<LoadedUnit>().Distinct())
        {
            RefuseUndo($"something of {unit.Name}", _process.Graph.Needing(unit));
        }
    }

    private static void RefuseUndo(string name, IEnumerable<LoadedUnit> users)
    {
        LoadedUnit[] current = [.. users.Where(user => user.State is UnitState.Loaded)];
        if (current.Length > 0)
        {
            throw new InvalidOperationException(
                $"{name} is in use by {string.Join("; ", current.Select(user => user.Name))}");
        }
    }

    /// <summary>Takes a unit's definitions away; no thread is in an epoch.</summary>
    private void TakeAway(LoadedUnit unit, ulong generation)
    {
        lock (_gate)
        {
            UnitUse use = _process.Graph.SharedUse(unit);
            _units.Remove(unit);
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
            unit.UsedEntries.ForEach(entry => entry.Users.Remove(unit));
            unit.UsedEntries.Clear();
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
        if (!unit.RegistersExit && (unit.Left & UnitUse.SharedCode) is 0 && unit.Resources.TryFreeCode())
        {
            ForgetCode(unit);
            unit.Objects = [];
            unit.Entries = null;
        }
    }
}
