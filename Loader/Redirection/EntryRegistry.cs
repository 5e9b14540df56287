namespace ElfLoader.Redirection;

/// <summary>All entries of the process by their number, which is what an entry without code knows of itself.</summary>
internal sealed class EntryRegistry
{
    private readonly Dictionary<uint, CallEntry> _entries = [];
    private readonly Stack<uint> _freeChunks = [];
    private uint _nextChunk;

    /// <summary>Guards the entries of all libraries.</summary>
    internal Lock Gate { get; } = new();

    /// <summary>The entry of a number; null if it is gone.</summary>
    internal CallEntry? Find(uint number)
    {
        lock (Gate)
        {
            return _entries.GetValueOrDefault(number);
        }
    }

    /// <summary>Adds an entry. The gate is held.</summary>
    internal void Add(CallEntry entry) => _entries.Add(entry.Number, entry);

    /// <summary>Removes an entry. The gate is held.</summary>
    internal void Remove(CallEntry entry) => _entries.Remove(entry.Number);

    /// <summary>The first number of a new chunk. The gate is held.</summary>
    internal uint TakeNumbers() => _freeChunks.TryPop(out uint first) ? first : _nextChunk++ * EntryChunk.Capacity;

    /// <summary>Gives the numbers of a chunk back. The gate is held.</summary>
    internal void GiveNumbers(uint first) => _freeChunks.Push(first);
}
