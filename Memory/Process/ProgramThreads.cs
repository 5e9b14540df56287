using System.Globalization;

namespace ElfLoader.Memory;

/// <summary>Which threads of this process are a hosted program's, and which are those of .NET that it knows nothing of.</summary>
/// <remarks>One thread at a time may use it.</remarks>
public sealed class ProgramThreads
{
    /// <summary>What the names begin with that .NET gives its own threads; a program's have their creator's.</summary>
    private const string RuntimeName = ".NET ";

    private readonly HashSet<int> _others = [.. ProcessThreads.List()];

    internal ProgramThreads()
    {
    }

    /// <summary>The number of the primary thread, which runs <c>main</c>.</summary>
    private static int Primary => Environment.ProcessId;

    /// <summary>Whether the program has threads besides its primary one. The calling thread is not counted.</summary>
    internal bool Exist()
    {
        IReadOnlyList<int> threads = ProcessThreads.List();
        _others.IntersectWith(threads); // numbers are used again
        int current = ProcessThreads.Current;
        return threads.Any(thread => thread != Primary && thread != current && !_others.Contains(thread)
            && Read(thread, "comm") is { } name && !name.StartsWith(RuntimeName, StringComparison.Ordinal));
    }

    /// <summary>Whether the primary thread has ended; its number exists as long as the process does.</summary>
    internal static bool HasPrimaryEnded() =>
        Read(Primary, "stat") is not { } text || text.AsSpan(text.LastIndexOf(')') + 1).TrimStart() is ['Z' or 'X', ..];

    /// <summary>What the system tells of a thread; null where it is gone.</summary>
    private static string? Read(int thread, string file)
    {
        try
        {
            return File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/self/task/{thread}/{file}"));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
