using ElfLoader.Elf;

namespace ElfLoader;

/// <summary>Kinds of problem, coarse enough for a program to act on.</summary>
public enum LinkErrorCode
{
    /// <summary>The input breaks the rules of its file format.</summary>
    Malformed,

    /// <summary>The input is valid but uses something that is not supported here.</summary>
    Unsupported,

    /// <summary>A claim of the input exceeds a limit of the options, or memory could not be had.</summary>
    LimitExceeded,

    /// <summary>A symbol has no definition.</summary>
    Undefined,

    /// <summary>A symbol has more than one strong definition.</summary>
    Duplicate,

    /// <summary>A relocated value does not fit its field.</summary>
    OutOfRange,

    /// <summary>No address serves everything that the objects need.</summary>
    Placement,

    /// <summary>An initializer, or code that runs while loading, failed.</summary>
    Initializer,

    /// <summary>A file could not be read.</summary>
    File,
}

/// <summary>Where in the input an error was found; every part but the object may be unknown.</summary>
/// <param name="Object">
/// File name, or the name the caller gave the bytes; <c>archive.a(member.o)</c> for a member. Of files that share a name, the path as
/// it was given; <c>archive.a(member.o#2)</c> for the second member of a name. Empty where no object is to blame.
/// </param>
/// <param name="Section">Section name, as in the object.</param>
/// <param name="Offset">Bytes from the start of the section, or of the object where there is no section.</param>
/// <param name="Symbol">The symbol referred to.</param>
public readonly record struct LinkLocation(
    string Object, string? Section = null, ulong? Offset = null, string? Symbol = null)
{
    /// <summary>Formats as <c>crc32.o: .text+0x1c</c>; empty where no object is to blame.</summary>
    public override string ToString() => (Section, Offset) switch
    {
        (null, null) => Object,
        (null, _) => $"{Object}: +0x{Offset:x}",
        (_, null) => $"{Object}: {Section}",
        _ => $"{Object}: {Section}+0x{Offset:x}",
    };
}

/// <summary>One problem with one input.</summary>
/// <param name="Code">Kind of problem.</param>
/// <param name="Where">Place in the input.</param>
/// <param name="Message">What is wrong there, without repeating the place. Names of symbols are as they stand in the objects.</param>
/// <remarks>
/// Printed it takes at most 4 kB: names may be as long as their author likes, and parts that are longer are shortened in their
/// middle.
/// </remarks>
public sealed record LinkError(LinkErrorCode Code, LinkLocation Where, string Message)
{
    private const int LongestMessage = 3000;
    private const int LongestPlace = 400;

    /// <summary>Place in the input.</summary>
    public LinkLocation Where { get; init; } = Where with
    {
        Object = NameText.Shorten(Where.Object, LongestPlace),
        Section = Where.Section is { } section ? NameText.Shorten(section, LongestPlace) : null,
        Symbol = Where.Symbol is { } symbol ? NameText.Shorten(symbol, LongestMessage) : null,
    };

    /// <summary>What is wrong there, without repeating the place.</summary>
    public string Message { get; init; } = NameText.Shorten(Message, LongestMessage);

    /// <summary>Name of the relocation type, where the problem is with one.</summary>
    public string? Relocation { get; init; }

    /// <summary>The value that did not fit.</summary>
    public long? Value { get; init; }

    /// <summary>The least and the greatest value that would have been accepted.</summary>
    public (long Minimum, long Maximum)? Allowed { get; init; }

    /// <summary>Further places that have the same problem: the second and the third.</summary>
    public IReadOnlyList<LinkLocation> Others { get; init; } = [];

    /// <summary>Number of places that have the problem, with the first one.</summary>
    public int Places { get; init; } = 1;

    /// <summary>Place, then message, for people: with names demangled (<see cref="CxxNames"/>), and of bounded length.</summary>
    public override string ToString() => LinkErrorText.Line(this, demangles: true);
}

/// <summary>
/// Thrown when input cannot be read, linked or loaded; carries every problem found, not only the first.
/// </summary>
/// <remarks>When it is thrown by a load, nothing has changed: no memory, symbol or registration is left behind.</remarks>
public sealed class LinkException : Exception
{
    /// <summary>Creates the exception for one or more errors.</summary>
    public LinkException(params IReadOnlyList<LinkError> errors)
        : this(null, errors)
    {
    }

    /// <summary>Creates the exception for one or more errors, with what caused them.</summary>
    /// <remarks>The message has the lines of <see cref="LinkErrorText"/>.</remarks>
    public LinkException(Exception? inner, IReadOnlyList<LinkError> errors)
        : base(string.Join(Environment.NewLine, LinkErrorText.Lines(errors)), inner) => Errors = errors;

    /// <summary>Creates the exception for one error.</summary>
    internal LinkException(LinkErrorCode code, LinkLocation where, string message)
        : this(new LinkError(code, where, message))
    {
    }

    /// <summary>The problems, in the order they were found; never empty.</summary>
    public IReadOnlyList<LinkError> Errors { get; }
}
