using System.Runtime.InteropServices;

namespace ElfLoader.Memory;

/// <summary>
/// Reads and writes this process's memory through the kernel, so that an address that is no longer mapped gives a
/// refusal instead of a fault. May be used from any thread.
/// </summary>
public static unsafe partial class ProcessMemory
{
    private const int Fault = 14; // EFAULT

    /// <summary>Reads as many bytes as <paramref name="bytes"/> has.</summary>
    /// <returns>False if some of them are not mapped.</returns>
    public static bool TryRead(ulong address, Span<byte> bytes)
    {
        fixed (byte* local = bytes)
        {
            var here = new Range { Start = local, Length = (nuint)bytes.Length };
            var there = new Range { Start = (byte*)address, Length = (nuint)bytes.Length };
            if (!SystemFaults.Fails("process_vm_readv") && ReadVector(Environment.ProcessId, &here, 1, &there, 1, 0) == bytes.Length)
            {
                return true;
            }

            if (!IsForbidden())
            {
                return false;
            }

            new ReadOnlySpan<byte>((void*)address, bytes.Length).CopyTo(bytes);
            return true;
        }
    }

    /// <summary>Writes bytes to an address.</summary>
    /// <returns>False if some of it is not mapped or not writable; some bytes may have been written then.</returns>
    public static bool TryWrite(ulong address, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* local = bytes)
        {
            var here = new Range { Start = local, Length = (nuint)bytes.Length };
            var there = new Range { Start = (byte*)address, Length = (nuint)bytes.Length };
            if (!SystemFaults.Fails("process_vm_writev") && WriteVector(Environment.ProcessId, &here, 1, &there, 1, 0) == bytes.Length)
            {
                return true;
            }

            if (!IsForbidden())
            {
                return false;
            }

            bytes.CopyTo(new Span<byte>((void*)address, bytes.Length));
            return true;
        }
    }

    /// <summary>Reserves zeroed memory that takes room only where it is used. It is the process's until it is released.</summary>
    /// <returns>Its address; 0 if the system refused.</returns>
    public static ulong Reserve(nuint size)
    {
        const int ReadWrite = 3;
        const int PrivateAnonymousNoReserve = 0x4022;
        nint address = Linux.Libc.Map(0, size, ReadWrite, PrivateAnonymousNoReserve, -1, 0);
        return address is -1 ? 0 : (ulong)address;
    }

    /// <summary>Gives reserved memory back.</summary>
    public static void Release(ulong address, nuint size) => _ = Linux.Libc.Unmap((nint)address, size);

    /// <summary>Whether the call itself is refused (by a sandbox, an old kernel), rather than the address.</summary>
    private static bool IsForbidden() => Marshal.GetLastPInvokeError() is not (0 or Fault);

    [LibraryImport("libc.so.6", EntryPoint = "process_vm_readv", SetLastError = true)]
    private static partial nint ReadVector(
        int process, Range* local, nuint localCount, Range* remote, nuint remoteCount, nuint flags);

    [LibraryImport("libc.so.6", EntryPoint = "process_vm_writev", SetLastError = true)]
    private static partial nint WriteVector(
        int process, Range* local, nuint localCount, Range* remote, nuint remoteCount, nuint flags);

    private struct Range // iovec
    {
        public byte* Start;
        public nuint Length;
    }
}
