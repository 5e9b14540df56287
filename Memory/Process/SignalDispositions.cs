using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ElfLoader.Memory;

/// <summary>What signals do to this process.</summary>
public static unsafe partial class SignalDispositions
{
    private const int BrokenPipe = 13; // SIGPIPE
    private const int FirstRealTime = 32; // the C library keeps 32 and 33; .NET suspends its threads with the next
    private const nint Default = 0; // SIG_DFL
    private const nint Ignored = 1; // SIG_IGN

    /// <summary>
    /// Gives signals the dispositions that a program starts with: the default ones where the .NET runtime has handlers, and
    /// for SIGPIPE, which it ignores. What the parent process had ignored stays so.
    /// </summary>
    /// <remarks>
    /// From then on a null reference in managed code ends the process too, as the runtime does not see the fault.
    /// </remarks>
    public static void RestoreDefaults()
    {
        for (int signal = 1; signal < FirstRealTime; signal++)
        {
            SignalAction action;
            if (SetAction(signal, null, &action) is 0
                && (action.Handler is not (Default or Ignored) || (signal is BrokenPipe && action.Handler is Ignored)))
            {
                SignalAction initial = default;
                _ = SetAction(signal, &initial, null);
            }
        }
    }

    [LibraryImport("libc.so.6", EntryPoint = "sigaction")]
    private static partial int SetAction(int signal, SignalAction* action, SignalAction* previous);

    [InlineArray(16)]
    private struct SignalSet // sigset_t
    {
        private ulong _first;
    }

#pragma warning disable CS0649 // The C library fills it.
    private struct SignalAction // struct sigaction
    {
        public nint Handler;
        public SignalSet Mask;
        public int Flags;
        public nint Restorer;
    }
#pragma warning restore CS0649
}
