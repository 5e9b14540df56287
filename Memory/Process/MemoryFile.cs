using System.ComponentModel;
using System.Runtime.InteropServices;
using ElfLoader.Memory.Linux;

namespace ElfLoader.Memory;

/// <summary>A file that exists only in memory and may be opened as a shared library, or run.</summary>
/// <remarks>Its descriptor stays open until it is disposed; the path is good for so long. Not thread-safe.</remarks>
public sealed partial class MemoryFile : IDisposable
{
    private int _descriptor;

    /// <summary>Creates an empty file.</summary>
    /// <param name="name">A name for people: what <c>/proc/self/maps</c> shows.</param>
    /// <exception cref="Win32Exception">The system refused, with its error number.</exception>
    public MemoryFile(string name)
    {
        _descriptor = Libc.OpenMemoryFile(name, Libc.MemFdExec);
        if (_descriptor < 0)
        {
            throw new Win32Exception(Marshal.GetLastPInvokeError());
        }
    }

    /// <summary>
    /// The path under which it can be opened. It names the process rather than <c>self</c>, because a debugger resolves
    /// it, too, and <c>self</c> is another process there.
    /// </summary>
    public string Path => $"/proc/{Environment.ProcessId}/fd/{_descriptor}";

    /// <summary>Replaces the contents.</summary>
    /// <exception cref="Win32Exception">The system refused, with its error number.</exception>
    public void Write(ReadOnlySpan<byte> contents)
    {
        const int tooLarge = 27; // EFBIG; to try it would end the process (SIGXFSZ)
        ObjectDisposedException.ThrowIf(_descriptor < 0, this);
        if ((ulong)contents.Length > Libc.Limit(Libc.LimitFileSize))
        {
            throw new Win32Exception(tooLarge);
        }

        if (Libc.Truncate(_descriptor, 0) is not 0)
        {
            throw new Win32Exception(Marshal.GetLastPInvokeError());
        }

        for (int offset = 0; offset < contents.Length;)
        {
            ReadOnlySpan<byte> rest = contents[offset..];
            nint written = Libc.Write(_descriptor, rest, (nuint)rest.Length, offset);
            if (written <= 0)
            {
                throw new Win32Exception(Marshal.GetLastPInvokeError());
            }

            offset += (int)written;
        }
    }

    /// <summary>
    /// Keeps it open in the program that this process becomes (<see cref="HostedProgram.Become"/>) and in the programs
    /// that are started from now on.
    /// </summary>
    /// <exception cref="Win32Exception">The system refused, with its error number.</exception>
    public void PassOn()
    {
        const int SetFlags = 2; // F_SETFD; no flag: not FD_CLOEXEC
        ObjectDisposedException.ThrowIf(_descriptor < 0, this);
        if (Control(_descriptor, SetFlags, 0) is not 0)
        {
            throw new Win32Exception(Marshal.GetLastPInvokeError());
        }
    }

    /// <summary>Closes the descriptor. What is mapped stays.</summary>
    public void Dispose()
    {
        if (_descriptor >= 0)
        {
            Libc.Close(_descriptor);
            _descriptor = -1;
        }
    }

    [LibraryImport("libc.so.6", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int Control(int file, int command, int flags);
}
