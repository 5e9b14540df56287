using System.Buffers.Binary;
using ElfLoader.Memory;

namespace ElfLoader.Runtime;

/// <summary>
/// Finds the thread pointers of all threads. The kernel tells where each thread's robust list begins; glibc keeps it at
/// a fixed distance from the thread pointer, which the calling thread shows. Not thread-safe.
/// </summary>
internal sealed class ThreadPointers
{
    private const int Yields = 20;
    private const int Sleeps = 250; // of a millisecond: a busy system may not have let a new thread run yet

    private readonly Shim _shim;
    private readonly HashSet<int> _withoutList = [];

    /// <summary>Uses the shim to see the calling thread's pointer.</summary>
    public ThreadPointers(Shim shim) => _shim = shim;

    /// <summary>The thread pointers of all threads that exist now and are the C library's.</summary>
    /// <exception cref="LinkException">The system does not permit the question.</exception>
    public List<ulong> Find()
    {
        ulong distance = RobustListHead(0) - _shim.CurrentThreadPointer;
        IReadOnlyList<int> threads = ProcessThreads.List();
        _withoutList.IntersectWith(threads);
        var pointers = new List<ulong>(threads.Count);
        foreach (int thread in threads)
        {
            ulong head = RobustListHead(thread);
            if (head is 0)
            {
                head = WaitForStart(thread);
            }

            if (head is not 0 && IsThreadPointer(head - distance))
            {
                pointers.Add(head - distance);
            }
        }

        return pointers;
    }

    /// <summary>
    /// A thread without a robust list is just being started by glibc, or is ending; or it was made without glibc, and
    /// then the wait is in vain once.
    /// </summary>
    private ulong WaitForStart(int thread)
    {
        if (_withoutList.Contains(thread))
        {
            return 0;
        }

        for (int i = 0; i < Yields + Sleeps; i++)
        {
            Thread.Sleep(i < Yields ? 0 : 1);
            ulong head = RobustListHead(thread);
            if (head is not 0 || !ProcessThreads.Exists(thread))
            {
                return head;
            }
        }

        _ = _withoutList.Add(thread);
        return 0;
    }

    /// <summary>The first word of a thread control block is its own address (the psABI's TLS variant two).</summary>
    private static bool IsThreadPointer(ulong address)
    {
        Span<byte> self = stackalloc byte[8];
        return ProcessMemory.TryRead(address, self) && BinaryPrimitives.ReadUInt64LittleEndian(self) == address;
    }

    private static ulong RobustListHead(int thread) =>
        ProcessThreads.TryGetRobustListHead(thread, out ulong head)
            ? head
            : throw new LinkException(
                LinkErrorCode.Unsupported,
                new LinkLocation("get_robust_list"),
                "the system does not tell where other threads keep thread-local storage; compile with -fPIC");
}
