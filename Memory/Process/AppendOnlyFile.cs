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
    private const int NoFollow = 0x2_0000;
    private const int CloseOnExec = 0x8_0000;
    private const int OwnerReadWrite = 0x180; // 0600
    private const int Interrupted = 4; // EINTR

    private int _descriptor;

    /// <summary>Opens or creates a file; a symbolic link is refused.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="mustBeNew">Whether it is an error if there is one.</param>
    /// <exception cref="Win32Exception">The system refused, with its error number.</exception>
    public AppendOnlyFile(string path, bool mustBeNew = false)
    {
        Path = path;
        _descriptor = Open(
            path, ReadWrite | Create | Append | NoFollow | CloseOnExec | (mustBeNew ? Exclusive : 0), OwnerReadWrite);
        if (_descriptor < 0)
        {
            throw new Win32Exception(Marshal.GetLastPInvokeError());
        }
    }

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
                written = Write(_descriptor, start, (nuint)bytes.Length);
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
        return Map(0, (nuint)Environment.SystemPageSize, ReadExecute, Private, _descriptor, 0) is not -1;
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

    [LibraryImport("libc.so.6", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags, int mode);

    [LibraryImport("libc.so.6", EntryPoint = "write", SetLastError = true)]
    private static partial nint Write(int file, byte* bytes, nuint count);

    [LibraryImport("libc.so.6", EntryPoint = "close")]
    private static partial int Close(int file);

    [LibraryImport("libc.so.6", EntryPoint = "mmap")]
    private static partial nint Map(nint address, nuint size, int protection, int flags, int file, nint offset);
}
