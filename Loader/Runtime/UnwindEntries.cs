using ElfLoader.Memory;

namespace ElfLoader.Runtime;

/// <summary>Memory for what the unwinder notes of each thing that is registered: libgcc's <c>struct object</c>.</summary>
/// <remarks>Not thread-safe: the registry guards it. It is never given back, for the unwinder may look at it at any time.</remarks>
internal sealed class UnwindEntries
{
    /// <summary>More than libgcc's <c>struct object</c> takes (unwind-dw2-fde.h).</summary>
    private const int Size = 64;

    private const int EntriesOfBlock = 64;

    /// <summary>
    /// Milliseconds before an entry of several tables is used again: a thread that throws looks at it once more, to decode the
    /// address of the function that it has found, after it has let go of the unwinder's lock.
    /// </summary>
    private const long Pause = 2_000;

    private readonly Queue<(ulong Entry, long Since)> _resting = [];
    private readonly Stack<ulong> _free = [];
    private readonly List<NativeBlock> _blocks = [];

    /// <summary>An entry that nobody looks at.</summary>
    internal ulong Take()
    {
        if (_free.TryPop(out ulong entry))
        {
            return entry;
        }

        if (_resting.TryPeek(out (ulong Entry, long Since) oldest) && Environment.TickCount64 - oldest.Since > Pause)
        {
            return _resting.Dequeue().Entry;
        }

        var block = new NativeBlock(Size * EntriesOfBlock);
        _blocks.Add(block);
        for (int i = EntriesOfBlock - 1; i > 0; i--)
        {
            _free.Push(block.Address + (ulong)(i * Size));
        }

        return block.Address;
    }

    /// <summary>Takes an entry back of which the caller knows that no thread looks at it.</summary>
    internal void Give(ulong entry) => _free.Push(entry);

    /// <summary>Takes an entry back that other threads may still look at.</summary>
    internal void Rest(ulong entry) => _resting.Enqueue((entry, Environment.TickCount64));
}
