using System.Runtime.InteropServices;

namespace ElfLoader.Memory;

/// <summary>The paths of files without links, <c>.</c> and <c>..</c> (<c>realpath</c>).</summary>
public static partial class RealPath
{
    /// <summary>The real path of a file or a folder; null if there is none, or it cannot be told.</summary>
    public static string? Of(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        nint real = path.Contains('\0') ? 0 : Resolve(path, 0);
        if (real is 0)
        {
            return null;
        }

        try
        {
            return Marshal.PtrToStringUTF8(real);
        }
        finally
        {
            Free(real);
        }
    }

    [LibraryImport("libc.so.6", EntryPoint = "realpath", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint Resolve(string path, nint buffer);

    [LibraryImport("libc.so.6", EntryPoint = "free")]
    private static partial void Free(nint memory);
}
