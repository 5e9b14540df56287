using ElfLoader.Linking;

namespace ElfLoader.Redirection;

/// <summary>Decides where a call goes that reached an entry without code.</summary>
internal static class CallResolution
{
    [ThreadStatic]
    private static bool t_endsUnits;

    /// <summary>Ends units in this thread; their destructors may call what has been unloaded but is still there.</summary>
    internal static void EndUnits(Action end)
    {
        bool before = t_endsUnits;
        t_endsUnits = true;
        try
        {
            end();
        }
        finally
        {
            t_endsUnits = before;
        }
    }

    /// <summary>Makes calls of the process come here.</summary>
    internal static void Install() => NativeProcess.Host.Resolver.Handler = Resolve;

    /// <summary>The place to go on at. What is thrown ends the process with a message.</summary>
    private static ulong Resolve(uint number)
    {
        CallEntry entry = NativeProcess.Current.Entries.Find(number)
            ?? throw new InvalidOperationException("a function of a library that has been disposed was called");

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
                    $"'{entry.Name}' of library '{entry.Library.Name}' was called and has no code: {exception.Message}", exception);
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
        if (entry.Lazy is { } lazy)
        {
            lazy.Materialize(again: false);
            return entry.Target is not 0 and ulong target ? target
                : entry.PendingTarget is not 0 and ulong pending ? pending // it is needed by what runs while it is loaded
                : throw new InvalidOperationException("it was called by what provides its code");
        }

        if (entry.Target is not 0 and ulong found)
        {
            return found;
        }

        return entry.PendingTarget is not 0 and ulong own
            && (entry.PendingThread == Environment.CurrentManagedThreadId || (entry.PendingThread is 0 && t_endsUnits))
            ? own
            : throw new InvalidOperationException("it has been unloaded");
    }
}
