using ElfLoader.DynamicLinking;
using ElfLoader.Elf;
using ElfLoader.Linking;
using ElfLoader.Redirection;

namespace ElfLoader.Libraries;

/// <content>How a unit that has been linked becomes part of the library: wholly, or not at all.</content>
internal sealed partial class LibraryContents
{
    /// <summary>Finds a strong symbol that another load has defined since a unit was resolved; -1 if there is none.</summary>
    internal int FindConflict(SymbolResolution resolution, out Definition other)
    {
        lock (_gate)
        {
            return PublishedSymbols.FindConflict(_definitions, resolution, out other);
        }
    }

    /// <summary>Makes a unit's definitions visible.</summary>
    /// <param name="unit">The unit.</param>
    /// <param name="resolution">Its objects.</param>
    /// <param name="pulled">The archive members that came with it.</param>
    /// <param name="mayFillGaps">
    /// Whether it may bring code for functions that can be called and have none; not while threads are in epochs, which would see
    /// some of them without and others with.
    /// </param>
    /// <param name="other">What there is already of a symbol that conflicts.</param>
    /// <returns>-1; or a symbol that another load was faster to define, or <see cref="FillsGaps"/>: then nothing has changed.</returns>
    internal int Publish(
        LoadedUnit unit, SymbolResolution resolution, IReadOnlyList<(Archive, int)> pulled, bool mayFillGaps, out Definition other)
    {
        lock (_gate)
        {
            RefuseIfClosed();
            int conflict = PublishedSymbols.FindConflict(_definitions, resolution, out other);
            if (conflict >= 0)
            {
                return conflict;
            }

            if (!mayFillGaps && unit.Entries is { FillsGaps: true })
            {
                return FillsGaps;
            }

            BeginPublication();
            try
            {
                List<int>? overtaken = PublishedSymbols.Add(_definitions, unit, resolution, unit.Entries);
                _shared.Add(unit, resolution, _definitions);
                RedirectTo(unit, resolution);
                SetGroups(unit, resolution, overtaken);
                List(unit, pulled);
            }
            catch (OutOfMemoryException)
            {
                TakeBack(unit, pulled);
                throw;
            }

            EndPublication(unit);
            Count(new ContentsChanges(1, 0));
            return -1;
        }
    }

    /// <summary>From here on, what others take the place of is kept. The gate is held.</summary>
    private void BeginPublication() => _definitions.KeepsReplaced = _groups.KeepsReplaced = true;

    /// <summary>Adds a unit to those that are loaded. The gate is held.</summary>
    private void List(LoadedUnit unit, IReadOnlyList<(Archive, int)> pulled)
    {
        if (pulled.Count > 0)
        {
            _pulled.UnionWith(pulled);
        }

        unit.Pulled = pulled;
        _units.Add(unit);
        LinkerInterface.Complete(unit);
    }

    /// <summary>Lets a publication be final. The gate is held.</summary>
    private void EndPublication(LoadedUnit unit)
    {
        _definitions.KeepsReplaced = _groups.KeepsReplaced = false;
        unit.State = UnitState.Loaded;
    }

    /// <summary>Takes back what there is of a publication that did not come to its end. The gate is held.</summary>
    private void TakeBack(LoadedUnit unit, IReadOnlyList<(Archive, int)> pulled)
    {
        IReadOnlyList<ReplacedDefinition> definitions = _definitions.Replaced;
        IReadOnlyList<ReplacedDefinition> groups = _groups.Replaced;
        _definitions.KeepsReplaced = _groups.KeepsReplaced = false;
        _ = _units.Remove(unit);
        _pulled.ExceptWith(pulled);
        RemoveDefinitions(unit, UnitUse.None);
        _groups.Remove(unit);
        foreach (ReplacedDefinition group in groups)
        {
            _groups.Set(group.Hash, group.Name, group.Definition);
        }

        foreach (ReplacedDefinition replaced in definitions)
        {
            _definitions.Set(replaced.Hash, replaced.Name, replaced.Definition);
            if (replaced.Definition is { Entry: { } entry, Unit: { } old, Body: not 0 and ulong body } && entry.Target != body)
            {
                lock (_process.Entries.Gate)
                {
                    entry.Redirect(body);
                    entry.Reveal(old);
                }
            }
        }

        LeaveEntries(unit);
    }
}
