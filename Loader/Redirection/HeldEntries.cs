using ElfLoader.Linking;

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
        if (Array.FindAll(needing, user => !keeps(user)) is { Length: > 0 } refused)
        {
            _held.ForEach(held => held.IsLeaving = false);
            throw new InvalidOperationException($"{unit.Name} is in use by {string.Join("; ", refused.Select(user => user.Name))}");
        }

        _keeping.AddRange(needing.Select(user => (user, unit)));
        entry.IsLeaving = true;
        _held.Add(entry);
    }
}
