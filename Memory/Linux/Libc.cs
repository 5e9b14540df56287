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

    internal const int EExist = 17;

    internal static readonly nint MapFailed = -1;

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    internal static partial nint Map(nint address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    internal static partial int Unmap(nint address, nuint length);

    [LibraryImport("libc", EntryPoint = "mprotect", SetLastError = true)]
    internal static partial int Protect(nint address, nuint length, int protection);

    [LibraryImport("libc", EntryPoint = "madvise", SetLastError = true)]
    internal static partial int Advise(nint address, nuint length, int advice);

    [LibraryImport("libc", EntryPoint = "pwrite", SetLastError = true)]
    internal static partial nint Write(int file, ReadOnlySpan<byte> bytes, nuint count, nint offset);

    /// <summary>Creates a memory file that is closed on exec; negative if the system refused.</summary>
    /// <remarks>
    /// Kernels before 6.3 know neither <see cref="MemFdExec"/> nor <see cref="MemFdNoExecSeal"/>, and one that is told to
    /// (vm.memfd_noexec=2) refuses the first: without them it chooses for itself.
    /// </remarks>
    internal static int OpenMemoryFile(string name, uint wanted)
    {
        int descriptor = CreateMemoryFile(name, MemFdCloseOnExec | wanted);
        return descriptor < 0 ? CreateMemoryFile(name, MemFdCloseOnExec) : descriptor;
    }

    [LibraryImport("libc", EntryPoint = "memfd_create", SetLastError = true)]
    private static partial int CreateMemoryFile([MarshalAs(UnmanagedType.LPUTF8Str)] string name, uint flags);

    [LibraryImport("libc", EntryPoint = "ftruncate", SetLastError = true)]
    internal static partial int Truncate(int file, nint length);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    internal static partial int Allocate(int file, int mode, nint offset, nint length);

    [LibraryImport("libc", EntryPoint = "close")]
    internal static partial int Close(int file);

    /// <summary>The soft limit of a resource; <see cref="LimitInfinity"/> if there is none.</summary>
    internal static ulong Limit(int resource)
    {
        ResourceLimit limit = default;
        return GetLimit(resource, &limit) is 0 ? limit.Soft : LimitInfinity;
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
        return SystemCall(number, command, 0, 0) is 0;
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
        return new MemoryException($"{what}: {Marshal.GetPInvokeErrorMessage(error)} (errno {error})");
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
