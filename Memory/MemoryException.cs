namespace ElfLoader.Memory;

/// <summary>Memory of the wanted size and placement could not be had, or the system refused to protect it.</summary>
public sealed class MemoryException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">What was asked, and what the system said.</param>
    /// <param name="inner">The cause, if there is one.</param>
    public MemoryException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }

    /// <summary>The system's error number; 0 where it was not the system that refused.</summary>
    public int Error { get; init; }

    /// <summary>Whether the system may do it another time: something was used up or interrupted, rather than forbidden.</summary>
    internal bool IsPassing => Error is 4 or 11 or 12 or 23 or 24 or 28; // EINTR, EAGAIN, ENOMEM, ENFILE, EMFILE, ENOSPC
}
