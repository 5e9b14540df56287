using ElfLoader.Linking;
using ElfLoader.Loading;
using ElfLoader.Redirection;

namespace ElfLoader.Libraries;

/// <content>Units whose initializers run: of this library, and of those that link to it.</content>
internal sealed partial class LibraryContents
{
    private readonly List<StartingUnit> _starting = [];
    private long _additions;
    private long _removals;

    /// <summary>How often definitions have been added and taken away.</summary>
    /// <remarks>
    /// Whoever compares it with what it was before does not miss a change of which it has seen anything: the gate was held.
    /// </remarks>
    internal ContentsChanges Changes => new(Volatile.Read(ref _additions), Volatile.Read(ref _removals));

    /// <summary>Counts that others are searched, too, where a link may have missed something.</summary>
    internal void CountLinked()
    {
        lock (_gate)
        {
            Count(new ContentsChanges(1, 0));
        }
    }

    /// <summary>Notes that this thread runs the code of a unit of this library, or of one that links to it.</summary>
    internal void BeginStart(StartingUnit starting)
    {
        lock (_gate)
        {
            _starting.Add(starting);
        }
    }

    /// <summary>Notes that it does not any more.</summary>
    internal void EndStart(StartingUnit starting)
    {
        lock (_gate)
        {
            _starting.Remove(starting);
        }
    }

    /// <summary>
    /// The definition that a caller sees: the initializers of a unit see what it defines, like those of a shared library, but not
    /// what it is going to take the place of.
    /// </summary>
    internal Definition FindForCaller(ReadOnlySpan<byte> name)
    {
        Definition found;
        StartingUnit? starting;
        lock (_gate)
        {
            found = FindVersionHere(name);
            starting = StartingHere();
        }

        if (starting is null || found is { Exists: true, IsWeak: false } || (found.Exists && starting.IsReplacing))
        {
            return found;
        }

        Definition own = starting.Find(name);
        return own.Exists && (!found.Exists || !own.IsWeak) ? own : found;
    }

    /// <summary>Refuses what would change the ground under a unit whose initializers this thread is in.</summary>
    /// <exception cref="InvalidOperationException">The thread is in an initializer.</exception>
    internal void RefuseInInitializer(string library, string what)
    {
        lock (_gate)
        {
            if (StartingHere() is { } starting)
            {
                throw new InvalidOperationException(
                    $"{what} of library '{library}' was called from an initializer of {starting.Unit.Name}, which is being loaded "
                    + "into the same library: call it when the load has ended.");
            }
        }
    }

    /// <summary>The unit of this library whose initializers this thread runs, the innermost. The gate is held.</summary>
    private StartingUnit? StartingHere() => _starting.Count is 0
        ? null
        : _starting.FindLast(starting => starting.Thread == Environment.CurrentManagedThreadId && starting.IsOf(this));

    /// <summary>Counts what a link may have missed or relied on. The gate is held.</summary>
    private void Count(ContentsChanges changes)
    {
        Volatile.Write(ref _additions, _additions + changes.Additions);
        Volatile.Write(ref _removals, _removals + changes.Removals);
        foreach (StartingUnit starting in _starting)
        {
            if (starting.Thread == Environment.CurrentManagedThreadId)
            {
                starting.Count(changes, this);
            }
        }
    }
}
