namespace ElfLoader.Redirection;

/// <summary>All entries of the process by their number, which is what an entry without code knows of itself.</summary>
internal sealed class EntryRegistry
{
    private readonly Dictionary<uint, CallEntry> _entries = [];
    private readonly Stack<uint> _freeChunks = [];
    private uint _nextChunk;

    /// <summary>Guards the entries of all libraries.</summary>
    internal Lock Gate { get; } = new();

    /// <summary>Units that were looked at to find out who may call what leaves. The gate is held.</summary>
    internal long OwedSteps { get; set; }

    /// <summary>The entry of a number, also if it is not in use any more; null if its memory has been given back.</summary>
    internal CallEntry? Find(uint number)
    {
        lock (Gate)
        {
            return _entries.GetValueOrDefault(number);
        }
    }

    /// <summary>Adds an entry, in the place of one that is not in use any more. The gate is held.</summary>
    internal void Add(CallEntry entry) => _entries[entry.Number] = entry;

    /// <summary>The first number of a new chunk. The gate is held.</summary>
    internal uint TakeNumbers() => _freeChunks.TryPop(out uint first) ? first : _nextChunk++ * EntryChunk.Capacity;

    /// <summary>Gives the numbers of a chunk back. The gate is held.</summary>
    internal void GiveNumbers(uint first)
    {
        for (uint i = 0; i < EntryChunk.Capacity; i++)
        {
            _entries.Remove(first + i);
        }

        _freeChunks.Push(first);
    }
}
