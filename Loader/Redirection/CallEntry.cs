namespace ElfLoader.Redirection;

/// <summary>
/// The canonical address of one function of a library, and the cell that tells where its code is. It belongs to the library
/// and outlives the units that bring the code.
/// </summary>
/// <remarks><see cref="EntryRegistry"/> guards what changes, but the cell itself, which is one word.</remarks>
internal sealed class CallEntry
{
    private readonly EntryChunk _chunk;
    private readonly int _index;
    private ulong _target;

    internal CallEntry(ObjectLibrary library, string name, uint number, EntryChunk chunk, int index)
    {
        Library = library;
        Name = name;
        Number = number;
        _chunk = chunk;
        _index = index;
        Address = chunk.AddressOf(index);
    }

    /// <summary>Whose it is.</summary>
    internal ObjectLibrary Library { get; }

    /// <summary>The function's name.</summary>
    internal string Name { get; }

    /// <summary>What tells it apart in the process.</summary>
    internal uint Number { get; }

    /// <summary>The canonical address.</summary>
    internal ulong Address { get; }

    /// <summary>Where its code is; 0 if it has none.</summary>
    internal ulong Target => Volatile.Read(ref _target);

    /// <summary>Where its code comes from when it is called first; null for nowhere.</summary>
    internal LazyDefinition? Lazy { get; set; }

    /// <summary>
    /// Code that nobody may call but the initializers of the load that brings it, or destructors that run when it is unloaded.
    /// </summary>
    internal ulong PendingTarget { get; set; }

    /// <summary>The managed thread that runs these initializers; 0: it is destructors.</summary>
    internal int PendingThread { get; set; }

    /// <summary>Links that have not been published yet and will define it.</summary>
    internal int Claims { get; set; }

    /// <summary>Units that call it or hold its address, and have no copy of it.</summary>
    internal HashSet<LoadedUnit> Users { get; } = [];

    /// <summary>Whether anything would miss it.</summary>
    internal bool IsIdle => Target is 0 && Lazy is null && Claims is 0 && Users.Count is 0;

    /// <summary>Lets all calls from now on go to another place, with one store.</summary>
    /// <param name="target">Where the code is; 0 for nowhere.</param>
    internal void Redirect(ulong target)
    {
        Volatile.Write(ref _target, target);
        _chunk.Store(_index, target);
    }

    /// <summary>Gives its place to others.</summary>
    internal void Free() => _chunk.Free(_index);
}
