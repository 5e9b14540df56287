namespace ElfLoader;

/// <summary>Says why a file could not be read, in words that do not depend on the call that failed.</summary>
public static class FileFault
{
    /// <summary>Makes the exception.</summary>
    /// <param name="path">The file, as it was given.</param>
    /// <param name="cause">What the attempt to read it threw.</param>
    public static LinkException Reading(string path, Exception cause)
    {
        ArgumentNullException.ThrowIfNull(path);
        return new LinkException(cause, [new LinkError(LinkErrorCode.File, new LinkLocation(path), Reason(path, cause))]);
    }

    /// <summary>Says why a file could not be opened or read, without its name.</summary>
    /// <param name="path">The file.</param>
    /// <param name="cause">What the attempt threw.</param>
    public static string Reason(string path, Exception cause)
    {
        ArgumentNullException.ThrowIfNull(cause);
        return cause switch
        {
            _ when Directory.Exists(path) => "this is a directory, not a file",
            FileNotFoundException or DirectoryNotFoundException => "there is no such file",
            UnauthorizedAccessException => "the permissions of the file, or of its folder, do not allow to open it",
            _ => Words(path, cause.Message),
        };
    }

    /// <summary>The system's words in a message of .NET, which adds the whole path to them.</summary>
    /// <param name="path">The file, as it was given.</param>
    /// <param name="message">The message.</param>
    public static string Words(string path, string message)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(message);
        foreach (string name in (string[])[path, path.Contains('\0') ? path : Path.GetFullPath(path)])
        {
            message = message.Replace($" : '{name}'", "", StringComparison.Ordinal);
        }

        return message;
    }
}
