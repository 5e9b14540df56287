using System.Runtime.InteropServices;

namespace ElfLoader.Memory;

/// <summary>The streams that a process is started with.</summary>
public static partial class StandardStreams
{
    private const int Input = 0; // STDIN_FILENO
    private const int Output = 1; // STDOUT_FILENO
    private const int Interrupted = 4; // EINTR
    private const int TryAgain = 11; // EAGAIN
    private const int BrokenPipe = 32; // EPIPE
    private const short CanWrite = 4; // POLLOUT
    private const int WithoutEnd = -1;
    private const int GetFlags = 1; // F_GETFD
    private const int CloseOnExec = 1; // FD_CLOEXEC

    /// <summary>
    /// Whether the process was started with standard input open. Where it was not, one of the .NET runtime's own files has its number
    /// by now, and waits for ever when it is read. The runtime closes its own files on exec; a descriptor that was inherited cannot
    /// be such a file.
    /// </summary>
    public static bool IsInputOpen => Control(Input, GetFlags) is >= 0 and int flags && (flags & CloseOnExec) is 0;

    /// <summary>Whether an error is that of a pipe, or connection, from which nobody reads any more.</summary>
    public static bool IsClosedByReader(int error) => error is BrokenPipe;

    /// <summary>Writes to standard output, and waits where it can take nothing at the moment.</summary>
    /// <remarks>.NET's stream for it takes a pipe that nobody reads for one that has taken everything.</remarks>
    /// <returns>The error of the system (errno); 0 if all has been written.</returns>
    public static int Write(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            nint written = WriteSome(Output, bytes, (nuint)bytes.Length);
            if (written >= 0)
            {
                bytes = bytes[(int)written..];
                continue;
            }

            int error = Marshal.GetLastPInvokeError();
            if (error is TryAgain)
            {
                var room = new Awaited { Descriptor = Output, Events = CanWrite };
                _ = Wait(ref room, 1, WithoutEnd);
            }
            else if (error is not Interrupted)
            {
                return error;
            }
        }

        return 0;
    }

    [LibraryImport("libc.so.6", EntryPoint = "write", SetLastError = true)]
    private static partial nint WriteSome(int descriptor, ReadOnlySpan<byte> bytes, nuint count);

    [LibraryImport("libc.so.6", EntryPoint = "poll")]
    private static partial int Wait(ref Awaited descriptors, nuint count, int milliseconds);

    [LibraryImport("libc.so.6", EntryPoint = "fcntl")]
    private static partial int Control(int descriptor, int command);

    /// <summary><c>struct pollfd</c>.</summary>
    private struct Awaited
    {
        public int Descriptor;
        public short Events;
        public short Happened;
    }
}
