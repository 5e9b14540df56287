using ElfLoader.Loading;

namespace ElfLoader.Redirection;

/// <summary>Decides where a call goes that reached an entry without code.</summary>
internal static class CallResolution
{
    [ThreadStatic]
    private static LoadedUnit? t_ending;

    /// <summary>Runs a unit's destructors; they may call what has been unloaded but is still there.</summary>
    internal static void RunDestructors(LoadedUnit unit)
    {
        if (unit.Entries is null && unit.UsedEntries is null)
        {
            unit.Resources.RunDestructors();
            return;
        }

        LoadedUnit? before = t_ending;
        t_ending = unit;
        EpochGate.EnterWithoutWaiting(); // entries lead into code of others, which must not be freed meanwhile
        try
        {
            unit.Resources.RunDestructors();
        }
        finally
        {
            EpochGate.Leave();
            t_ending = before;
        }
    }

    /// <summary>Makes calls of the process come here.</summary>
    internal static void Install() => NativeProcess.Host.Resolver.Handler = Resolve;

    /// <summary>The place to go on at. What is thrown ends the process with a message.</summary>
    private static ulong Resolve(uint number)
    {
        CallEntry entry = NativeProcess.Current.Entries.Find(number)
            ?? throw new InvalidOperationException("a function of a library that has been disposed was called");
        if (entry.IsGone)
        {
            throw new InvalidOperationException(
                $"'{entry.Name}' of library '{entry.Library.Name}' was called, which has been given back: the library has been disposed, "
                + $"or {nameof(ObjectLibrary.TrimEntries)} was called");
        }

        // Whoever publishes must not wait for a thread that others wait for.
        EpochGate.EnterWithoutWaiting();
        try
        {
            return Find(entry);
        }
        catch (Exception exception)
        {
            nint instead = entry.Lazy is { Fallback: not 0 and nint fallback } ? fallback : entry.Library.Options.MissingFunction;
            if (instead is 0)
            {
                throw new InvalidOperationException(
                    $"'{CxxNames.Readable(entry.Name)}' of library '{entry.Library.Name}' was called and has no code: {exception.Message}", exception);
            }

            return (ulong)instead;
        }
        finally
        {
            EpochGate.Leave();
        }
    }

    private static ulong Find(CallEntry entry)
    {
        if (FindHidden(entry, out ulong other) is not 0 and ulong own)
        {
            return own;
        }

        if (entry.Lazy is { } lazy)
        {
            lazy.Materialize(again: false);
            return entry.Target is not 0 and ulong target ? target
                : FindStarting(entry) is not 0 and ulong starting ? starting // it is needed by what runs while it is loaded
                : throw new InvalidOperationException("it was called by what provides its code");
        }

        return entry.Target is not 0 and ulong found ? found
            : other is not 0 ? other
            : throw new InvalidOperationException("it has been unloaded");
    }

    /// <summary>Finds hidden code that the calling thread may reach.</summary>
    /// <param name="entry">The entry.</param>
    /// <param name="other">
    /// Code of another unit: one that has been unloaded, where the thread runs destructors, or one that made the entry, and has
    /// started this thread perhaps; 0 if there is none.
    /// </param>
    /// <returns>Code of the unit whose initializers or destructors this thread runs; 0 if there is none.</returns>
    private static ulong FindHidden(CallEntry entry, out ulong other)
    {
        other = 0;
        ulong owed = NativeProcess.Host.Finalizer.OwedCounter;
        LoadedUnit? ending = t_ending;
        int thread = Environment.CurrentManagedThreadId;
        lock (NativeProcess.Current.Entries.Gate)
        {
            if (entry is not { Target: 0, Hidden: { } hidden })
            {
                return 0;
            }

            int own = hidden.TryFindStarting(code => code.Thread == thread, out int starting) ? starting : -1;
            int near = hidden.TryFindStarting(code => code.IsNew, out starting) ? starting : -1;
            if (ending is not null && hidden.PlaceOf(ending) is >= 0 and int place && hidden[place].Thread is 0)
            {
                own = Math.Max(own, place);
            }

            if (owed is not 0 && hidden.TryFindUnloaded(code => code.Unit.Resources.Lifetime.Counter == owed, out int unloaded))
            {
                own = Math.Max(own, unloaded);
            }

            if ((ending is not null || owed is not 0) && hidden.TryFindUnloaded(_ => true, out unloaded))
            {
                near = Math.Max(near, unloaded);
            }

            other = near >= 0 ? hidden[near].Body : 0;
            return own >= 0 ? hidden[own].Body : 0;
        }
    }

    private static ulong FindStarting(CallEntry entry)
    {
        lock (NativeProcess.Current.Entries.Gate)
        {
            return entry.Hidden is { } hidden && hidden.TryFindStarting(_ => true, out int place) ? hidden[place].Body : 0;
        }
    }
}
