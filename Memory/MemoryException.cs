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
}
