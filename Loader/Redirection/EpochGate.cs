using System.Diagnostics;
using ElfLoader.Loading;
using ElfLoader.Memory;
using ElfLoader.Runtime;

namespace ElfLoader.Redirection;

/// <summary>Lets threads into epochs, and publications in between.</summary>
/// <remarks>
/// A thread writes its own slot and reads one shared word: no atomic operation, no fence. It is the publisher that pays: it
/// sets the shared word and interrupts all processors (membarrier), after which a thread has either seen the word, or its slot
/// is seen. The words and the slots belong to the shim, so that native code and ending threads need no .NET.
/// </remarks>
internal static class EpochGate
{
    private const ulong Consistent = 1;
    private const ulong Unwaited = 2;
    private const int GenerationShift = 2;
    private const ulong DepthOffset = 8;
    private const int FirstPairs = 64;

    /// <summary>
    /// How long threads are kept out of epochs at a stretch. One that is inside may wait for one that is kept out, which only
    /// opening the gate again helps.
    /// </summary>
    private static readonly TimeSpan FirstPatience = TimeSpan.FromMilliseconds(20);

    private static readonly TimeSpan LongestPatience = TimeSpan.FromMilliseconds(500);

    private static readonly Lock Publishing = new();
    private static readonly MadeOnce<ShimWords> MadeWords = new(() => new ShimWords(NativeProcess.Host.Shim));

    [ThreadStatic]
    private static ulong t_slot;

    private static volatile int s_publisher; // the managed thread that publishes; 0 if none does

    /// <summary>Whether the calling thread is publishing: then it is in a callback that may change nothing else.</summary>
    internal static bool IsPublishing => s_publisher is not 0 and int thread && thread == Environment.CurrentManagedThreadId;

    /// <summary>Whether the calling thread is in an epoch.</summary>
    internal static bool IsInside => t_slot is not 0 && NativeBytes.LoadWord(t_slot) is not 0;

    /// <summary>The number of publications.</summary>
    internal static ulong Generation => NativeBytes.LoadWord(Words.Generation);

    /// <inheritdoc cref="Epoch.Enter"/>
    internal static void Enter()
    {
        ulong slot = Slot();
        ulong depth = NativeBytes.LoadWord(slot + DepthOffset);
        NativeBytes.StoreWord(slot + DepthOffset, depth + 1);
        if (depth is 0)
        {
            NativeBytes.StoreWord(slot, (NativeBytes.LoadWord(Words.Generation) << GenerationShift) | Consistent);
            if (NativeBytes.LoadWord(Words.Pending) is not 0)
            {
                _ = NativeCall.Call(Words.WaitFunction);
            }
        }
    }

    /// <inheritdoc cref="Epoch.EnterWithoutWaiting"/>
    internal static void EnterWithoutWaiting()
    {
        ulong slot = Slot();
        ulong depth = NativeBytes.LoadWord(slot + DepthOffset);
        NativeBytes.StoreWord(slot + DepthOffset, depth + 1);
        if (depth is 0)
        {
            NativeBytes.StoreWord(slot, (NativeBytes.LoadWord(Words.Generation) << GenerationShift) | Unwaited);
        }
    }

    /// <inheritdoc cref="Epoch.Leave"/>
    internal static void Leave()
    {
        ulong slot = Slot();
        ulong depth = NativeBytes.LoadWord(slot + DepthOffset);
        if (depth is 0)
        {
            throw new InvalidOperationException("The thread is in no epoch.");
        }

        NativeBytes.StoreWord(slot + DepthOffset, depth - 1);
        if (depth is 1)
        {
            NativeBytes.StoreWord(slot, 0);
            if (NativeBytes.LoadWord(Words.Pending) is not 0)
            {
                _ = NativeCall.Call(Words.LeftFunction);
            }
        }
    }

    /// <summary>The threads that are in an epoch.</summary>
    internal static IReadOnlyList<EpochThread> Active()
    {
        ulong[] words = Census(out int count);
        var threads = new EpochThread[count];
        for (int i = 0; i < count; i++)
        {
            ulong state = words[1 + (2 * i)];
            threads[i] = new EpochThread(
                (int)words[2 + (2 * i)], (long)(state >> GenerationShift), (state & Consistent) != 0);
        }

        return threads;
    }

    /// <summary>
    /// The generation before which no thread in an epoch has entered: what was taken away by then, no such thread uses.
    /// </summary>
    internal static ulong OldestGeneration()
    {
        Interlocked.MemoryBarrierProcessWide();
        ulong oldest = Generation;
        ulong[] words = Census(out int count);
        for (int i = 0; i < count; i++)
        {
            oldest = Math.Min(oldest, words[1 + (2 * i)] >> GenerationShift);
        }

        return oldest;
    }

    /// <summary>Changes what threads see, while none is in an epoch that publications wait for.</summary>
    /// <param name="timeout">How long to wait for threads to leave.</param>
    /// <param name="change">What changes it; gets the number of the generation that it makes. If it throws, there is none.</param>
    /// <exception cref="InvalidOperationException">The calling thread is in such an epoch itself.</exception>
    /// <exception cref="TimeoutException">Threads did not leave; nothing has changed.</exception>
    internal static void Publish(TimeSpan timeout, Action<ulong> change)
    {
        if (t_slot is not 0 && (NativeBytes.LoadWord(t_slot) & Consistent) != 0)
        {
            throw new InvalidOperationException("A thread in an epoch cannot publish: it would wait for itself.");
        }

        if (IsPublishing)
        {
            throw new InvalidOperationException(
                "A callback of a publication (ReplaceOptions.Migrate) cannot publish: nothing may change but what it migrates.");
        }

        long start = Stopwatch.GetTimestamp();
        TimeSpan patience = FirstPatience;
        while (true)
        {
            lock (Publishing)
            {
                if (TryPublish(patience, change))
                {
                    return;
                }
            }

            if (timeout != Timeout.InfiniteTimeSpan && Stopwatch.GetElapsedTime(start) >= timeout)
            {
                IEnumerable<int> threads = Active().Where(thread => thread.IsConsistent).Select(thread => thread.ThreadId);
                throw new TimeoutException(
                    $"nothing was published: within {timeout} there was no moment without a thread in an epoch "
                    + $"(now: {string.Join(", ", threads)})");
            }

            Thread.Sleep(1);
            patience = patience * 2 < LongestPatience ? patience * 2 : LongestPatience;
        }
    }

    private static bool TryPublish(TimeSpan patience, Action<ulong> change)
    {
        NativeBytes.StoreWord(Words.Pending, 1);
        try
        {
            Interlocked.MemoryBarrierProcessWide();
            if (!HasDrained(patience))
            {
                return false;
            }

            ulong next = Generation + 1;
            s_publisher = Environment.CurrentManagedThreadId;
            change(next);
            NativeBytes.StoreWord(Words.Generation, next);
            return true;
        }
        finally
        {
            s_publisher = 0;
            NativeBytes.StoreWord(Words.Pending, 0);
            WaitWord.WakeAll(Words.Pending);
        }
    }

    private static bool HasDrained(TimeSpan patience)
    {
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            uint left = (uint)NativeBytes.LoadWord(Words.Left);
            if (!AnyConsistent())
            {
                return true;
            }

            TimeSpan rest = patience - Stopwatch.GetElapsedTime(start);
            if (rest <= TimeSpan.Zero)
            {
                return false;
            }

            WaitWord.Wait(Words.Left, left, rest);
        }
    }

    private static bool AnyConsistent()
    {
        ulong[] words = Census(out int count);
        for (int i = 0; i < count; i++)
        {
            if ((words[1 + (2 * i)] & Consistent) != 0)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>States and thread numbers from the second word on.</summary>
    private static ulong[] Census(out int count)
    {
        for (int room = FirstPairs; ; room = count + FirstPairs)
        {
            ulong[] words = new ulong[1 + (2 * room)];
            words[0] = (ulong)room;
            count = (int)NativeCall.Call(Words.CensusFunction, words);
            if (count <= room)
            {
                return words;
            }
        }
    }

    private static ShimWords Words => MadeWords.Value;

    private static ulong Slot() => t_slot is not 0 ? t_slot : t_slot = NativeCall.Call(Words.SlotFunction);

    /// <summary>Addresses in the shim.</summary>
    private sealed class ShimWords(Shim shim)
    {
        internal ulong Pending { get; } = shim.Start + ShimLayout.EpochPending;

        internal ulong Left { get; } = shim.Start + ShimLayout.EpochLeft;

        internal ulong Generation { get; } = shim.Start + ShimLayout.EpochGeneration;

        internal ulong SlotFunction { get; } = shim.Function("epoch_slot");

        internal ulong WaitFunction { get; } = shim.Function("epoch_wait");

        internal ulong LeftFunction { get; } = shim.Function("tell_left");

        internal ulong CensusFunction { get; } = shim.Function("epochs");
    }
}
