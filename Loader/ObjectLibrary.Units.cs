using ElfLoader.DynamicLinking;
using ElfLoader.Elf;
using ElfLoader.Linking;

namespace ElfLoader;

/// <summary>Told of a unit that comes or goes.</summary>
/// <param name="library">The library that it belongs to.</param>
/// <param name="unit">The unit.</param>
public delegate void UnitChange(ObjectLibrary library, LoadedUnit unit);

/// <content>Who is told of units: callers, and loaded code that asks the dynamic linker.</content>
public sealed partial class ObjectLibrary
{
    private readonly Lock _scopeGate = new();
    private LibraryNames? _nativeNames;

    /// <summary>
    /// Raised when a unit is in memory, final and read-only where it is to be, before any of its code runs: before its IFUNC
    /// resolvers and its initializers do.
    /// </summary>
    /// <remarks>
    /// For whoever has to know where data is before anything is in it, such as a garbage collector that scans memory
    /// (<see cref="LoadedUnit.DataRanges"/>). The handlers run in the thread that loads; no lock is held. What a handler throws
    /// ends the load, and the caller of <c>Load</c> gets it.
    /// </remarks>
    public event UnitChange? UnitLoading;

    /// <summary>
    /// Raised before the memory of a unit is given back, when nothing of it runs any more: after its destructors, and after a
    /// load that failed. That can be later than the unit was unloaded (<see cref="LoadedUnit.Unload()"/>).
    /// </summary>
    /// <remarks>
    /// Raised once for each unit that <see cref="UnitLoading"/> was raised for. The handlers run in the thread that lets the last
    /// user go; no lock is held. They must not throw.
    /// </remarks>
    public event UnitChange? UnitFreeing;

    /// <summary>Whether anybody is told of units before they are published.</summary>
    internal bool IsWatched => UnitLoading is not null;

    /// <summary>What native code knows of it; null if nothing.</summary>
    internal LibraryNames? Names => Volatile.Read(ref _nativeNames);

    /// <summary>Makes it known to loaded code that asks the dynamic linker. Does nothing where it is.</summary>
    internal void MakeKnown(LinkerInterface used)
    {
        LibraryNames names;
        lock (_scopeGate)
        {
            if (_nativeNames is not null)
            {
                return;
            }

            names = LibraryNames.Create(used.Readers);
            Volatile.Write(ref _nativeNames, names);
        }

        UpdateScope();
        Contents.MakeKnown(names);
        Entries.MakeKnown(used, names);
    }

    /// <summary>Says that a unit is in memory, and nothing of it has run.</summary>
    internal void Announce(LoadedUnit unit)
    {
        unit.IsAnnounced = true;
        UnitLoading?.Invoke(this, unit);
    }

    /// <summary>Says that a unit's memory is going to be given back.</summary>
    internal void Tell(LoadedUnit unit)
    {
        if (unit.IsAnnounced)
        {
            unit.IsAnnounced = false;
            UnitFreeing?.Invoke(this, unit);
        }
    }

    /// <summary>Tells native code where names are looked for.</summary>
    private void UpdateScope()
    {
        if (_process.Interface is not { } used)
        {
            return;
        }

        ObjectLibrary[] linked = _linked;
        foreach (ObjectLibrary library in linked)
        {
            library.MakeKnown(used);
        }

        lock (_scopeGate)
        {
            _nativeNames?.SetScope([.. linked.Select(library => library.Names).OfType<LibraryNames>()], _host.Handles);
        }
    }

    /// <summary>Lets native code forget it.</summary>
    /// <param name="hidesUnits">Whether its units are forgotten, too, though they are in memory.</param>
    internal void Hide(bool hidesUnits)
    {
        LibraryNames? names;
        lock (_scopeGate)
        {
            names = Interlocked.Exchange(ref _nativeNames, null);
        }

        if (names is not null)
        {
            Entries.Hide();
            Contents.Hide(hidesUnits);
            names.Release();
        }
    }

    /// <summary>Says that the library is not used any more.</summary>
    private void Forget()
    {
        _process.Remove(this);
        Hide(hidesUnits: false); // threads may owe some of them destructors
    }

    /// <summary>One of the dynamic linker's functions that know of loaded code.</summary>
    private Definition OwnInterface(ReadOnlySpan<byte> name) => new()
    {
        Address = _process.FutureInterface.Find(name),
        Type = SymbolType.Function,
        Source = SymbolSource.Linker,
        Provider = "the loader",
    };
}
