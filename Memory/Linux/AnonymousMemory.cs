namespace ElfLoader.Memory.Linux;

/// <summary>Private pages of reserved address space.</summary>
internal static class AnonymousMemory
{
    /// <summary>Makes inaccessible pages writable; they are zero.</summary>
    /// <remarks>
    /// By mprotect, which either works or changes nothing (a fixed mmap that fails may leave a hole for others to map
    /// into), and charges the pages to the process: the kernel refuses here what it could never back.
    /// </remarks>
    /// <exception cref="MemoryException">The system refused.</exception>
    internal static void Open(ulong start, ulong size)
    {
        if (Libc.Protect((nint)start, (nuint)size, Libc.ProtRead | Libc.ProtWrite) != 0)
        {
            throw Libc.Failure($"{size:N0} bytes of memory can't be had");
        }
    }

    /// <summary>Replaces pages by fresh inaccessible ones; tells whether it worked.</summary>
    internal static bool TryForget(ulong start, ulong size)
    {
        const int Flags = Libc.MapPrivate | Libc.MapAnonymous | Libc.MapFixed;
        return Libc.Map((nint)start, (nuint)size, Libc.ProtNone, Flags, -1, 0) != Libc.MapFailed;
    }
}
