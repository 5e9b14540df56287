using System.Runtime.InteropServices;

namespace ElfLoader.Memory.Linux;

/// <summary>The few calls of libc that pages need.</summary>
internal static unsafe partial class Libc
{
    internal const int ProtNone = 0;
    internal const int ProtRead = 1;
    internal const int ProtWrite = 2;
    internal const int ProtExec = 4;

    internal const int MapShared = 0x1;
    internal const int MapPrivate = 0x2;
    internal const int MapFixed = 0x10;
    internal const int MapAnonymous = 0x20;
    internal const int MapNoReserve = 0x4000;
    internal const int MapFixedNoReplace = 0x10_0000;

    internal const uint MemFdCloseOnExec = 0x1;
    internal const uint MemFdNoExecSeal = 0x8;
    internal const uint MemFdExec = 0x10;

    internal const int PunchHoleKeepSize = 0x2 | 0x1;
    internal const int AdviseDontNeed = 4;
    internal const int AdviseDontFork = 10;
    internal const int AdviseHugePage = 14;
    internal const int AdvisePopulateWrite = 23;

    internal const int LimitFileSize = 1;
    internal const int LimitStack = 3;
    internal const ulong LimitInfinity = ulong.MaxValue;

    internal const int EIntr = 4;
    internal const int EExist = 17;

    internal static readonly nint MapFailed = -1;

    internal static nint Map(nint address, nuint length, int protection, int flags, int file, nint offset) =>
        SystemFaults.Fails("mmap") ? MapFailed : MapNow(address, length, protection, flags, file, offset);

    internal static int Unmap(nint address, nuint length) => SystemFaults.Fails("munmap") ? -1 : UnmapNow(address, length);

    internal static int Protect(nint address, nuint length, int protection) =>
        SystemFaults.Fails("mprotect") ? -1 : ProtectNow(address, length, protection);

    internal static int Advise(nint address, nuint length, int advice) =>
        SystemFaults.Fails("madvise") ? -1 : AdviseNow(address, length, advice);

    internal static nint Write(int file, ReadOnlySpan<byte> bytes, nuint count, nint offset)
    {
        nint written;
        do
        {
            written = SystemFaults.Fails("pwrite") ? -1 : WriteNow(file, bytes, count, offset);
        }
        while (written < 0 && WasInterrupted);

        return written;
    }

    /// <summary>Creates a memory file that is closed on exec; negative if the system refused.</summary>
    /// <remarks>
    /// Kernels before 6.3 know neither <see cref="MemFdExec"/> nor <see cref="MemFdNoExecSeal"/>, and one that is told to
    /// (vm.memfd_noexec=2) refuses the first: without them it chooses for itself.
    /// </remarks>
    internal static int OpenMemoryFile(string name, uint wanted)
    {
        if (SystemFaults.Fails("memfd_create"))
        {
            return -1;
        }

        int descriptor = CreateMemoryFile(name, MemFdCloseOnExec | wanted);
        return descriptor < 0 ? CreateMemoryFile(name, MemFdCloseOnExec) : descriptor;
    }

    internal static int Truncate(int file, nint length)
    {
        int result;
        do
        {
            result = SystemFaults.Fails("ftruncate") ? -1 : TruncateNow(file, length);
        }
        while (result < 0 && WasInterrupted);

        return result;
    }

    internal static int Allocate(int file, int mode, nint offset, nint length)
    {
        int result;
        do
        {
            result = SystemFaults.Fails("fallocate") ? -1 : AllocateNow(file, mode, offset, length);
        }
        while (result < 0 && WasInterrupted);

        return result;
    }

    /// <summary>Closes a descriptor, which is closed whatever the answer is.</summary>
    internal static void Close(int file) => _ = CloseNow(file);

    private static bool WasInterrupted => Marshal.GetLastPInvokeError() is EIntr;

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial nint MapNow(nint address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    private static partial int UnmapNow(nint address, nuint length);

    [LibraryImport("libc", EntryPoint = "mprotect", SetLastError = true)]
    private static partial int ProtectNow(nint address, nuint length, int protection);

    [LibraryImport("libc", EntryPoint = "madvise", SetLastError = true)]
    private static partial int AdviseNow(nint address, nuint length, int advice);

    [LibraryImport("libc", EntryPoint = "pwrite", SetLastError = true)]
    private static partial nint WriteNow(int file, ReadOnlySpan<byte> bytes, nuint count, nint offset);

    [LibraryImport("libc", EntryPoint = "memfd_create", SetLastError = true)]
    private static partial int CreateMemoryFile([MarshalAs(UnmanagedType.LPUTF8Str)] string name, uint flags);

    [LibraryImport("libc", EntryPoint = "ftruncate", SetLastError = true)]
    private static partial int TruncateNow(int file, nint length);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    private static partial int AllocateNow(int file, int mode, nint offset, nint length);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int CloseNow(int file);

    /// <summary>The soft limit of a resource; <see cref="LimitInfinity"/> if there is none.</summary>
    internal static ulong Limit(int resource)
    {
        ResourceLimit limit = default;
        return !SystemFaults.Fails("getrlimit") && GetLimit(resource, &limit) is 0 ? limit.Soft : LimitInfinity;
    }

    /// <summary>membarrier(2), which libc doesn't wrap.</summary>
    internal static bool MemoryBarrier(int command)
    {
        int number = RuntimeInformation.ProcessArchitecture switch
        {
            Architecture.X64 => 324,
            Architecture.Arm => 389,
            _ => 283,
        };
        return !SystemFaults.Fails("membarrier") && SystemCall(number, command, 0, 0) is 0;
    }

    /// <summary>Cleans the data cache and invalidates the instruction cache for addresses; false where that is not possible.</summary>
    internal static bool FlushInstructionCache(ulong start, ulong end)
    {
        if (RuntimeInformation.ProcessArchitecture is Architecture.Arm)
        {
            const int cacheFlush = 0xf_0002; // __ARM_NR_cacheflush
            return SystemCall(cacheFlush, (nint)start, (nint)end, 0) is 0;
        }

        return false;
    }

    /// <summary>Says what was tried and what the system answered last.</summary>
    internal static MemoryException Failure(string what)
    {
        int error = Marshal.GetLastPInvokeError();
        return new MemoryException($"{what}: {Marshal.GetPInvokeErrorMessage(error)} (errno {error})") { Error = error };
    }

    [LibraryImport("libc", EntryPoint = "getrlimit", SetLastError = true)]
    private static partial int GetLimit(int resource, ResourceLimit* limit);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint SystemCall(nint number, nint first, nint second, nint third);

    private struct ResourceLimit
    {
        internal ulong Soft;
        internal ulong Hard;
    }
}
