namespace ElfLoader;

/// <summary>What becomes of a variable when the object that defines it is replaced.</summary>
public enum StatePolicy
{
    /// <summary>
    /// The new code uses the storage of the old one, which outlives both; where that is impossible, as for <see cref="Reset"/>.
    /// </summary>
    Keep,

    /// <summary>The new code gets storage of its own, with the initial value that the new object has.</summary>
    Reset,

    /// <summary>As <see cref="Reset"/>; then <see cref="ReplaceOptions.Migrate"/> is called with both.</summary>
    Migrate,
}

/// <summary>What has become of a variable, and why.</summary>
public enum StateOutcome
{
    /// <summary>It keeps its storage.</summary>
    Kept,

    /// <summary>It has storage of its own, as was chosen.</summary>
    Reset,

    /// <summary>It has storage of its own, and the callback was called with the old one.</summary>
    Migrated,

    /// <summary>It was to be kept, but its size is not what it was; it has storage of its own.</summary>
    SizeChanged,

    /// <summary>It was to be kept, but the old storage is not aligned as the new code wants; it has storage of its own.</summary>
    AlignmentChanged,

    /// <summary>
    /// It was to be kept, but which of the old variables it is, or what code refers to it, cannot be told; it has storage of
    /// its own.
    /// </summary>
    Ambiguous,

    /// <summary>It is thread-local: each thread has a new one, with its initial value.</summary>
    ThreadLocal,

    /// <summary>Data without a name, which cannot be told from padding; the new code has its own.</summary>
    Unnamed,
}

/// <summary>A variable of a replaced object, and what has become of it.</summary>
/// <param name="Name">Its name; for data without one, of its section.</param>
/// <param name="Object">The new object.</param>
/// <param name="Outcome">What has become of it.</param>
/// <param name="OldSize">Its size in bytes, as the old object had it.</param>
/// <param name="NewSize">Its size in bytes, as the new object has it.</param>
/// <param name="Reason">Why it was not kept, where that was not chosen.</param>
public sealed record StateReport(
    string Name, string Object, StateOutcome Outcome, long OldSize, long NewSize, string? Reason = null)
{
    /// <summary>One line for a person.</summary>
    public override string ToString() => Reason is null
        ? $"{Object}: {Name}: {Outcome}"
        : $"{Object}: {Name}: {Outcome}: {Reason}";
}

/// <summary>A variable whose value is to be carried over.</summary>
/// <param name="Name">Its name.</param>
/// <param name="OldAddress">The old storage: it is not used by anybody in an epoch.</param>
/// <param name="OldSize">Its size in bytes.</param>
/// <param name="NewAddress">The new storage, with its initial value.</param>
/// <param name="NewSize">Its size in bytes.</param>
public sealed record StateMigration(string Name, nint OldAddress, long OldSize, nint NewAddress, long NewSize);
