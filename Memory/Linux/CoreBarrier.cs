namespace ElfLoader.Memory.Linux;

/// <summary>Makes every core of the process forget instructions it has fetched.</summary>
/// <remarks>
/// membarrier(2) interrupts the cores that run a thread of this process, and with SYNC_CORE each of them executes a
/// core-serialising instruction before it returns to user code. Where the kernel lacks it, the plain expedited
/// barrier is enough on x86-64: instruction fetch is coherent with stores there, and the interrupt that it sends ends
/// in IRET, which serialises (Intel SDM, "Handling Self- and Cross-Modifying Code"). The last resort is .NET's own
/// process-wide barrier, which interrupts as well.
/// </remarks>
internal sealed class CoreBarrier
{
    private const int PrivateExpedited = 1 << 3;
    private const int RegisterPrivateExpedited = 1 << 4;
    private const int PrivateExpeditedSyncCore = 1 << 5;
    private const int RegisterPrivateExpeditedSyncCore = 1 << 6;

    // Registration waits for all cores once, so that it is left to the first barrier.
    private int _command; // 0: not registered, or not to be had, which may pass

    /// <summary>Returns after every core has passed a barrier.</summary>
    internal void Synchronize()
    {
        int command = _command;
        if (command is 0)
        {
            _command = command = Register(); // several times do no harm
        }

        if (command is 0 || !Libc.MemoryBarrier(command))
        {
            Interlocked.MemoryBarrierProcessWide();
        }
    }

    private static int Register() =>
        Libc.MemoryBarrier(RegisterPrivateExpeditedSyncCore) ? PrivateExpeditedSyncCore
        : Libc.MemoryBarrier(RegisterPrivateExpedited) ? PrivateExpedited
        : 0;
}
