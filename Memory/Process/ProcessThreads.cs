using System.Globalization;
using System.Runtime.InteropServices;

namespace ElfLoader.Memory;

/// <summary>
/// The threads of this process, managed or not, as the kernel knows them. May be used from any thread.
/// </summary>
public static unsafe partial class ProcessThreads
{
    private const int GetRobustList = 274; // __NR_get_robust_list, x86-64

    /// <summary>The kernel's number of the calling thread.</summary>
    public static int Current => CurrentThread();

    /// <summary>The kernel's numbers of all threads, as they are now.</summary>
    /// <exception cref="MemoryException">The system does not tell.</exception>
    public static IReadOnlyList<int> List()
    {
        try
        {
            return SystemFaults.Fails("open") ? throw new IOException("/proc/self/task cannot be opened") : ListNow();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new MemoryException($"The system does not tell which threads there are: {exception.Message}", exception);
        }
    }

    private static List<int> ListNow()
    {
        var threads = new List<int>();
        foreach (string directory in Directory.EnumerateDirectories("/proc/self/task"))
        {
            ReadOnlySpan<char> name = Path.GetFileName(directory.AsSpan());
            threads.Add(int.Parse(name, NumberStyles.None, CultureInfo.InvariantCulture));
        }

        return threads;
    }

    /// <summary>Whether a thread of that number exists.</summary>
    public static bool Exists(int thread) => Directory.Exists(
        string.Create(CultureInfo.InvariantCulture, $"/proc/self/task/{thread}"));

    /// <summary>
    /// Finds a thread's list of robust futexes, which the C library keeps at a fixed place of its thread descriptor.
    /// </summary>
    /// <param name="thread">A number from <see cref="List"/>; 0 for the calling thread.</param>
    /// <param name="head">
    /// Address of the list's head; 0 for a thread that has not told the kernel yet, or that is gone.
    /// </param>
    /// <returns>False where the system does not permit the question.</returns>
    public static bool TryGetRobustListHead(int thread, out ulong head)
    {
        const int NoSuchProcess = 3; // ESRCH
        ulong found = 0;
        nuint length = 0;
        nint result = SystemFaults.Fails("get_robust_list") ? -1 : SystemCall(GetRobustList, thread, &found, &length);
        head = result is 0 ? found : 0;
        return result is 0 || Marshal.GetLastPInvokeError() is NoSuchProcess;
    }

    [LibraryImport("libc.so.6", EntryPoint = "gettid")]
    private static partial int CurrentThread();

    [LibraryImport("libc.so.6", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint SystemCall(nint number, nint thread, ulong* head, nuint* length);
}
