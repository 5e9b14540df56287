using ElfLoader.Elf;
using ElfLoader.Memory;

namespace ElfLoader;

/// <summary>Reads files that other files name: members of thin archives, inputs of linker scripts.</summary>
/// <remarks>
/// Any path is followed, as linkers do, but only to a file that has contents: whoever wrote the name may have chosen a pipe,
/// which is waited for, or a device, which has no end.
/// </remarks>
public static class NamedFile
{
    /// <summary>What opens the members of a thin archive (<see cref="Elf.Archive.Read"/>).</summary>
    /// <param name="folder">The archive's folder; empty for the current one.</param>
    /// <param name="limits">Whether members may lie elsewhere; they may where it is null.</param>
    /// <remarks>A file that several members name is read once. Members that name few files very often are refused.</remarks>
    public static Func<string, ReadOnlyMemory<byte>> MembersFrom(string folder, ReadLimits? limits = null)
    {
        var files = new MemberFiles(path => Read(path, folder, limits ?? ReadLimits.Default));
        return member => files.Read(Path.Combine(folder, member));
    }

    /// <summary>Whether a file lies in a folder, or in one that is in there.</summary>
    /// <param name="path">The file.</param>
    /// <param name="folder">The folder; empty for the current one.</param>
    public static bool IsWithin(string path, string folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        return RealPath.Of(path) is { } file && RealPath.Of(folder is "" ? "." : folder) is { } root
            && file.StartsWith(root is "/" ? root : $"{root}/", StringComparison.Ordinal);
    }

    /// <summary>Reads a file.</summary>
    /// <param name="path">Its path, from a file that is not to be trusted.</param>
    /// <param name="folder">The folder of the file that names it.</param>
    /// <param name="limits">Whether it may lie outside of that.</param>
    /// <exception cref="IOException">It is missing, cannot be read, is empty or no regular file, or may not be named.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read, or is a folder.</exception>
    /// <exception cref="ArgumentException">No file can have this name.</exception>
    internal static byte[] Read(string path, string folder, ReadLimits limits)
    {
        if (!limits.AllowsExternalFiles && RealPath.Of(path) is not null && !IsWithin(path, folder))
        {
            throw new IOException($"'{path}' is not in the folder of the file that names it, and no other may be read");
        }

        // The size of a link is that of its text. Pipes and devices have none, and asking for it does not open them.
        var file = new FileInfo(path);
        file = file.ResolveLinkTarget(returnFinalTarget: true) as FileInfo ?? file;
        return file is { Exists: true, Length: 0 }
            ? throw new IOException($"'{path}' is empty, or no regular file")
            : File.ReadAllBytes(file.FullName);
    }
}
