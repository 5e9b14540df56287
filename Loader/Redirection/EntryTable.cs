using System.Text;
using ElfLoader.Diagnostics;
using ElfLoader.DynamicLinking;
using ElfLoader.Libraries;
using ElfLoader.Linking;
using ElfLoader.Loading;
using ElfLoader.Memory;

namespace ElfLoader.Redirection;

/// <summary>The entries of one library, by name. Thread-safe.</summary>
internal sealed class EntryTable
{
    private readonly ObjectLibrary _library;
    private readonly NativeProcess _process;
    private readonly DefinitionTable _byName = new();
    private readonly HashSet<EntryChunk> _chunks = [];
    private readonly Dictionary<MemoryPool, Stack<EntryChunk>> _withRoom = []; // some of them may have been released
    private volatile int _count;

    internal EntryTable(ObjectLibrary library, NativeProcess process)
    {
        _library = library;
        _process = process;
    }

    /// <summary>Whether there is none, so that nothing needs to be looked for.</summary>
    internal bool IsEmpty => _count is 0;

    /// <summary>Entries and chunks that were looked at.</summary>
    internal long Steps { get; private set; }

    private Lock Gate => _process.Entries.Gate;

    /// <summary>Finds the entry of a name, without taking note of it.</summary>
    internal CallEntry? Find(ulong hash, ReadOnlySpan<byte> name)
    {
        lock (Gate)
        {
            return _byName.Find(hash, name).Entry;
        }
    }

    /// <summary>The entry of a name that is about to be defined, made if there is none.</summary>
    /// <param name="hash">Hash of the name.</param>
    /// <param name="name">The name.</param>
    /// <param name="pool">Where a new one goes, if there is room.</param>
    /// <param name="isNew">Whether it was made.</param>
    internal CallEntry Claim(ulong hash, ReadOnlySpan<byte> name, MemoryPool? pool, out bool isNew)
    {
        lock (Gate)
        {
            CallEntry? entry = _byName.Find(hash, name).Entry;
            isNew = entry is null;
            entry ??= Add(hash, name, pool);
            entry.Claims++;
            if (entry.Claims > 1)
            {
                entry.CloseHidden(); // what another link's initializers call is not for this one
            }

            return entry;
        }
    }

    /// <summary>Ends a claim; an entry that nothing has ever come of is removed.</summary>
    internal void Settle(CallEntry entry, bool isPublished)
    {
        lock (Gate)
        {
            entry.Claims--;
            entry.IsKnown |= isPublished;
            if (!entry.IsKnown && entry.IsIdle)
            {
                Remove(entry);
            }
        }
    }

    /// <summary>Removes the entries that have no code and no users, and gives memory back that holds none any more.</summary>
    internal void Trim()
    {
        lock (Gate)
        {
            Trim([.. _byName.All().Select(pair => pair.Definition.Entry!)]);
            foreach (EntryChunk chunk in _chunks.Where(chunk => chunk.IsEmpty).ToArray())
            {
                Release(chunk);
            }
        }
    }

    /// <summary>The same for some of the entries only.</summary>
    internal void Trim(IEnumerable<CallEntry> entries)
    {
        lock (Gate)
        {
            foreach (CallEntry entry in entries)
            {
                Steps++;
                if (!entry.IsGone && entry.IsIdle)
                {
                    Remove(entry);
                    if (entry.Chunk.IsEmpty)
                    {
                        Release(entry.Chunk);
                    }
                }
            }
        }
    }

    /// <summary>Makes the entries known to loaded code that asks the dynamic linker.</summary>
    internal void MakeKnown(LinkerInterface used, LibraryNames names)
    {
        lock (Gate)
        {
            foreach (EntryChunk chunk in _chunks)
            {
                chunk.MakeKnown(used, _library.Name, names);
            }

            foreach ((_, Definition definition) in _byName.All())
            {
                definition.Entry!.MakeKnown();
            }
        }
    }

    /// <summary>Hides the entries again.</summary>
    internal void Hide()
    {
        lock (Gate)
        {
            foreach (EntryChunk chunk in _chunks)
            {
                chunk.Hide();
            }
        }
    }

    private CallEntry Add(ulong hash, ReadOnlySpan<byte> name, MemoryPool? pool)
    {
        (EntryChunk chunk, int index) = TakePlace(pool);
        var entry = new CallEntry(
            _library, Encoding.UTF8.GetString(name), chunk.FirstNumber + (uint)index, chunk, index);
        entry.MakeKnown();
        _byName.Set(hash, name, new Definition { Redirection = entry, Provider = _library.Name });
        _process.Entries.Add(entry);
        _count++;
        return entry;
    }

    private void Remove(CallEntry entry)
    {
        byte[] name = Encoding.UTF8.GetBytes(entry.Name);
        _byName.Remove(NameHash.Of(name), name);
        if (!entry.Chunk.HasRoom)
        {
            OfferRoom(entry.Chunk);
        }

        entry.Free(); // whoever calls it all the same is told its name, as long as there is something to call
        _count--;
    }

    private (EntryChunk Chunk, int Index) TakePlace(MemoryPool? pool)
    {
        if (ChunkWithRoom(pool) is { } found)
        {
            return (found, Take(found));
        }

        MemoryAllocation? memory = null;
        if (pool is null || !pool.TryAllocate(EntryChunk.Request, out memory))
        {
            memory = _process.Pools(UnitDiagnostics.MappingFor(_library.Options))
                .Allocate(_library.Options.Placement ?? pool?.Placement ?? MemoryPlacement.Far, EntryChunk.Request);
        }

        uint first = _process.Entries.TakeNumbers();
        EntryChunk made;
        try
        {
            CallResolution.Install();
            made = EntryChunk.Create(memory!, first, NativeProcess.Host);
        }
        catch
        {
            memory!.Free(); // a second time does nothing
            _process.Entries.GiveNumbers(first);
            throw;
        }

        _ = _chunks.Add(made);
        if (_process.Interface is { } used && _library.Names is { } names)
        {
            made.MakeKnown(used, _library.Name, names);
        }

        OfferRoom(made);
        return (made, Take(made));
    }

    /// <summary>A chunk that has room, the last one that is known of; null if there is none.</summary>
    /// <param name="pool">Where it is to lie; null: anywhere.</param>
    private EntryChunk? ChunkWithRoom(MemoryPool? pool)
    {
        IEnumerable<MemoryPool> pools = pool is not null ? [pool] : _withRoom.Keys.ToArray();
        foreach (MemoryPool one in pools)
        {
            Steps++;
            while (_withRoom.TryGetValue(one, out Stack<EntryChunk>? chunks))
            {
                if (chunks.TryPeek(out EntryChunk? chunk) && _chunks.Contains(chunk))
                {
                    return chunk;
                }

                Steps++;
                if (!chunks.TryPop(out _))
                {
                    _ = _withRoom.Remove(one);
                }
            }
        }

        return null;
    }

    /// <summary>Takes a place of a chunk that is the last one known to have room in its pool.</summary>
    private int Take(EntryChunk chunk)
    {
        _ = chunk.TryTake(out int place);
        if (!chunk.HasRoom)
        {
            _ = _withRoom[chunk.Pool].Pop();
        }

        return place;
    }

    private void OfferRoom(EntryChunk chunk)
    {
        if (!_withRoom.TryGetValue(chunk.Pool, out Stack<EntryChunk>? chunks))
        {
            _withRoom.Add(chunk.Pool, chunks = new Stack<EntryChunk>());
        }

        chunks.Push(chunk);
    }

    private void Release(EntryChunk chunk)
    {
        _ = _chunks.Remove(chunk);
        chunk.Release();
        _process.Entries.GiveNumbers(chunk.FirstNumber);
    }
}
