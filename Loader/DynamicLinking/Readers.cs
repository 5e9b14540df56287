using System.Diagnostics;
using ElfLoader.Memory;

namespace ElfLoader.DynamicLinking;

/// <summary>Tells when the threads have left that may have found something before it was taken out. Thread-safe.</summary>
/// <remarks>
/// Native code counts itself in and out, in one of two counters: that of the phase in which it came. To wait is to begin a new
/// phase, and to see the counter of the old one fall to zero; threads that come meanwhile are in the other, and do not matter. A
/// thread that never leaves (one that was cancelled inside, or left by <c>longjmp</c>) keeps what was taken out in memory, and
/// nothing else.
/// </remarks>
internal sealed class Readers
{
    /// <summary>How long it is worth waiting: for a thread that was interrupted inside, not for one that is in a callback.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(20);

    /// <summary>How long it is worth waiting for one such thread in all, however many ask.</summary>
    private static readonly TimeSpan LongestPatience = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly Queue<(long Phase, NativeBlock Block)> _retired = [];
    private readonly ulong _phase;
    private readonly ulong _counts;
    private long _begun; // phases
    private long _ended; // phases whose threads have left
    private long _wanted; // a phase that has to end
    private long _waitedFor; // a phase that did not end while somebody waited
    private TimeSpan _waited; // for that, in all

    /// <param name="phase">Address of the number of the phase.</param>
    /// <param name="counts">Address of the two counters.</param>
    internal Readers(ulong phase, ulong counts)
    {
        _phase = phase;
        _counts = counts;
    }

    /// <summary>Frees memory that cannot be found any more, when nobody reads it.</summary>
    internal void Retire(NativeBlock block)
    {
        lock (_gate)
        {
            _retired.Enqueue((Next(), block));
            Advance();
        }
    }

    /// <summary>The moment at which nobody uses what cannot be found any more, for <see cref="HasPassed"/>.</summary>
    internal long Mark()
    {
        lock (_gate)
        {
            return Next();
        }
    }

    /// <summary>Whether a moment has passed, perhaps after a short time.</summary>
    /// <remarks>While a thread stays inside, those that ask again and again soon do not wait for it any more.</remarks>
    internal bool HasPassed(long moment)
    {
        long start = Stopwatch.GetTimestamp();
        var spin = new SpinWait();
        while (true)
        {
            lock (_gate)
            {
                Advance();
                if (_ended >= moment)
                {
                    return true;
                }

                TimeSpan before = _waitedFor == _begun ? _waited : TimeSpan.Zero;
                TimeSpan elapsed = Stopwatch.GetElapsedTime(start);
                if (elapsed > Patience || before > LongestPatience)
                {
                    (_waitedFor, _waited) = (_begun, before + elapsed);
                    return false;
                }
            }

            spin.SpinOnce();
        }
    }

    private long Next() => _wanted = _begun + 1;

    private void Advance()
    {
        while (true)
        {
            if (_ended < _begun)
            {
                if (NativeBytes.LoadWord(_counts + (((ulong)_begun - 1) & 1) * sizeof(ulong)) is not 0)
                {
                    return;
                }

                _ended = _begun;
                while (_retired.TryPeek(out (long Phase, NativeBlock Block) oldest) && oldest.Phase <= _ended)
                {
                    _retired.Dequeue().Block.Dispose();
                }
            }

            if (_wanted <= _ended)
            {
                return;
            }

            Interlocked.MemoryBarrier(); // what was taken out is out before the phase begins
            NativeBytes.StoreWord(_phase, (ulong)++_begun);
            Interlocked.MemoryBarrier(); // and it has begun before anybody is counted
        }
    }
}
