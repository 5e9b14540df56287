using System.Runtime.InteropServices;

namespace ElfLoader.Tests.Support;

/// <summary>A forked child that waits for a letter in a pipe before it begins.</summary>
internal sealed class WaitingChild
{
    private readonly int _process;
    private readonly int[] _pipe;

    private WaitingChild(int process, int[] pipe)
    {
        _process = process;
        _pipe = pipe;
    }

    /// <summary>Forks it.</summary>
    /// <param name="fork">Forks; gets the end of the pipe that the child reads, and gives the child's number.</param>
    public static WaitingChild Fork(Func<int, int> fork)
    {
        int[] pipe = new int[2];
        Assert.That(OpenPipe(pipe), Is.Zero);
        int process = fork(pipe[0]);
        Assert.That(process, Is.Positive);
        return new WaitingChild(process, pipe);
    }

    /// <summary>Lets it begin, and gives its status: what it returned, or 256 and a signal.</summary>
    public int Finish()
    {
        Assert.That(Write(_pipe[1], [1], 1), Is.EqualTo((nint)1));
        Assert.That(WaitFor(_process, out int status, 0), Is.EqualTo(_process));
        _ = Close(_pipe[0]);
        _ = Close(_pipe[1]);
        return (status & 0x7f) is 0 ? (status >> 8) & 0xff : 256 + (status & 0x7f);
    }

    [DllImport("libc.so.6", EntryPoint = "pipe")]
    private static extern int OpenPipe([Out] int[] ends);

    [DllImport("libc.so.6", EntryPoint = "write")]
    private static extern nint Write(int file, byte[] bytes, nint count);

    [DllImport("libc.so.6", EntryPoint = "close")]
    private static extern int Close(int file);

    [DllImport("libc.so.6", EntryPoint = "waitpid")]
    private static extern int WaitFor(int process, out int status, int options);
}
