using System.ComponentModel;

namespace ElfLoader.Memory;

/// <summary>
/// A file that is written to be opened as a shared library: in memory; or, where the system forbids that, or to open it by its
/// path below <c>/proc</c>, in the folder for temporary files, from which it is deleted at once.
/// </summary>
/// <remarks>Not thread-safe.</remarks>
public sealed class SharedObjectFile : IDisposable
{
    private readonly MemoryFile? _memory; // open for good: glibc takes a descriptor's path for the library's identity
    private readonly string? _path;

    private SharedObjectFile(MemoryFile memory) => _memory = memory;

    private SharedObjectFile(string path) => _path = path;

    /// <summary>Creates one in memory.</summary>
    /// <param name="name">A name for people.</param>
    /// <exception cref="Win32Exception">The system refused.</exception>
    public static SharedObjectFile InMemory(string name) => new(new MemoryFile(name));

    /// <summary>Creates one in the folder for temporary files.</summary>
    /// <param name="name">What its name begins with.</param>
    /// <exception cref="Win32Exception">The system refused.</exception>
    public static SharedObjectFile InFolder(string name)
    {
        string path = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"{name}-{Guid.NewGuid():n}");
        var file = new SharedObjectFile(path);
        file.WriteToFolder([], FileMode.CreateNew);
        return file;
    }

    /// <summary>The path under which it can be opened.</summary>
    public string Path => _memory?.Path ?? _path!;

    /// <summary>Replaces the contents.</summary>
    /// <exception cref="Win32Exception">The system refused, with its error number.</exception>
    public void Write(ReadOnlySpan<byte> contents)
    {
        if (_memory is not null)
        {
            _memory.Write(contents);
        }
        else
        {
            WriteToFolder(contents, FileMode.Create);
        }
    }

    /// <summary>Says that it is open: nobody need find it any more.</summary>
    public void Forget()
    {
        if (_path is not null)
        {
            Delete();
        }
    }

    /// <summary>Deletes it. What is mapped stays.</summary>
    public void Dispose()
    {
        _memory?.Dispose();
        Forget();
    }

    private void WriteToFolder(ReadOnlySpan<byte> contents, FileMode mode)
    {
        const int tooLarge = 27; // EFBIG; to try it would end the process (SIGXFSZ)
        if ((ulong)contents.Length > Linux.Libc.Limit(Linux.Libc.LimitFileSize))
        {
            throw new Win32Exception(tooLarge);
        }

        try
        {
            var options = new FileStreamOptions { Mode = mode, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows())
            {
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
            }

            using var file = new FileStream(_path!, options);
            file.Write(contents);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new Win32Exception(exception.HResult, exception.Message);
        }
    }

    private void Delete()
    {
        try
        {
            File.Delete(_path!);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Somebody has taken the right to do it away since.
        }
    }
}
