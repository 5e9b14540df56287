namespace ElfLoader.Runtime;

/// <summary>One unit's unwind tables, as the unwinder knows them.</summary>
internal sealed class UnwindRegistration
{
    internal UnwindRegistration(UnwindRegistry registry, ulong ehFrame, ulong code, ulong entry)
    {
        Registry = registry;
        EhFrame = ehFrame;
        Code = code;
        Entry = entry;
    }

    /// <summary>Who registered them.</summary>
    internal UnwindRegistry Registry { get; }

    /// <summary>Address of the tables.</summary>
    internal ulong EhFrame { get; }

    /// <summary>Address of the code that they describe, which no other tables describe.</summary>
    internal ulong Code { get; }

    /// <summary>
    /// What the unwinder notes of them as long as they are registered by themselves. It is kept until the unit goes: a thread
    /// that throws through the unit may still look at it.
    /// </summary>
    internal ulong Entry { get; set; }
}
