using System.Runtime.InteropServices;
using System.Text;

namespace ElfLoader.Memory;

/// <summary>This process as a C program: started, named, ended, started again, replaced.</summary>
public static unsafe partial class HostedProgram
{
    /// <summary>
    /// Becomes a C program: calls its <c>main</c>, and ends the process as a return from it does: with what <c>atexit</c>
    /// registered run, streams flushed, and its status. Does not return.
    /// </summary>
    /// <param name="main">Address of <c>int main(int, char **, char **)</c>.</param>
    /// <param name="arguments">Its arguments, the program's name first; never freed.</param>
    public static void Start(ulong main, NativeArguments arguments)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        if (arguments.Count > 0)
        {
            SetName((nint)NativeBytes.LoadWord((ulong)arguments.Vector));
        }

        ulong environment = DynamicLinker.Find(DynamicLinker.Process, "environ"u8);
        nint variables = environment is 0 ? 0 : (nint)NativeBytes.LoadWord(environment);
        ExitProcess(NativeCall.Main(main, arguments.Count, arguments.Vector, variables));
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
}
