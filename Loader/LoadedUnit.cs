using ElfLoader.Linking;

namespace ElfLoader;

/// <summary>One section of a loaded unit.</summary>
/// <param name="Object">Name of the object it comes from.</param>
/// <param name="Name">Its name.</param>
/// <param name="Index">Its index in the object.</param>
/// <param name="Address">Where it lies; 0 for zero-initialized thread-local storage.</param>
/// <param name="Size">Its size in bytes.</param>
/// <param name="Flags"><c>sh_flags</c>.</param>
public readonly record struct LoadedSection(
    string Object, string Name, int Index, ulong Address, ulong Size, ulong Flags);

/// <summary>
/// What one load has brought into the process: one object, or several that were linked together. It is the unit of
/// unloading.
/// </summary>
/// <remarks>All members may be used from any thread.</remarks>
public sealed class LoadedUnit
{
    internal LoadedUnit(ObjectLibrary library, string name)
    {
        Library = library;
        Name = name;
    }

    /// <summary>The library it belongs to.</summary>
    public ObjectLibrary Library { get; }

    /// <summary>The names of its objects.</summary>
    public string Name { get; }

    /// <summary>Whether it can be called: false once <see cref="Unload"/> has been called.</summary>
    public bool IsLoaded { get; internal set; }

    /// <summary>Its sections, in the order of linking.</summary>
    public IEnumerable<LoadedSection> Sections
    {
        get
        {
            foreach (LinkObject file in Objects)
            {
                for (int i = 1; i < file.Sections.Length; i++)
                {
                    if (file.IsKept(i))
                    {
                        yield return new LoadedSection(
                            file.Elf.Name,
                            file.Elf.SectionNameText(i),
                            i,
                            file.Sections[i].Address,
                            file.Elf.Sections[i].Size,
                            file.Elf.Sections[i].Flags);
                    }
                }
            }
        }
    }

    internal IReadOnlyList<LinkObject> Objects { get; set; } = [];

    /// <summary>What has to be undone, and in which order.</summary>
    internal UnitResources Resources { get; set; } = null!;

    /// <summary>The archive members that came with it.</summary>
    internal IReadOnlyList<(Elf.Archive Archive, int Member)> Pulled { get; set; } = [];

    /// <summary>Units of which this one uses something.</summary>
    internal HashSet<LoadedUnit> Uses { get; } = [];

    /// <summary>Units that use something of this one.</summary>
    internal HashSet<LoadedUnit> UsedBy { get; } = [];

    /// <summary>
    /// Runs the destructors, takes the definitions away and gives the memory back. The caller guarantees that no thread
    /// is in the unit's code and that nothing will call it; a thread that still owes a destructor of a thread-local
    /// variable keeps the memory until it has run it.
    /// </summary>
    /// <exception cref="InvalidOperationException">Other units use definitions of this one; the message names them.</exception>
    public void Unload() => Library.Unload(this);

    /// <summary>The unit's name.</summary>
    public override string ToString() => Name;
}
