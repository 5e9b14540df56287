using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using ElfLoader.Memory.Linux;

namespace ElfLoader.Memory;

/// <summary>Bytes of this process, by address. Nothing is checked: a wrong address ends the process.</summary>
/// <remarks>The spans are valid as long as the memory is mapped; any thread may use them.</remarks>
public static unsafe class NativeBytes
{
    /// <summary>Bytes to read and write.</summary>
    /// <param name="address">First byte; mapped and writable.</param>
    /// <param name="length">Bytes.</param>
    public static Span<byte> At(ulong address, int length) => new((void*)address, length);

    /// <summary>Bytes to read.</summary>
    /// <param name="address">First byte; mapped.</param>
    /// <param name="length">Bytes.</param>
    public static ReadOnlySpan<byte> ReadOnlyAt(ulong address, int length) => new((void*)address, length);

    /// <summary>The bytes of a C string, without its NUL.</summary>
    /// <param name="address">First character, or 0 for an empty string.</param>
    public static ReadOnlySpan<byte> StringAt(ulong address) =>
        MemoryMarshal.CreateReadOnlySpanFromNullTerminated((byte*)address);

    /// <summary>Reads a naturally aligned word in one piece, before anything that follows.</summary>
    public static ulong LoadWord(ulong address) => Volatile.Read(ref *(ulong*)address);

    /// <summary>Writes a naturally aligned word in one piece, after everything that came before.</summary>
    public static void StoreWord(ulong address, ulong value) => Volatile.Write(ref *(ulong*)address, value);

    /// <summary>Copies bytes; a naturally aligned word is written in one piece.</summary>
    internal static void Write(ulong address, ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length is sizeof(ulong) && address % sizeof(ulong) is 0)
        {
            StoreWord(address, MemoryMarshal.Read<ulong>(bytes));
        }
        else
        {
            bytes.CopyTo(At(address, bytes.Length));
        }
    }

    /// <summary>Copies bytes from one place to another, which do not overlap; a naturally aligned word in one piece.</summary>
    internal static void Copy(ulong from, ulong to, ulong size)
    {
        if (size is sizeof(ulong) && to % sizeof(ulong) is 0)
        {
            StoreWord(to, *(ulong*)from);
        }
        else
        {
            NativeMemory.Copy((void*)from, (void*)to, (nuint)size);
        }
    }

    /// <summary>Zeroes bytes.</summary>
    internal static void Clear(ulong address, ulong size) => NativeMemory.Clear((void*)address, (nuint)size);

    /// <summary>
    /// Hints that a large array is about to be filled as a whole. Where the system has large pages for who asks for them, it
    /// gives a few of these: to have small ones, each as it is touched first, takes longer than to fill them.
    /// </summary>
    /// <param name="bytes">They keep their values; a few hundred kilobytes are not worth it, and nothing is done for them.</param>
    public static void PreferLargePages(Span<byte> bytes)
    {
        const int least = 4 << 20; // holds a whole large page of 2 MiB, wherever it begins
        if (OperatingSystem.IsLinux() && bytes.Length >= least)
        {
            fixed (byte* start = bytes)
            {
                PageRange.PreferLarge((ulong)start, (ulong)bytes.Length);
            }
        }
    }

    /// <summary>Hints that something is going to be read soon; does nothing where the processor knows no such hint.</summary>
    /// <param name="from">A place.</param>
    /// <param name="distance">How many bytes behind it; nothing need be there.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch<T>(ref readonly T from, int distance)
        where T : unmanaged
    {
        if (Sse.IsSupported)
        {
            // Should the garbage collector move it meanwhile, the hint is useless, but not wrong.
            Sse.Prefetch0((byte*)Unsafe.AsPointer(ref Unsafe.AsRef(in from)) + distance);
        }
    }
}
