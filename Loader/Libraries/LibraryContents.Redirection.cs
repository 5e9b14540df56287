using ElfLoader.Elf;
using ElfLoader.Linking;
using ElfLoader.Redirection;

namespace ElfLoader.Libraries;

/// <content>Generations: what takes the place of what.</content>
internal sealed partial class LibraryContents
{
    /// <summary>Says that a unit brings code for functions that can be called and have none.</summary>
    internal const int FillsGaps = -2;

    private readonly UnitList _superseded = new(); // by generation
    private long _publications;

    /// <summary>How often definitions have been replaced or taken away.</summary>
    internal long Publications => Interlocked.Read(ref _publications);

    /// <summary>Lets a unit's definitions take the place of others; no thread is in an epoch.</summary>
    /// <returns>Null if others have defined, since <paramref name="before"/>, what it takes the place of: then nothing has changed.</returns>
    internal Replacement? PublishReplacement(
        in ContentsState before,
        ulong generation,
        LoadedUnit unit,
        SymbolResolution resolution,
        IReadOnlyList<(Archive, int)> pulled,
        StateTransfer state,
        bool ranInitializers)
    {
        lock (_gate)
        {
            RefuseIfClosed();
            List<NameChange> changes = [];
            LinkSymbols symbols = resolution.Symbols;
            for (int i = 0; i < symbols.Count; i++)
            {
                ref LinkSymbol symbol = ref symbols[i];
                if (!symbol.IsDefinedInLink && !symbol.IsShared)
                {
                    continue;
                }

                ReadOnlySpan<byte> name = symbols.Name(i);
                changes.Add(new NameChange(
                    symbol.Hash,
                    name.ToArray(),
                    _definitions.Find(symbol.Hash, name),
                    symbol.IsShared
                        ? PublishedSymbols.SharedBy(unit, resolution, symbol)
                        : PublishedSymbols.DefinitionOf(unit, resolution, unit.Entries, i)));
            }

            if (!HasKept(before, changes))
            {
                return null;
            }

            BeginPublication();
            try
            {
                SetGroups(unit, resolution, overtaken: null);
                _shared.Add(unit, resolution, definitions: null); // they are among the changes
                List(unit, pulled);
                Redefine(changes);
            }
            catch (OutOfMemoryException)
            {
                TakeBack(unit, pulled);
                throw;
            }

            EndPublication(unit);
            return new Replacement(unit.Library, unit, generation, changes)
            {
                State = state.Reports,
                StateSteps = state.Steps,
                RanInitializers = ranInitializers,
                Superseded = SupersedeOld(changes, unit, generation),
            };
        }
    }

    /// <summary>What is there now, to find out later whether it still is.</summary>
    internal ContentsState State
    {
        get
        {
            lock (_gate)
            {
                return new ContentsState(_publications, Changes, _units.End);
            }
        }
    }

    /// <summary>Whether what is to be replaced is what was there before. The gate is held.</summary>
    private bool HasKept(in ContentsState before, List<NameChange> changes)
    {
        if (before.Publications != _publications)
        {
            return false;
        }

        if (before.Changes.Additions == _additions)
        {
            return true;
        }

        HashSet<LoadedUnit> added = [.. _units.From(before.Units)];
        return !changes.Exists(change =>
            change.Old is { Source: SymbolSource.Caller, IsWeak: false } || (change.Old.Holder is { } unit && added.Contains(unit)));
    }

    /// <inheritdoc cref="Replacement.Undo"/>
    internal Replacement Undo(Replacement last, TimeSpan timeout)
    {
        RefuseInInitializer(last.Library.Name, nameof(Undo));
        Replacement? undone = null;
        EpochGate.Publish(timeout, generation =>
        {
            lock (_gate)
            {
                RefuseIfClosed();
                RefuseUndo(last);
                using var added = HeldEntries.Added(last.Changes);
                NameChange[] changes = [.. last.Changes.Select(change => change.Reversed)];
                List<LoadedUnit> revived = [];
                foreach (LoadedUnit old in changes.Select(change => change.New.Holder).OfType<LoadedUnit>().Distinct())
                {
                    if (old.State is UnitState.Superseded)
                    {
                        _process.Graph.SetState(old, UnitState.Loaded);
                        _ = _superseded.Remove(old);
                        _units.Add(old);
                        _shared.Return(old);
                        revived.Add(old);
                    }
                }

                LoadedUnit shown = changes.Select(change => change.New.Holder).FirstOrDefault(old => old is not null) ?? last.Unit;
                Redefine(changes);
                undone = new Replacement(last.Library, shown, generation, changes)
                {
                    Superseded = SupersedeOld(changes, shown, generation),
                };
                revived.ForEach(old => _pulled.UnionWith(old.Pulled));
                last.WasUndone = true;
            }
        });
        return undone!;
    }

    /// <summary>Points the cells of a unit's functions to its code, as far as its definitions prevail.</summary>
    private void RedirectTo(LoadedUnit unit, SymbolResolution resolution)
    {
        if (unit.Entries is null)
        {
            return;
        }

        lock (_process.Entries.Gate)
        {
            foreach (EntryFunction function in UnitEntries.FunctionsOf(unit))
            {
                ReadOnlySpan<byte> name = resolution.Symbols.Name(function.Symbol);
                CallEntry entry = function.Entry!;
                if (_definitions.Find(resolution.Symbols[function.Symbol].Hash, name).Unit == unit
                    || entry is { Target: 0, Lazy: null }) // another definition prevails, which is no entry: it uses its own copy
                {
                    entry.Redirect(function.Body);
                }

                entry.Reveal(unit);
            }
        }
    }

    /// <summary>Notes which groups need not be loaded again.</summary>
    /// <param name="unit">The unit that has them.</param>
    /// <param name="resolution">Its objects.</param>
    /// <param name="overtaken">
    /// Symbols of it that another load was faster to define. Their groups are not noted: whoever left them out would rely on the
    /// other's definitions, which this unit does not keep alive.
    /// </param>
    private void SetGroups(LoadedUnit unit, SymbolResolution resolution, List<int>? overtaken)
    {
        _groups.Reserve(resolution.Groups.Length);
        (int current, int origin) = (-1, 0); // the groups stand object by object
        foreach ((ulong hash, int file, int symbol) in resolution.Groups)
        {
            if (file != current)
            {
                (current, origin) = (file, 0);
            }

            ElfObject elf = resolution.Objects[file].Elf;
            if (overtaken is not null && IsOvertaken(file, symbol))
            {
                continue;
            }

            ReadOnlySpan<byte> signature = GroupSignatures.Signature(elf, symbol);
            var definition = new Definition { Owner = unit, Provider = elf.Name };
            SymbolRecord record = elf.Symbol(symbol);
            if (record.Type is SymbolType.Section)
            {
                _groups.Set(hash, signature, definition);
            }
            else
            {
                _groups.Set(hash, elf, record.NameOffset, signature.Length, definition, ref origin);
            }
        }

        foreach ((ulong hash, LinkObject file, int section) in resolution.LinkOnce)
        {
            _groups.Set(hash, file.Elf.SectionName(section), new Definition { Owner = unit, Provider = file.Elf.Name });
            HasLinkOnce = true;
        }

        bool IsOvertaken(int file, int signature)
        {
            foreach (SectionGroup group in resolution.Objects[file].Elf.Groups)
            {
                if (group.SignatureSymbol == signature
                    && PublishedSymbols.IsAnyIn(group, file, resolution, overtaken!))
                {
                    return true;
                }
            }

            return false;
        }
    }

    /// <summary>Makes changes, each with one store. The gate is held.</summary>
    private void Redefine(IReadOnlyList<NameChange> changes)
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
                lock (_process.Entries.Gate)
                {
                    Redirect(entry, change);
                }
            }
        }
    }

    /// <summary>Supersedes the units of which changes have left no definition. The gate is held.</summary>
    private List<LoadedUnit> SupersedeOld(IReadOnlyList<NameChange> changes, LoadedUnit by, ulong generation)
    {
        List<LoadedUnit> superseded = [];
        foreach (LoadedUnit old in changes.Select(change => change.Old.Holder).OfType<LoadedUnit>().Distinct())
        {
            if (old.Library.Contents == this && old.State is UnitState.Loaded && !_definitions.HasAny(old))
            {
                _process.Graph.Supersede(old, by);
                _ = _units.Remove(old);
                _groups.Remove(old);
                _pulled.ExceptWith(old.Pulled);
                AddSuperseded(old, generation);
                superseded.Add(old);
            }
        }

        _publications++;
        Count(new ContentsChanges(1, 1));
        return superseded;
    }

    /// <summary>Lets calls go to the new code; the old unit's destructors find the old code if there is no other. The gate is held.</summary>
    private static void Redirect(CallEntry entry, NameChange change)
    {
        entry.Redirect(change.New.Body);
        if (change.Old is { Unit: { } from, Body: not 0 })
        {
            entry.Hide(new HiddenCode(change.Old.Body, from, Thread: 0));
        }

        if (change.New.Unit is { } to)
        {
            entry.Reveal(to);
        }
    }

    private void RefuseUndo(Replacement last)
    {
        foreach (NameChange change in last.Changes)
        {
            string name = System.Text.Encoding.UTF8.GetString(change.Name);
            Definition present = _definitions.Find(change.Hash, change.Name);
            if (present != change.New)
            {
                throw new InvalidOperationException(last.WasUndone
                    ? $"Generation {last.Generation} has been undone already."
                    : $"'{CxxNames.Readable(name)}' has been {(present.Exists ? "defined anew" : "unloaded")} since.");
            }

            if (change.Old.Holder is { State: not (UnitState.Loaded or UnitState.Superseded) })
            {
                throw new InvalidOperationException($"The previous code of '{CxxNames.Readable(name)}' has been reclaimed.");
            }
        }

        foreach (LoadedUnit unit in last.Changes.Select(change => change.New.Holder).OfType<LoadedUnit>().Distinct())
        {
            LoadedUnit[] users = [.. _process.Graph.Needing(unit).Where(user => user.IsInUse)];
            if (users.Length > 0)
            {
                throw new InvalidOperationException(
                    $"something of {unit.Name} is in use by {string.Join("; ", users.Select(user => user.Name))}");
            }
        }
    }
}
