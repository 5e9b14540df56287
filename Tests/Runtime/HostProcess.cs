using System.Runtime.InteropServices;

namespace ElfLoader.Tests.Runtime;

/// <summary>System calls of the tests themselves, and memory for their little machine code.</summary>
internal static class HostProcess
{
    private const int PageSize = 4096;

    /// <summary>Maps code, then data behind it, and makes the code executable. Never unmapped.</summary>
    public static ulong Code(string hex, params ReadOnlySpan<(int Offset, ulong Value)> words)
    {
        byte[] code = Convert.FromHexString(hex);
        foreach ((int offset, ulong value) in words)
        {
            BitConverter.TryWriteBytes(code.AsSpan(offset), value);
        }

        nint address = mmap(0, Math.Max(code.Length, PageSize), 3, 0x22, -1, 0);
        Assert.That(address, Is.Not.EqualTo((nint)(-1)));
        Marshal.Copy(code, 0, address, code.Length);
        Assert.That(mprotect(address, Math.Max(code.Length, PageSize), 5), Is.Zero);
        return (ulong)address;
    }

    /// <summary>Maps zeroed data.</summary>
    public static ulong Data(int size = PageSize) => (ulong)mmap(0, size, 3, 0x22, -1, 0);

    public static void Unmap(ulong address, int size = PageSize) => _ = munmap((nint)address, size);

    /// <summary>Runs native threads, a few at a time, each with the same argument.</summary>
    public static void RunNativeThreads(ulong start, ulong argument, int count, int atOnce = 20)
    {
        nint[] threads = new nint[atOnce];
        for (int done = 0; done < count; done += atOnce)
        {
            for (int i = 0; i < atOnce; i++)
            {
                Assert.That(pthread_create(out threads[i], 0, (nint)start, (nint)argument), Is.Zero);
            }

            foreach (nint thread in threads)
            {
                Assert.That(pthread_join(thread, out _), Is.Zero);
            }
        }
    }

    [DllImport("libc.so.6")]
    private static extern nint mmap(nint address, nint size, int protection, int flags, int file, nint offset);

    [DllImport("libc.so.6")]
    private static extern int munmap(nint address, nint size);

    [DllImport("libc.so.6")]
    private static extern int mprotect(nint address, nint size, int protection);

    [DllImport("libc.so.6")]
    private static extern int pthread_create(out nint thread, nint attributes, nint start, nint argument);

    [DllImport("libc.so.6")]
    private static extern int pthread_join(nint thread, out nint result);
}
