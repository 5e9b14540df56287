namespace ElfLoader.Fuzz.Mutating;

/// <summary>How far a mutant came.</summary>
internal enum Phase
{
    /// <summary>The reader refuses it.</summary>
    Read,

    /// <summary>Its symbols or sections are refused before relocations are looked at.</summary>
    Resolve,

    /// <summary>A relocation is refused before memory is laid out: an unknown type, a place outside of its section.</summary>
    Scan,

    /// <summary>All relocations were accepted; no place or memory is found for it.</summary>
    Layout,

    /// <summary>A relocated value is refused, or a table that was relocated.</summary>
    Relocate,

    /// <summary>It was loaded (x86-64) or linked into an image (Arm).</summary>
    Loaded,
}

/// <summary>What became of one mutant.</summary>
/// <param name="Phase">How far it came.</param>
/// <param name="Error">The first error, where it was refused.</param>
internal readonly record struct Outcome(Phase Phase, LinkError? Error)
{
    /// <summary>Where a refusal belongs.</summary>
    /// <param name="exception">The refusal, by a linker.</param>
    internal static Outcome Refused(LinkException exception)
    {
        LinkError error = exception.Errors[0];
        Phase phase = error switch
        {
            { Allowed: not null } => Phase.Relocate,
            { Relocation: not null } => Phase.Scan,
            { Code: LinkErrorCode.Undefined or LinkErrorCode.Duplicate } => Phase.Resolve,
            { Code: LinkErrorCode.LimitExceeded or LinkErrorCode.Placement } => Phase.Layout,
            _ when error.Message.StartsWith("relocation type", StringComparison.Ordinal) => Phase.Scan,
            _ when error.Message.StartsWith("the section has relocations", StringComparison.Ordinal) => Phase.Scan,
            _ when error.Message.StartsWith("the unwind table", StringComparison.Ordinal) => Phase.Relocate,
            _ => Phase.Resolve,
        };
        return new Outcome(phase, error);
    }

    /// <summary>
    /// What is the same for mutants that fail for the same reason: the message without numbers and names.
    /// </summary>
    internal string Shape()
    {
        if (Error is null)
        {
            return Phase.ToString();
        }

        Span<char> shape = stackalloc char[96];
        int length = 0;
        bool isQuoted = false;
        bool isNumber = false;
        foreach (char letter in Error.Message)
        {
            isQuoted ^= letter is '\'';
            isNumber = char.IsDigit(letter) || (isNumber && char.IsAsciiLetter(letter)); // 0x12ab
            if (!isQuoted && !isNumber && (char.IsLetter(letter) || letter is ' ' or '_') && length < shape.Length)
            {
                shape[length++] = letter;
            }
        }

        return $"{Phase} {Error.Code} {shape[..length]}";
    }
}

/// <summary>Thrown where the product breaks what it promises: the fuzzer's only result.</summary>
internal sealed class FindingException : Exception
{
    internal FindingException(string kind, string message, Exception? inner = null)
        : base(message, inner) => Kind = kind;

    /// <summary>Names findings that are probably the same.</summary>
    internal string Kind { get; }
}
