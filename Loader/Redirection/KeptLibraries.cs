using ElfLoader.Libraries;

namespace ElfLoader.Redirection;

/// <summary>
/// Disposed libraries of which threads in epochs keep units. Nobody is going to ask for these any more: they are freed with what
/// is unloaded or reclaimed next, by whatever thread.
/// </summary>
/// <remarks>
/// Threads that run destructors are in an epoch meanwhile: those of other libraries, too. Each of them looks here when it has left
/// it. Thread-safe.
/// </remarks>
internal sealed class KeptLibraries
{
    private readonly Lock _gate = new();
    private readonly HashSet<LibraryContents> _libraries = [];
    private volatile int _count;

    /// <summary>Adds a library. Whoever does calls <see cref="Reclaim"/> afterwards: what kept it may have gone.</summary>
    internal void Add(LibraryContents library)
    {
        lock (_gate)
        {
            _ = _libraries.Add(library);
            _count = _libraries.Count;
        }
    }

    /// <summary>Frees what no epoch keeps any more.</summary>
    internal void Reclaim()
    {
        Interlocked.MemoryBarrier(); // this thread has left its epoch
        bool again = _count > 0;
        while (again) // others may have found this thread in an epoch, where it ran destructors
        {
            LibraryContents[] libraries;
            lock (_gate)
            {
                libraries = [.. _libraries];
            }

            again = false;
            foreach (LibraryContents library in libraries)
            {
                again |= library.FreeUnused();
                RemoveIfFree(library);
            }
        }
    }

    private void RemoveIfFree(LibraryContents library)
    {
        lock (_gate)
        {
            if (!library.IsKept)
            {
                _ = _libraries.Remove(library);
                _count = _libraries.Count;
            }
        }
    }
}
