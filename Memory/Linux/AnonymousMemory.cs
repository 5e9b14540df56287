namespace ElfLoader.Memory.Linux;

/// <summary>Pages that belong to no file.</summary>
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
            throw Libc.Failure($"{CountText.Of(size, "byte", "N0")} of memory can't be had");
        }
    }

    /// <summary>Replaces pages by fresh inaccessible ones; tells whether it worked.</summary>
    internal static bool TryForget(ulong start, ulong size)
    {
        const int Flags = Libc.MapPrivate | Libc.MapAnonymous | Libc.MapFixed;
        return Libc.Map((nint)start, (nuint)size, Libc.ProtNone, Flags, -1, 0) != Libc.MapFailed;
    }

    /// <summary>Private zeroed pages anywhere, which take no memory until they are touched; 0 if there are none.</summary>
    internal static ulong Take(ulong size)
    {
        const int Flags = Libc.MapPrivate | Libc.MapAnonymous | Libc.MapNoReserve;
        return Take(size, Flags);
    }

    /// <summary>Zeroed pages anywhere that forked children share; 0 if there are none.</summary>
    internal static ulong TakeShared(ulong size) => Take(size, Libc.MapShared | Libc.MapAnonymous);

    /// <summary>Gives such pages back.</summary>
    internal static void Give(ulong start, ulong size) => _ = Libc.Unmap((nint)start, (nuint)size);

    private static ulong Take(ulong size, int flags)
    {
        nint start = Libc.Map(0, (nuint)size, Libc.ProtRead | Libc.ProtWrite, flags, -1, 0);
        return start == Libc.MapFailed ? 0 : (ulong)start;
    }
}
