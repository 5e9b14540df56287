using System.Runtime.InteropServices;

namespace ElfLoader.Memory;

/// <summary>The streams that a process is started with.</summary>
public static partial class StandardStreams
{
    private const int Input = 0; // STDIN_FILENO
    private const int GetFlags = 1; // F_GETFD
    private const int CloseOnExec = 1; // FD_CLOEXEC

    /// <summary>
    /// Whether the process was started with standard input open. Where it was not, one of the .NET runtime's own files has its number
    /// by now, and waits for ever when it is read. The runtime closes its own files on exec; a descriptor that was inherited cannot
    /// be such a file.
    /// </summary>
    public static bool IsInputOpen => Control(Input, GetFlags) is >= 0 and int flags && (flags & CloseOnExec) is 0;

    [LibraryImport("libc.so.6", EntryPoint = "fcntl")]
    private static partial int Control(int descriptor, int command);
}
