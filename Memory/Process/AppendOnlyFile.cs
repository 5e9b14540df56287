using System.ComponentModel;
using System.Runtime.InteropServices;

namespace ElfLoader.Memory;

/// <summary>A file that is only added to, possibly by several processes or libraries at once.</summary>
/// <remarks>Each write goes to the end as it is then (O_APPEND). May be used from any thread, but for disposal.</remarks>
public sealed unsafe partial class AppendOnlyFile : IDisposable
{
    private const int ReadWrite = 0x2;
    private const int Create = 0x40;
    private const int Exclusive = 0x80;
    private const int Append = 0x400;
    private const int NonBlocking = 0x800; // a pipe is not waited for
    private const int NoFollow = 0x2_0000;
    private const int CloseOnExec = 0x8_0000;
    private const int OwnerReadWrite = 0x180; // 0600
    private const int Interrupted = 4; // EINTR

    private int _descriptor;

    /// <summary>
    /// Opens or creates a file. In a folder that others may write to, a file of this name may be anybody's: a symbolic link, a
    /// file that has other names, one of another user and what is no regular file are refused.
    /// </summary>
    /// <param name="path">Its path.</param>
    /// <param name="mustBeNew">Whether it is an error if there is one.</param>
    /// <exception cref="Win32Exception">The system refused, with its error number.</exception>
    /// <exception cref="IOException">The file is not this user's alone; it has not been changed.</exception>
    public AppendOnlyFile(string path, bool mustBeNew = false)
    {
        Path = path;
        _descriptor = SystemFaults.Fails("open") ? -1 : Open(
            path, ReadWrite | Create | Append | NoFollow | NonBlocking | CloseOnExec | (mustBeNew ? Exclusive : 0), OwnerReadWrite);
        if (_descriptor < 0)
        {
            throw new Win32Exception(Marshal.GetLastPInvokeError());
        }

        if (Objection(FileStatus.Of(_descriptor)) is { } objection)
        {
            Dispose();
            throw new IOException(objection);
        }
    }

    private static string? Objection(FileStatus? status) => status switch
    {
        null => "the system does not tell whose file it is",
        { IsRegular: false } => "it is no regular file",
        { Links: not 1 } => "the file has other names, too",
        { Owner: var owner } when owner != FileStatus.User => "the file belongs to another user",
        _ => null,
    };

    /// <summary>Its path.</summary>
    public string Path { get; }

    /// <summary>Adds bytes, in one piece where the system takes them so.</summary>
    /// <returns>False if not all of them could be written.</returns>
    public bool TryWrite(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            nint written;
            fixed (byte* start = bytes)
            {
                written = SystemFaults.Fails("write") || !HasRoomFor(bytes.Length) ? -1 : Write(_descriptor, start, (nuint)bytes.Length);
            }

            if (written > 0)
            {
                bytes = bytes[(int)written..];
            }
            else if (written is 0 || Marshal.GetLastPInvokeError() is not Interrupted)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>
    /// Maps the first page as executable code, for good. It is not executed: this is how <c>perf record</c> learns of the
    /// file's path, since it records mappings of code.
    /// </summary>
    /// <returns>False if the system refused.</returns>
    public bool TryMapMarker()
    {
        const int ReadExecute = 5;
        const int Private = 2;
        return Linux.Libc.Map(0, (nuint)Environment.SystemPageSize, ReadExecute, Private, _descriptor, 0) is not -1;
    }

    /// <summary>Closes the file.</summary>
    public void Dispose()
    {
        if (_descriptor >= 0)
        {
            _ = Close(_descriptor);
            _descriptor = -1;
        }
    }

    /// <summary>Whether bytes at the end stay below the limit for files, beyond which the process would end (SIGXFSZ).</summary>
    private bool HasRoomFor(int bytes)
    {
        const int fromEnd = 2; // SEEK_END
        const int tooLarge = 27; // EFBIG
        nint size = Seek(_descriptor, 0, fromEnd);
        ulong limit = Linux.Libc.Limit(Linux.Libc.LimitFileSize);
        if (size < 0 || (ulong)size + (ulong)bytes <= limit)
        {
            return true;
        }

        Marshal.SetLastPInvokeError(tooLarge);
        return false;
    }

    [LibraryImport("libc.so.6", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags, int mode);

    [LibraryImport("libc.so.6", EntryPoint = "write", SetLastError = true)]
    private static partial nint Write(int file, byte* bytes, nuint count);

    [LibraryImport("libc.so.6", EntryPoint = "close")]
    private static partial int Close(int file);

    [LibraryImport("libc.so.6", EntryPoint = "lseek", SetLastError = true)]
    private static partial nint Seek(int file, nint offset, int from);
}
