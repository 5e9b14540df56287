using ElfLoader.Elf;
using ElfLoader.Libraries;
using ElfLoader.Linking;
using ElfLoader.Loading;

namespace ElfLoader.Redirection;

/// <summary>How one unit becomes visible: what it uses is made to stay, conflicts are refused, definitions are published.</summary>
internal sealed class UnitPublication
{
    private readonly ObjectLibrary _library;
    private readonly NativeProcess _process;
    private readonly UnitUses _uses = new();
    private LinkRequest _request = LinkRequest.Ordinary;
    private ContentsState _before;

    internal UnitPublication(ObjectLibrary library, NativeProcess process)
    {
        _library = library;
        _process = process;
    }

    /// <summary>Notes what is there before a link.</summary>
    internal void Begin(LinkRequest request)
    {
        _request = request;
        _before = request.Replace is null ? default : _library.Contents.State;
    }

    /// <summary>Forgets all of a link, so that there can be another one.</summary>
    internal void Clear() => _uses.Clear();

    /// <summary>
    /// Whether it failed because of what other threads loaded, replaced or unloaded meanwhile, so that linking again will help.
    /// </summary>
    internal bool WasOvertaken { get; private set; }

    /// <summary>What the unit has taken the place of, where it was to do that.</summary>
    internal Replacement? Replacement { get; private set; }

    /// <summary>Whether the unit's initializers run.</summary>
    internal bool RunsInitializers => _library.Options.RunCode && _request.Replace?.RunInitializers is not false;

    /// <summary>Makes the unit's definitions visible, or lets them take the place of others.</summary>
    internal void Publish(
        LoadedUnit unit, SymbolResolution resolution, ProcessScope scope, StateTransfer? state, StartingUnit? starting)
    {
        if (_request.Replace is { } replace)
        {
            PublishReplacement(unit, resolution, scope, state!, replace, starting);
        }
        else
        {
            int conflict = _library.Contents.Publish(unit, resolution, scope.Pulled, mayFillGaps: _request.IsLazy, out Definition other);
            if (conflict is LibraryContents.FillsGaps)
            {
                conflict = PublishBetweenEpochs(unit, resolution, scope, out other);
            }

            RefuseConflict(resolution, conflict, other);
        }
    }

    private int PublishBetweenEpochs(LoadedUnit unit, SymbolResolution resolution, ProcessScope scope, out Definition other)
    {
        int conflict = -1;
        Definition found = default;
        EpochGate.Publish(new ReplaceOptions().Timeout, _ =>
            conflict = _library.Contents.Publish(unit, resolution, scope.Pulled, mayFillGaps: true, out found));
        other = found;
        return conflict;
    }

    private void PublishReplacement(
        LoadedUnit unit,
        SymbolResolution resolution,
        ProcessScope scope,
        StateTransfer state,
        ReplaceOptions replace,
        StartingUnit? starting)
    {
        EpochGate.Publish(replace.Timeout, generation =>
        {
            RefuseIf(_library.Contents.Publications != _before.Publications, unit);
            state.Migrate();
            Replacement = _library.Contents.PublishReplacement(
                _before, generation, unit, resolution, scope.Pulled, state, RunsInitializers);
            if (Replacement is null && starting?.Additions > 0)
            {
                throw new LinkException(
                    LinkErrorCode.Duplicate,
                    new LinkLocation(unit.Name),
                    "its initializers have loaded another definition of what it replaces");
            }

            RefuseIf(Replacement is null, unit);
        });
    }

    private void RefuseIf(bool isOvertaken, LoadedUnit unit)
    {
        if (isOvertaken)
        {
            WasOvertaken = true;
            throw new LinkException(
                LinkErrorCode.Undefined, new LinkLocation(unit.Name), "what it relies on has just been replaced or unloaded");
        }
    }

    /// <summary>Refuses to choose between variables that are kept and initializers that may overwrite them.</summary>
    internal void RefuseDoubtfulInitializers(string name, SymbolResolution resolution, StateTransfer state)
    {
        if (_request.Replace?.RunInitializers is null && _library.Options.RunCode && state.KeepsAny
            && InitializerLists.Any(resolution.ObjectsIfAny(ObjectParts.FunctionArrays | ObjectParts.Fragments)))
        {
            string kept = string.Join(", ", state.Reports.Where(report => report.Outcome is StateOutcome.Kept)
                .Select(report => report.Name).Take(5));
            throw new LinkException(
                LinkErrorCode.Unsupported,
                new LinkLocation(name),
                $"the object has initializers, which may overwrite variables that are kept ({kept}): say with "
                + $"{nameof(ReplaceOptions)}.{nameof(ReplaceOptions.RunInitializers)} whether they run");
        }
    }

    /// <summary>Makes the units that this one uses stay, and looks whether everything is still as it was resolved.</summary>
    /// <param name="unit">The unit.</param>
    /// <param name="resolution">What its names are bound to.</param>
    /// <param name="refusesConflicts">
    /// Whether somebody sees the unit before it is published, so that it must not come to nothing because of a definition that
    /// another load has added already. Otherwise it is enough that publication refuses that.
    /// </param>
    internal void RelyOnOthers(LoadedUnit unit, SymbolResolution resolution, bool refusesConflicts)
    {
        UnitUses uses = FindUses(unit, resolution);
        if (!uses.All.IsEmpty && !_process.Graph.TryAdd(unit, uses, out LoadedUnit? gone))
        {
            WasOvertaken = true;
            throw new LinkException(
                LinkErrorCode.Undefined, new LinkLocation(unit.Name), $"{gone!.Name}, which it uses, has just been unloaded");
        }

        if (_request.Replace is null && (refusesConflicts || _library.Options.Redirectable))
        {
            int conflict = _library.Contents.FindConflict(resolution, out Definition other);
            RefuseConflict(resolution, conflict, other);
        }
    }

    private static void RefuseConflict(SymbolResolution resolution, int conflict, in Definition other)
    {
        if (conflict >= 0)
        {
            LinkObject definer = resolution.Objects[resolution.Symbols[conflict].Definer];
            string name = resolution.Symbols.Text(conflict);
            throw new LinkException(
                LinkErrorCode.Duplicate,
                new LinkLocation(definer.Elf.Name, Symbol: name),
                LinkErrors.AlreadyDefined(name, other.Provider, definer.Elf.Name));
        }
    }

    /// <summary>
    /// Whether an entry without code will have some: when it is called first, or because this thread runs the initializers of what
    /// defines it. That another link is going to define it does not count, which may fail.
    /// </summary>
    private static bool CanBeCalled(CallEntry entry) => entry.Lazy is not null
        || entry.Hidden?.TryFindStarting(code => code.Thread == Environment.CurrentManagedThreadId, out _) is true;

    private UnitUses FindUses(LoadedUnit unit, SymbolResolution resolution)
    {
        for (int i = 0; i < resolution.Symbols.Count; i++)
        {
            ref LinkSymbol symbol = ref resolution.Symbols[i];
            if (symbol.State is not SymbolState.External)
            {
                continue;
            }

            Definition outside = resolution.Outside(symbol);
            if (outside.Entry is { } entry && !(outside.IsWeak && symbol.HasCopy))
            {
                lock (_process.Entries.Gate) // it needs the name, whoever has the code for it
                {
                    RefuseIf(entry.IsLeaving || (entry.Target is 0 && !CanBeCalled(entry)), unit);
                    (unit.UsedEntries ??= []).Add(entry);
                    entry.Users.Add(unit);
                }

                continue;
            }

            if (outside.Unit is not { } used)
            {
                continue;
            }

            UnitUse kind = outside.Type is SymbolType.Function ? UnitUse.SharedCode : UnitUse.SharedData;
            UnitUse use = (outside.IsWeak ? kind : UnitUse.None)
                | (outside.IsWeak && symbol.HasCopy ? UnitUse.None : UnitUse.Needed);
            _uses.Add(used, use);
        }

        return _uses;
    }
}
