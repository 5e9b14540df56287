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
    public static Func<string, ReadOnlyMemory<byte>> MembersFrom(string folder) => member => Read(Path.Combine(folder, member));

    /// <summary>Reads a file.</summary>
    /// <param name="path">Its path, from a file that is not to be trusted.</param>
    /// <exception cref="IOException">It is missing, cannot be read, is empty or no regular file.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read, or is a folder.</exception>
    /// <exception cref="ArgumentException">No file can have this name.</exception>
    internal static byte[] Read(string path)
    {
        // The size of a link is that of its text. Pipes and devices have none, and asking for it does not open them.
        var file = new FileInfo(path);
        file = file.ResolveLinkTarget(returnFinalTarget: true) as FileInfo ?? file;
        return file is { Exists: true, Length: 0 }
            ? throw new IOException($"'{path}' is empty, or no regular file")
            : File.ReadAllBytes(file.FullName);
    }
}
