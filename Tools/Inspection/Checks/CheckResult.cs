namespace ElfLoader.Inspection.Checks;

/// <summary>What became of a rule.</summary>
public enum CheckOutcome
{
    /// <summary>Both sides are equal.</summary>
    Passed,

    /// <summary>They are not.</summary>
    Failed,

    /// <summary>The rule is malformed, or asks for something that does not exist.</summary>
    Error,
}

/// <summary>A place in the image that a rule speaks of.</summary>
/// <param name="Address">Its address.</param>
/// <param name="Where">The symbol it lies behind, and the object and section, for people.</param>
/// <param name="Bytes">The bytes there: those of the whole instruction, if it is one.</param>
/// <param name="Instruction">The instruction; null where there is none.</param>
public sealed record CheckPlace(ulong Address, string Where, ReadOnlyMemory<byte> Bytes, string? Instruction);

/// <summary>What became of a rule, and why.</summary>
/// <param name="Rule">The rule.</param>
/// <param name="Outcome">Whether it holds.</param>
public sealed record CheckResult(CheckRule Rule, CheckOutcome Outcome)
{
    /// <summary>Value of the left side, unless it is an <see cref="CheckOutcome.Error"/>.</summary>
    public ulong Left { get; init; }

    /// <summary>Value of the right side, unless it is an <see cref="CheckOutcome.Error"/>.</summary>
    public ulong Right { get; init; }

    /// <summary>Why the rule cannot be evaluated; null where it can.</summary>
    public string? Problem { get; init; }

    /// <summary>Where in the file the problem is, else where the rule starts.</summary>
    public CheckPosition Position { get; init; } = Rule.Start;

    /// <summary>The bytes that the rule looked at; none where it holds.</summary>
    public IReadOnlyList<CheckPlace> Places { get; init; } = [];
}
