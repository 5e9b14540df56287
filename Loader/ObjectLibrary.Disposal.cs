using ElfLoader.Redirection;

namespace ElfLoader;

/// <content>The end of a library.</content>
public sealed partial class ObjectLibrary
{
    private int _links; // that are under way
    private int _hasEnded; // what links had yet to use has been given back
    private volatile bool _isClosed; // nothing can be added
    private volatile bool _disposed; // and everything has been unloaded

    /// <summary>Unloads everything; the library cannot be used again.</summary>
    /// <remarks>
    /// Loads that are under way in other threads fail, as do those that begin from now on. While another thread disposes the
    /// library, it returns at once. Pointers into what it had, and delegates made of them, must not be called any more.
    /// </remarks>
    /// <exception cref="InvalidOperationException">
    /// Units of another library use what only this one defines, or the thread is in an initializer of this library.
    /// </exception>
    public void Dispose()
    {
        Contents.RefuseInInitializer(Name, nameof(Dispose));
        lock (_gate)
        {
            if (_isClosed)
            {
                return;
            }

            _isClosed = true;
        }

        Interlocked.MemoryBarrier(); // a link that begins sees it, or is counted below
        Contents.Close();
        try
        {
            Unload();
        }
        catch
        {
            Contents.Open();
            _isClosed = false;
            throw;
        }

        _disposed = true;
        Interlocked.MemoryBarrier(); // a link that ends sees it, or this sees that the link has ended
        EndDisposalIfLast(Volatile.Read(ref _links));
    }

    /// <summary>Gives places of functions back that have become unused since the library was disposed.</summary>
    /// <param name="entries">The functions that may have.</param>
    internal void TrimIfDisposed(IEnumerable<CallEntry> entries)
    {
        if (_disposed)
        {
            Entries.Trim(entries);
        }
    }

    /// <summary>Gives back what links that were under way had yet to use.</summary>
    private void EndDisposal()
    {
        _host.GiveUpRoom();
        Contents.ForgetLazy();
        Entries.Trim();
        Forget();
        if (_arguments.IsMade)
        {
            _arguments.Value.Dispose();
        }
    }

    private void BeginLink()
    {
        _ = Interlocked.Increment(ref _links);
        if (_isClosed)
        {
            EndLink();
            ObjectDisposedException.ThrowIf(true, this);
        }
    }

    private void EndLink() => EndDisposalIfLast(Interlocked.Decrement(ref _links));

    private void EndDisposalIfLast(int links)
    {
        if (links is 0 && _disposed && Interlocked.Exchange(ref _hasEnded, 1) is 0)
        {
            EndDisposal();
        }
    }
}
