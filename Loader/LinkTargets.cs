namespace ElfLoader;

/// <summary>What objects are linked for.</summary>
[Flags]
public enum LinkTargets
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>This process: <see cref="ObjectLibrary"/>.</summary>
    Process = 1,

    /// <summary>An image of another program: <see cref="ImageLinker"/>.</summary>
    Image = 2,
}
