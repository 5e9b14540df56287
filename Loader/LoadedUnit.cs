using ElfLoader.Libraries;
using ElfLoader.Linking;
using ElfLoader.Loading;
using ElfLoader.Memory;
using ElfLoader.Redirection;

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

/// <summary>How far the life of a unit has gone.</summary>
internal enum UnitState : byte
{
    /// <summary>Not published yet.</summary>
    Loading,

    /// <summary>In use.</summary>
    Loaded,

    /// <summary>Nothing of it is defined any more; its code may still run, or come back.</summary>
    Superseded,

    /// <summary>Unloaded, but others use definitions that they share with it.</summary>
    Leaving,

    /// <summary>Nobody uses it.</summary>
    Gone,
}

/// <summary>
/// What one load has brought into the process: one object, or several that were linked together. It is the unit of
/// unloading.
/// </summary>
/// <remarks>All members may be used from any thread.</remarks>
public sealed class LoadedUnit : IDefinitionOwner
{
    private UnitResources _resources;
    private int _firstDefinition;
    private int _firstGroup;
    private int _firstUse;
    private int _lastUse;
    private int _firstUser;
    private int _lastUser;
    private int _place;
    private Rarities? _rarities;

    internal LoadedUnit(ObjectLibrary library, string name)
    {
        Library = library;
        Name = name;
    }

    /// <summary>The library it belongs to.</summary>
    public ObjectLibrary Library { get; }

    /// <summary>The names of its objects.</summary>
    public string Name { get; }

    /// <summary>Whether it can be called: false once <see cref="Unload()"/> has been called.</summary>
    public bool IsLoaded => State is UnitState.Loaded;

    /// <summary>Whether others may rely on it, or are going to: it is loaded, or being loaded.</summary>
    internal bool IsInUse => State is UnitState.Loaded or UnitState.Loading;

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

    /// <summary>
    /// Its variables in memory, initialized and zero-initialized: all that its code may write to, but for thread-local storage,
    /// of which each thread has its own. Empty once its memory has been given back.
    /// </summary>
    /// <remarks>
    /// From <see cref="ObjectLibrary.UnitLoading"/> until <see cref="ObjectLibrary.UnitFreeing"/> they are what a garbage
    /// collector has to scan that is not loaded itself, for it does not find them by asking the dynamic linker.
    /// </remarks>
    public IReadOnlyList<AddressRange> DataRanges =>
        _resources.Allocation is { } allocation && allocation.Size(MemoryZone.Data) > 0 ? [allocation.Range(MemoryZone.Data)] : [];

    /// <summary>
    /// Every place that was patched, if <see cref="ObjectLibraryOptions.RecordPatches"/> asked for it, as it was before any
    /// code ran; else empty.
    /// </summary>
    public IReadOnlyList<PatchRecord> Patches
    {
        get => _rarities?.Patches ?? [];
        internal set
        {
            if (value.Count > 0 || _rarities is not null)
            {
                Rare.Patches = value;
            }
        }
    }

    /// <summary>What may be a mistake, though it could be loaded, each in one sentence; mostly empty.</summary>
    public IReadOnlyList<string> Warnings
    {
        get => _rarities?.Warnings ?? [];
        internal set
        {
            if (value.Count > 0 || _rarities is not null)
            {
                Rare.Warnings = value;
            }
        }
    }

    internal UnitObjects Objects { get; set; }

    /// <summary>Whether its code may ask the dynamic linker.</summary>
    internal bool UsesInterface
    {
        get => _rarities?.UsesInterface is true;
        set
        {
            if (value || _rarities is not null)
            {
                Rare.UsesInterface = value;
            }
        }
    }

    /// <summary>Whether callers were told of it, and not yet that it goes.</summary>
    internal bool IsAnnounced { get; set; }

    /// <summary>The stubs that its code goes through.</summary>
    internal ReadOnlyMemory<PlacedStub> Stubs { get; set; }

    /// <summary>Its functions that are reached through entries; null if none is.</summary>
    internal UnitEntries? Entries
    {
        get => _rarities?.Entries;
        set
        {
            if (value is not null || _rarities is not null)
            {
                Rare.Entries = value;
            }
        }
    }

    /// <summary>Entries of others that it uses; <see cref="EntryRegistry"/> guards it.</summary>
    internal List<CallEntry>? UsedEntries
    {
        get => _rarities?.UsedEntries;
        set
        {
            if (value is not null || _rarities is not null)
            {
                Rare.UsedEntries = value;
            }
        }
    }

    /// <summary>Units that may call it yet, though neither it nor they are defined; <see cref="EntryRegistry"/> guards it.</summary>
    internal OwedUnits? OwedCallers
    {
        get => _rarities?.OwedCallers;
        set => Rare.OwedCallers = value;
    }

    /// <summary>Whether it is freed, or about to be; <see cref="EntryRegistry"/> guards it. Noted of those that may be owed something.</summary>
    internal bool HasEnded
    {
        get => _rarities is { HasEnded: true };
        set => Rare.HasEnded = value;
    }

    /// <summary>What it shares with its older and newer generations; <see cref="Redirection.KeptState"/> guards it.</summary>
    internal KeptState? KeptState
    {
        get => _rarities?.KeptState;
        set
        {
            if (value is not null || _rarities is not null)
            {
                Rare.KeptState = value;
            }
        }
    }

    /// <summary>What it registers for variables of others; null if it uses none.</summary>
    internal ForeignDestructors? ForeignDestructors
    {
        get => _rarities?.ForeignDestructors;
        init
        {
            if (value is not null)
            {
                Rare.ForeignDestructors = value;
            }
        }
    }

    /// <summary>Whether functions of it may have been registered to be called at the end of the process.</summary>
    internal bool RegistersExit { get; set; }

    /// <summary>What has to be undone, and in which order.</summary>
    internal ref UnitResources Resources => ref _resources;

    /// <summary>The archive members that came with it.</summary>
    internal IReadOnlyList<(Elf.Archive Archive, int Member)> Pulled
    {
        get => _rarities?.Pulled ?? [];
        set
        {
            if (value.Count > 0 || _rarities is not null)
            {
                Rare.Pulled = value;
            }
        }
    }

    /// <summary>Names of variables outside of the library that took the place of its own; the library's contents guard it.</summary>
    internal List<SharedName>? SharedNames
    {
        get => _rarities?.SharedNames;
        set
        {
            if (value is not null || _rarities is not null)
            {
                Rare.SharedNames = value;
            }
        }
    }

    /// <summary>How far its life has gone; <see cref="UnitGraph"/> guards it once the unit is published.</summary>
    internal UnitState State { get; set; }

    /// <summary>What others used of it when it was unloaded; <see cref="UnitGraph"/> guards it.</summary>
    internal UnitUse Left { get; set; }

    /// <summary>The generation in which it was superseded; the library's contents guard it.</summary>
    internal ulong SupersededIn
    {
        get => _rarities?.SupersededIn ?? 0;
        set => Rare.SupersededIn = value;
    }

    /// <summary>One more than its place in the library's list that it is in, or 0; <see cref="LibraryContents"/> guards it.</summary>
    internal ref int Place => ref _place;

    /// <summary>Where the library's table of definitions has those of this unit; that table guards it.</summary>
    internal ref int FirstDefinition => ref _firstDefinition;

    /// <summary>Where the library's table of groups has those of this unit; that table guards it.</summary>
    internal ref int FirstGroup => ref _firstGroup;

    /// <summary>The first of <see cref="UnitEdges"/> of what this one uses; <see cref="UnitGraph"/> guards it.</summary>
    internal ref int FirstUse => ref _firstUse;

    /// <summary>The last of these.</summary>
    internal ref int LastUse => ref _lastUse;

    /// <summary>The first of <see cref="UnitEdges"/> of what uses this one; <see cref="UnitGraph"/> guards it.</summary>
    internal ref int FirstUser => ref _firstUser;

    /// <summary>The last of these.</summary>
    internal ref int LastUser => ref _lastUser;

    /// <summary>
    /// Runs the destructors, takes the definitions away and gives the memory back. The caller guarantees that no thread
    /// is in the unit's code and that nothing will call it.
    /// </summary>
    /// <remarks>
    /// Memory stays until it is safe to go: as long as a thread owes a destructor of a thread-local variable to this unit
    /// or to one that used it (<see cref="ObjectLibrary.Reclaim"/>), and as long as other units use a definition that they
    /// brought a copy of too (inline functions, templates). In the last two cases, unless only functions are shared, the
    /// destructors wait as well, and then run in the thread that lets the last user go.
    /// </remarks>
    /// <exception cref="InvalidOperationException">Other units use what only this one defines; the message names them.</exception>
    public void Unload() => Library.Contents.Unload(this);

    /// <summary>Unloads it as <see cref="Unload()"/> does, with the units that depend on it, if wanted.</summary>
    /// <param name="withDependents">Whether these go, too; else they are a reason to refuse.</param>
    /// <exception cref="InvalidOperationException">
    /// Other units use what only this one defines, and were not to go; the message names them.
    /// </exception>
    public void Unload(bool withDependents)
    {
        if (!withDependents)
        {
            Unload();
            return;
        }

        LibraryContents.UnloadWithDependents(this);
    }

    /// <summary>What keeps the unit in memory, for a person: empty once it is gone.</summary>
    public IReadOnlyList<string> KeptAliveBy => RetiredUnit.ReasonsFor(this);

    /// <summary>The unit's name.</summary>
    public override string ToString() => Name;

    /// <summary>Whether everything can be given back: nothing that is to be called yet is in it, and nobody looks at it.</summary>
    internal bool CanFree() => !IsOwed && Resources.CanFree();

    /// <summary>Gives everything back, which can be.</summary>
    internal void Free()
    {
        if (_rarities is not null)
        {
            OwedUnits.End(this);
        }

        Resources.Discard();
        ForeignDestructors?.Dispose();
        if (UsesInterface)
        {
            UsesInterface = false;
            NativeProcess.Current.RemoveInterfaceUser();
        }
    }

    /// <summary>
    /// Whether something in it may be called yet: a destructor that a thread owes, one of a variable of others, or what such a
    /// destructor of another unit calls.
    /// </summary>
    internal bool IsOwed => HasOwedDestructor || OwedCallers?.FindAny() is not null;

    /// <summary>Whether the system is going to call something in it, and that perhaps what the unit uses.</summary>
    internal bool MayBeCalledYet => HasOwedDestructor || MayBeCalledAtExit;

    /// <summary>Whether it does so when the process ends, and nobody can resolve calls.</summary>
    internal bool MayBeCalledAtExit => ForeignDestructors is { Count: > 0 } || (RegistersExit && State is UnitState.Leaving);

    private bool HasOwedDestructor => ForeignDestructors is { Count: > 0 } || Resources.IsOwed;

    private Rarities Rare => _rarities ?? Interlocked.CompareExchange(ref _rarities, new Rarities(), null) ?? _rarities;

    /// <summary>What few units have: of thousands of small ones, it would be a good part of the memory that stays.</summary>
    private sealed class Rarities
    {
        internal IReadOnlyList<PatchRecord> Patches { get; set; } = [];

        internal IReadOnlyList<string> Warnings { get; set; } = [];

        internal ForeignDestructors? ForeignDestructors { get; set; }

        internal UnitEntries? Entries { get; set; }

        internal List<CallEntry>? UsedEntries { get; set; }

        internal OwedUnits? OwedCallers { get; set; }

        internal bool HasEnded { get; set; }

        internal KeptState? KeptState { get; set; }

        internal IReadOnlyList<(Elf.Archive Archive, int Member)> Pulled { get; set; } = [];

        internal bool UsesInterface { get; set; }

        internal ulong SupersededIn { get; set; }

        internal List<SharedName>? SharedNames { get; set; }
    }
}
