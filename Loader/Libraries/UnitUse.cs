namespace ElfLoader.Libraries;

/// <summary>How much of another unit a unit uses.</summary>
[Flags]
internal enum UnitUse : byte
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Code that several units may have copies of (COMDAT, weak): whose copy serves is nobody's choice.</summary>
    SharedCode = 1,

    /// <summary>Data that several units may have copies of.</summary>
    SharedData = 2,

    /// <summary>Something that it has no copy of.</summary>
    Needed = 4,

    /// <summary>Whatever it was: the user has been unloaded, but a thread owes it a destructor, which may use it yet.</summary>
    Owed = 8,
}
