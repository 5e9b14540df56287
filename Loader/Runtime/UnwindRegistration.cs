namespace ElfLoader.Runtime;

/// <summary>One unit's unwind tables, as the unwinder knows them.</summary>
/// <param name="EhFrame">Address of the tables.</param>
/// <param name="Code">Address of the code that they describe, which no other tables describe.</param>
internal readonly record struct UnwindRegistration(ulong EhFrame, ulong Code)
{
    /// <summary>
    /// What the unwinder notes of them as long as they are registered by themselves. It is kept until the unit goes: a thread
    /// that throws through the unit may still look at it. Only the set that they are in knows it for certain.
    /// </summary>
    internal ulong Entry { get; init; }
}
