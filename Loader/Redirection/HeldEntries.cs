using ElfLoader.Libraries;
using ElfLoader.Loading;

namespace ElfLoader.Redirection;

/// <summary>Entries whose code a publication is about to take away: nobody uses them, nor can anybody come to use them meanwhile.</summary>
internal sealed class HeldEntries : IDisposable
{
    private readonly List<CallEntry> _held = [];
    private readonly List<(LoadedUnit, LoadedUnit)> _keeping = [];

    /// <summary>Who uses one of the entries, and of which unit.</summary>
    internal IReadOnlyList<(LoadedUnit User, LoadedUnit Used)> Keeping => _keeping;

    /// <summary>Holds the entries that only these units have code for.</summary>
    /// <param name="units">The units.</param>
    /// <param name="keeps">Whether a unit that uses one does not mind, but keeps the code in memory.</param>
    /// <exception cref="InvalidOperationException">Other units use one; the message names them.</exception>
    internal static HeldEntries Of(IReadOnlyCollection<LoadedUnit> units, Func<LoadedUnit, bool> keeps)
    {
        var entries = new HeldEntries();
        HashSet<LoadedUnit> leaving = [.. units];
        lock (NativeProcess.Current.Entries.Gate)
        {
            foreach (LoadedUnit unit in units)
            {
                foreach (EntryFunction function in UnitEntries.FunctionsOf(unit))
                {
                    if (function.Entry is { Lazy: null } entry && entry.Target == function.Body)
                    {
                        entries.Hold(entry, leaving, unit, keeps);
                    }
                }
            }
        }

        return entries;
    }

    /// <summary>Holds the entries of the functions that a replacement has added, and that are going to have no code any more.</summary>
    /// <exception cref="InvalidOperationException">Others use one; the message names them.</exception>
    internal static HeldEntries Added(IReadOnlyList<NameChange> changes)
    {
        var entries = new HeldEntries();
        lock (NativeProcess.Current.Entries.Gate)
        {
            foreach (NameChange change in changes)
            {
                if (change is { Old.Exists: false, New.Entry: { } entry })
                {
                    LoadedUnit[] needing = [.. entry.Users.Where(user => user.IsInUse && user != change.New.Unit)];
                    entries.Hold(entry, CxxNames.Readable(entry.Name), needing);
                }
            }
        }

        return entries;
    }

    /// <summary>Lets them be used again.</summary>
    public void Dispose()
    {
        lock (NativeProcess.Current.Entries.Gate)
        {
            _held.ForEach(entry => entry.IsLeaving = false);
        }
    }

    private void Hold(CallEntry entry, HashSet<LoadedUnit> leaving, LoadedUnit unit, Func<LoadedUnit, bool> keeps)
    {
        LoadedUnit[] needing = [.. entry.Users.Where(user => user.IsInUse && !leaving.Contains(user))];
        Hold(entry, unit.Name, Array.FindAll(needing, user => !keeps(user)));
        _keeping.AddRange(needing.Select(user => (user, unit)));
    }

    private void Hold(CallEntry entry, string name, LoadedUnit[] refused)
    {
        if (refused.Length > 0)
        {
            _held.ForEach(held => held.IsLeaving = false);
            throw new InvalidOperationException($"{name} is in use by {string.Join("; ", refused.Select(user => user.Name))}");
        }

        entry.IsLeaving = true;
        _held.Add(entry);
    }
}
