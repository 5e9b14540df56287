namespace ElfLoader.Tools.Output;

/// <summary>What .NET throws where the system does not write.</summary>
internal static class WritingFault
{
    /// <summary>Whether an exception says that something could not be written.</summary>
    /// <remarks>A file that becomes larger than it may (EFBIG) is an argument out of range for .NET.</remarks>
    internal static bool Is(Exception exception) =>
        exception is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException;

    /// <summary>Says why a file could not be written, in words that do not depend on the call that failed.</summary>
    /// <param name="path">The file, as it was given.</param>
    /// <param name="exception">What the attempt threw.</param>
    internal static string Reason(string path, Exception exception)
    {
        if (path is "")
        {
            return "an output has no name";
        }

        string folder = Path.GetDirectoryName(Path.GetFullPath(path)) ?? "/";
        return exception switch
        {
            _ when Directory.Exists(path) || path.EndsWith('/') => "this is a directory, not a file",
            _ when ObstacleTo(folder) is { } obstacle => obstacle,
            UnauthorizedAccessException => "the permissions of the file, or of its folder, do not allow to write it",
            _ => FileFault.Words(path, Reason(exception)),
        };
    }

    /// <summary>Why there is no such folder; null if there is one.</summary>
    private static string? ObstacleTo(string folder)
    {
        string there = folder;
        while (!Path.Exists(there) && Path.GetDirectoryName(there) is { } parent)
        {
            there = parent;
        }

        return !Directory.Exists(there) ? $"'{there}' is a file, not a folder"
            : there == folder ? null
            : $"there is no folder '{folder}'";
    }

    /// <summary>What it says.</summary>
    internal static string Reason(Exception exception) => exception switch
    {
        ArgumentOutOfRangeException => "the file would be larger than it may be",
        ArgumentException { ParamName: { } parameter } =>
            exception.Message.Replace($" (Parameter '{parameter}')", "", StringComparison.Ordinal),
        _ => exception.Message,
    };
}
