using ElfLoader.Memory;

namespace ElfLoader.Tests.Redirection;

/// <summary>A thread that owes a unit a destructor until it is told to end.</summary>
internal sealed class OwingThread : IDisposable
{
    private readonly ManualResetEventSlim _owes = new();
    private readonly ManualResetEventSlim _end = new();
    private readonly Thread _thread;

    /// <summary>Starts it, and waits until it owes the destructor.</summary>
    /// <param name="function">Address of the native function that registers it.</param>
    /// <param name="argument">What that gets.</param>
    public OwingThread(ulong function, ulong argument)
    {
        _thread = new Thread(() =>
        {
            _ = NativeCall.Call(function, argument);
            _owes.Set();
            _end.Wait();
        });
        _thread.Start();
        _owes.Wait();
    }

    /// <summary>Ends it. Its native destructors run after it has ended for .NET.</summary>
    public void End()
    {
        _end.Set();
        _thread.Join();
    }

    public void Dispose()
    {
        End();
        _owes.Dispose();
        _end.Dispose();
    }
}
