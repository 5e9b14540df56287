namespace ElfLoader.Tools.Output;

/// <summary>What .NET throws where the system does not write.</summary>
internal static class WritingFault
{
    /// <summary>Whether an exception says that something could not be written.</summary>
    /// <remarks>A file that becomes larger than it may (EFBIG) is an argument out of range for .NET.</remarks>
    internal static bool Is(Exception exception) =>
        exception is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException;

    /// <summary>What it says.</summary>
    internal static string Reason(Exception exception) => exception switch
    {
        ArgumentOutOfRangeException => "the file would be larger than it may be",
        ArgumentException { ParamName: { } parameter } =>
            exception.Message.Replace($" (Parameter '{parameter}')", "", StringComparison.Ordinal),
        _ => exception.Message,
    };
}
