namespace ElfLoader.Memory.Linux;

/// <summary>A file without a name (memfd): pages that can be mapped at more than one address.</summary>
internal sealed class MemoryFile : IDisposable
{
    private const string Name = "elfloader";

    private readonly int _descriptor;
    private ulong _size;

    private MemoryFile(int descriptor) => _descriptor = descriptor;

    /// <summary>The descriptor.</summary>
    internal int Descriptor => _descriptor;

    /// <summary>Creates an empty file.</summary>
    /// <param name="executable">Whether it is going to be mapped for execution.</param>
    /// <exception cref="MemoryException">The system refused.</exception>
    internal static MemoryFile Create(bool executable)
    {
        // Where the kernel chooses for itself, the probe shows whether pages may be executed.
        int descriptor = Libc.OpenMemoryFile(Name, executable ? Libc.MemFdExec : Libc.MemFdNoExecSeal);
        return descriptor < 0 ? throw Libc.Failure("No memory file can be created") : new MemoryFile(descriptor);
    }

    /// <summary>Largest size a file may have here: to exceed it would kill the process (SIGXFSZ).</summary>
    internal static ulong SizeLimit => Math.Min(Libc.Limit(Libc.LimitFileSize), Layout.AddressSpace);

    /// <summary>Makes the file at least so many bytes long; new ones take no memory until they are touched.</summary>
    /// <exception cref="MemoryException">The system refused, or a limit forbids it.</exception>
    internal void Grow(ulong size)
    {
        if (size <= _size)
        {
            return;
        }

        ulong limit = SizeLimit;
        if (size > limit)
        {
            throw new MemoryException($"A memory file of {CountText.Of(size, "byte", "N0")} exceeds RLIMIT_FSIZE, {CountText.Of(limit, "byte", "N0")}");
        }

        if (Libc.Truncate(_descriptor, (nint)size) != 0)
        {
            throw Libc.Failure($"A memory file can't grow to {CountText.Of(size, "byte", "N0")}");
        }

        _size = size;
    }

    /// <summary>Maps a part of the file over reserved address space.</summary>
    /// <param name="start">Address of the file's first byte.</param>
    /// <param name="from">First byte to map.</param>
    /// <param name="to">Byte after the last.</param>
    /// <param name="protection">Rights; never both to write and to execute.</param>
    /// <exception cref="MemoryException">The system refused.</exception>
    internal void Map(ulong start, ulong from, ulong to, int protection)
    {
        const int Flags = Libc.MapShared | Libc.MapFixed;
        nint mapped = Libc.Map((nint)(start + from), (nuint)(to - from), protection, Flags, _descriptor, (nint)from);
        if (mapped == Libc.MapFailed)
        {
            throw Libc.Failure($"{CountText.Of(to - from, "byte", "N0")} of a memory file can't be mapped");
        }
    }

    /// <summary>Writes bytes of the file: its pages need not be mapped for that.</summary>
    /// <exception cref="MemoryException">The system has no more memory.</exception>
    internal void Write(ulong offset, ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            nint written = Libc.Write(_descriptor, bytes, (nuint)bytes.Length, (nint)offset);
            if (written <= 0)
            {
                throw Libc.Failure($"{CountText.Of(bytes.Length, "byte", "N0")} can't be written to a memory file");
            }

            offset += (ulong)written;
            bytes = bytes[(int)written..];
        }
    }

    /// <summary>Gives whole pages back to the system; they read as zero.</summary>
    internal bool PunchHole(ulong offset, ulong size) =>
        Libc.Allocate(_descriptor, Libc.PunchHoleKeepSize, (nint)offset, (nint)size) is 0;

    /// <summary>Closes the descriptor; pages live on as long as they are mapped.</summary>
    public void Dispose() => Libc.Close(_descriptor);
}
