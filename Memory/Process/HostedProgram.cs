using System.Runtime.InteropServices;
using System.Text;

namespace ElfLoader.Memory;

/// <summary>This process as a C program: started, named, ended, started again, replaced.</summary>
public static unsafe partial class HostedProgram
{
    /// <summary>
    /// Prepares this process for a program before any of its code runs: its name, and its environment, which is the one behind
    /// argv, as the system has it.
    /// </summary>
    /// <param name="arguments">The program's arguments, its name first; never to be disposed.</param>
    /// <returns>What tells the program's threads from those that exist already.</returns>
    public static ProgramThreads Prepare(NativeArguments arguments)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        if (arguments.Count > 0)
        {
            SetName((nint)NativeBytes.LoadWord((ulong)arguments.Vector));
        }

        arguments.BecomeEnvironment();
        return new ProgramThreads();
    }

    /// <summary>
    /// Becomes a C program: calls its <c>main</c>, and ends the process as the C library does: when <c>main</c> returns, or,
    /// where <c>main</c> ends its thread, with the program's last thread. Does not return.
    /// </summary>
    /// <param name="start">
    /// Address of <c>void start(int (*main)(int, char **, char **), int argc, char **argv, char **envp, int (*ended)(void))</c>,
    /// which calls <c>main</c> and <c>exit</c>; or <c>ended</c>, when the thread ends instead, which answers whether the
    /// process lives on.
    /// </param>
    /// <param name="main">Address of <c>int main(int, char **, char **)</c>.</param>
    /// <param name="arguments">What <see cref="Prepare"/> was given.</param>
    /// <param name="threads">What <see cref="Prepare"/> gave.</param>
    public static void Start(ulong start, ulong main, NativeArguments arguments, ProgramThreads threads)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        ArgumentNullException.ThrowIfNull(threads);
        PrimaryEnds ended = () => WillGoOn(threads);
        ((delegate* unmanaged<ulong, int, nint, nint, nint, void>)start)(
            main, arguments.Count, arguments.Vector, arguments.Environment, NativeFunction.PointerTo(ended));
        GC.KeepAlive(ended);
    }

    /// <summary>Sets or removes an environment variable, as C sees it; .NET has a copy of its own once it has set one.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="value">Its value; null to remove it.</param>
    public static void SetVariable(string name, string? value) =>
        _ = value is null ? UnsetEnvironment(name) : SetEnvironment(name, value, 1);

    /// <summary>
    /// Starts the program of this process again, in this process, with the same arguments and its environment as C sees it.
    /// Does not return unless it fails.
    /// </summary>
    /// <exception cref="IOException">The system refused.</exception>
    public static void Restart()
    {
        // The bytes as they are: arguments need not be valid in any encoding.
        byte[] commandLine = File.ReadAllBytes("/proc/self/cmdline");
        byte[] program = Encoding.UTF8.GetBytes("/proc/self/exe\0");
        int count = commandLine.AsSpan().Count((byte)0);
        byte*[] arguments = new byte*[count + 1];
        fixed (byte* text = commandLine)
        fixed (byte* path = program)
        fixed (byte** vector = arguments)
        {
            int start = 0;
            for (int i = 0; i < count; i++)
            {
                vector[i] = text + start;
                start += commandLine.AsSpan(start).IndexOf((byte)0) + 1;
            }

            if (Execute(path, vector) is not 0)
            {
                throw new IOException(Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError()));
            }
        }
    }

    /// <summary>
    /// Becomes another program: the same process, with its standard streams, its environment as C sees it, and the signals
    /// that it ignores. Does not return unless it fails.
    /// </summary>
    /// <param name="path">The program's file.</param>
    /// <param name="arguments">Its arguments, the program's name first.</param>
    /// <exception cref="IOException">The system refused.</exception>
    public static void Become(string path, IReadOnlyList<string> arguments)
    {
        using var vector = new NativeArguments(arguments);
        fixed (byte* file = Encoding.UTF8.GetBytes(path + "\0"))
        {
            if (Execute(file, (byte**)vector.Vector) is not 0)
            {
                throw new IOException(Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError()));
            }
        }
    }

    /// <summary>
    /// Answers whether the program has other threads, as its primary one ends. The C library would end the process with the
    /// last thread, but those of .NET do not end: so another one waits for the program's.
    /// </summary>
    private static int WillGoOn(ProgramThreads threads)
    {
        if (!threads.Exist())
        {
            return 0;
        }

        new Thread(() => EndAfter(threads)) { IsBackground = true, Name = ".NET Program End" }.Start();
        return 1;
    }

    private static void EndAfter(ProgramThreads threads)
    {
        const int longestPause = 32; // milliseconds
        int pause = 1;
        while (!ProgramThreads.HasPrimaryEnded() || threads.Exist())
        {
            Thread.Sleep(pause);
            pause = Math.Min(pause * 2, longestPause);
        }

        ExitProcess(0);
    }

    /// <summary>Sets what the C library's messages (<c>assert</c>, <c>err</c>, <c>error</c>) call the program.</summary>
    private static void SetName(nint name)
    {
        int start = NativeBytes.StringAt((ulong)name).LastIndexOf((byte)'/') + 1;
        SetPointer("program_invocation_name"u8, name);
        SetPointer("program_invocation_short_name"u8, name + start);
    }

    private static void SetPointer(ReadOnlySpan<byte> variable, nint value)
    {
        ulong address = DynamicLinker.Find(DynamicLinker.Process, variable);
        if (address is not 0)
        {
            NativeBytes.StoreWord(address, (ulong)value);
        }
    }

    [LibraryImport("libc.so.6", EntryPoint = "exit")]
    private static partial void ExitProcess(int status);

    [LibraryImport("libc.so.6", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnvironment(string name, string value, int overwrite);

    [LibraryImport("libc.so.6", EntryPoint = "unsetenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int UnsetEnvironment(string name);

    [LibraryImport("libc.so.6", EntryPoint = "execv", SetLastError = true)]
    private static partial int Execute(byte* path, byte** arguments);

    /// <summary>The primary thread of the program is about to end: whether the process lives on.</summary>
    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int PrimaryEnds();
}
