using System.Diagnostics.CodeAnalysis;
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
    private bool _isForgotten; // guarded by the same

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

    /// <summary>Makes it known to loaded code that asks the dynamic linker. Does nothing where it is, or has been disposed.</summary>
    /// <remarks>Nor are the libraries left out that it is linked to, directly or through others: chains of these may be long.</remarks>
    internal void MakeKnown(LinkerInterface used)
    {
        List<(ObjectLibrary Library, LibraryNames Names)> made = [];
        Stack<ObjectLibrary> due = new([this]);
        while (due.TryPop(out ObjectLibrary? library))
        {
            if (library.TryMakeNames(used, out LibraryNames? names))
            {
                made.Add((library, names));
                Array.ForEach(library._linked, due.Push);
            }
        }

        made.Reverse(); // those that others look at first
        foreach ((ObjectLibrary library, LibraryNames names) in made)
        {
            library.PublishScope();
            library.Contents.MakeKnown(names);
            library.Entries.MakeKnown(used, names);
        }
    }

    private bool TryMakeNames(LinkerInterface used, [NotNullWhen(true)] out LibraryNames? names)
    {
        lock (_scopeGate)
        {
            names = _nativeNames is null && !_isForgotten ? LibraryNames.Create(used.Readers) : null;
            if (names is not null)
            {
                Volatile.Write(ref _nativeNames, names);
            }

            return names is not null;
        }
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

        foreach (ObjectLibrary library in _linked)
        {
            library.MakeKnown(used);
        }

        PublishScope();
    }

    private void PublishScope()
    {
        lock (_scopeGate)
        {
            _nativeNames?.SetScope(_linked.Select(library => library.Names).OfType<LibraryNames>(), _host.Handles);
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

    /// <summary>Says that the library is not used any more, though others may still be linked to it.</summary>
    private void Forget()
    {
        _process.Remove(this);
        lock (_scopeGate)
        {
            _isForgotten = true;
        }

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
