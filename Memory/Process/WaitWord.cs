using System.Runtime.InteropServices;

namespace ElfLoader.Memory;

/// <summary>Waits for a 32-bit word of memory to change: futex(2), for words that native code changes, too.</summary>
/// <remarks>Any thread of this process may wait and wake; the words are not shared with other processes.</remarks>
public static unsafe partial class WaitWord
{
    private const int WaitPrivate = 128;
    private const int WakePrivate = 129;

    /// <summary>Waits while a word has a value. May return early; the caller looks again.</summary>
    /// <param name="address">The word, aligned to 4.</param>
    /// <param name="value">The value that it had.</param>
    /// <param name="timeout">The longest time to wait.</param>
    public static void Wait(ulong address, uint value, TimeSpan timeout)
    {
        Span<long> time = [(long)timeout.TotalSeconds, timeout.Ticks % TimeSpan.TicksPerSecond * 100];
        fixed (long* start = time)
        {
            _ = SystemFaults.Fails("futex") ? -1 : SystemCall(Number, (nint)address, WaitPrivate, (nint)value, (nint)start);
        }
    }

    /// <summary>Wakes all threads that wait for a word.</summary>
    public static void WakeAll(ulong address) => _ = SystemCall(Number, (nint)address, WakePrivate, int.MaxValue, 0);

    private static nint Number => RuntimeInformation.ProcessArchitecture is Architecture.X64 ? 202 : 98;

    [LibraryImport("libc", EntryPoint = "syscall")]
    private static partial nint SystemCall(nint number, nint first, nint second, nint third, nint fourth);
}
