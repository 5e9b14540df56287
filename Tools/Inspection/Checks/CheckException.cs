namespace ElfLoader.Inspection.Checks;

/// <summary>An expression is malformed, or asks for something that does not exist; the message says what.</summary>
public sealed class CheckException : Exception
{
    /// <summary>Creates the exception for a place in an expression.</summary>
    /// <param name="offset">The place, in characters from the start of the rule's text.</param>
    /// <param name="message">What is wrong.</param>
    public CheckException(int offset, string message)
        : base(message) => Offset = offset;

    /// <summary>Creates the exception with a message and what caused it.</summary>
    public CheckException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Creates the exception with a message.</summary>
    public CheckException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception.</summary>
    public CheckException()
    {
    }

    /// <summary>The place, in characters from the start of the rule's text; null where it is the operand that failed.</summary>
    public int? Offset { get; }
}
