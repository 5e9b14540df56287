using ElfLoader.Elf;
using ElfLoader.Linking;

namespace ElfLoader.Redirection;

/// <summary>How one unit becomes visible: what it uses is made to stay, conflicts are refused, definitions are published.</summary>
internal sealed class UnitPublication
{
    private readonly ObjectLibrary _library;
    private readonly NativeProcess _process;
    private readonly UnitUses _uses = new();
    private LinkRequest _request = LinkRequest.Ordinary;
    private long _publications;

    internal UnitPublication(ObjectLibrary library, NativeProcess process)
    {
        _library = library;
        _process = process;
    }

    /// <summary>Notes what is there before a link.</summary>
    internal void Begin(LinkRequest request)
    {
        _request = request;
        _publications = _library.Contents.Publications;
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
    internal void Publish(LoadedUnit unit, SymbolResolution resolution, ProcessScope scope, StateTransfer? state)
    {
        if (_request.Replace is { } replace)
        {
            PublishReplacement(unit, resolution, scope, state!, replace);
        }
        else if (!_request.IsLazy && unit.Entries is { FillsGaps: true })
        {
            PublishBetweenEpochs(unit, resolution, scope);
        }
        else
        {
            int conflict = _library.Contents.Publish(unit, resolution, scope.Pulled, out Definition other);
            RefuseConflict(resolution, scope, conflict, other);
        }
    }

    private void PublishBetweenEpochs(LoadedUnit unit, SymbolResolution resolution, ProcessScope scope)
    {
        int conflict = -1;
        Definition other = default;
        EpochGate.Publish(new ReplaceOptions().Timeout, _ =>
            conflict = _library.Contents.Publish(unit, resolution, scope.Pulled, out other));
        RefuseConflict(resolution, scope, conflict, other);
    }

    private void PublishReplacement(
        LoadedUnit unit, SymbolResolution resolution, ProcessScope scope, StateTransfer state, ReplaceOptions replace)
    {
        EpochGate.Publish(replace.Timeout, generation =>
        {
            if (_library.Contents.Publications != _publications)
            {
                WasOvertaken = true;
                throw new LinkException(
                    LinkErrorCode.Undefined, new LinkLocation(unit.Name), "what it replaces has just been replaced");
            }

            state.Migrate();
            Replacement = _library.Contents.PublishReplacement(
                generation, unit, resolution, scope.Pulled, state.Reports, RunsInitializers);
        });
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
    internal void RelyOnOthers(LoadedUnit unit, SymbolResolution resolution, ProcessScope scope)
    {
        if (!_process.Graph.TryAdd(unit, FindUses(unit, resolution), out LoadedUnit? gone))
        {
            WasOvertaken = true;
            throw new LinkException(
                LinkErrorCode.Undefined, new LinkLocation(unit.Name), $"{gone!.Name}, which it uses, has just been unloaded");
        }

        if (_request.Replace is null)
        {
            int conflict = _library.Contents.FindConflict(resolution, out Definition other);
            RefuseConflict(resolution, scope, conflict, other);
        }
    }

    private void RefuseConflict(SymbolResolution resolution, ProcessScope scope, int conflict, in Definition other)
    {
        if (conflict >= 0)
        {
            LinkObject definer = resolution.Objects[resolution.Symbols[conflict].Definer];
            WasOvertaken = definer.Ordinal >= resolution.Objects.Count - scope.Pulled.Count; // another load pulled it too
            string name = resolution.Symbols.Text(conflict);
            throw new LinkException(
                LinkErrorCode.Duplicate,
                new LinkLocation(definer.Elf.Name, Symbol: name),
                $"'{name}' is defined already by {other.Provider}");
        }
    }

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
