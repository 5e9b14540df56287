using ElfLoader.Elf;
using ElfLoader.Loading;

namespace ElfLoader.Runtime;

/// <summary>
/// Looks at a file that the host's dynamic linker has refused: of one for another machine, the dynamic linker says no more than that it
/// does not exist.
/// </summary>
internal static class HostLibraryFile
{
    private const int Sample = 1024;

    /// <summary>Says why the file is no shared library of this machine.</summary>
    /// <param name="path">What the dynamic linker was given. A name without a folder is left to its search.</param>
    /// <returns>Null where the file cannot be read, or the fault is not that it is something else.</returns>
    internal static string? Refusal(string path)
    {
        if (!path.Contains('/', StringComparison.Ordinal))
        {
            return null;
        }

        if (Directory.Exists(path))
        {
            return "this is a directory, not a shared library";
        }

        byte[] start;
        try
        {
            if (new FileInfo(path) is not { Exists: true, Length: > 0 })
            {
                return null; // or a pipe, which is not to be waited for
            }

            using FileStream stream = File.OpenRead(path);
            byte[] bytes = new byte[Sample];
            start = bytes[..stream.ReadAtLeast(bytes, Sample, throwOnEndOfStream: false)];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            return null;
        }

        string description = FileDescription.Of(start);
        if (FileKind.Detect(start) is not FileKind.SharedObject)
        {
            return $"this is no shared library: {description}";
        }

        return description == $"shared object for {HostMachine.Name}"
            ? null
            : $"{description}; this process runs {HostMachine.Name} code";
    }
}
