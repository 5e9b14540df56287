using ElfLoader.Memory;
using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Linking;
using ElfLoader.Tests.Runtime;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Redirection;

/// <summary>Pointers to functions that are not there: what can be said of them is said. Calling one ends the process.</summary>
public sealed class GoneFunctionTests
{
    private static ObjectLibraryOptions Redirectable { get; } = new() { Redirectable = true };

    [Test]
    public void FunctionThatWasUnloaded() => AssertSays(CallUnloaded, "'gone' of library 'calls' was called and has no code: it has been unloaded");

    [Test]
    public void FunctionWhosePlaceWasGivenBack() => AssertSays(CallTrimmed, "'gone' of library 'calls' was called, which has been given back");

    [Test]
    public void FunctionOfADisposedLibraryOfWhichMemoryIsInUse() =>
        AssertSays(CallDisposed, "'gone' of library 'calls' was called, which has been given back: the library has been disposed");

    [Test]
    public void FunctionAtAddressZero()
    {
        using var library = new ObjectLibrary("calls");
        library.Load(Compiled.C("__asm__(\".globl nothing\\n.set nothing, 0\");"), "nothing.o");

        EntryPointNotFoundException exception = Assert.Throws<EntryPointNotFoundException>(() => library.GetFunction<Function>("nothing"))!;

        Assert.That(exception.Message, Does.Contain("'nothing' of library 'calls' is at address 0"));
    }

    private static void CallUnloaded()
    {
        using var library = new ObjectLibrary("calls", Redirectable);
        LoadedUnit unit = library.Load(LinkTest.Returning("gone", 1));
        Function gone = library.GetFunction<Function>("gone");
        unit.Unload();
        _ = gone();
    }

    private static void CallTrimmed()
    {
        using var library = new ObjectLibrary("calls", Redirectable);
        library.Load(LinkTest.Returning("stays", 1));
        LoadedUnit unit = library.Load(LinkTest.Returning("gone", 1));
        Function gone = library.GetFunction<Function>("gone");
        unit.Unload();
        library.TrimEntries();
        _ = gone();
    }

    private static void CallDisposed()
    {
        var library = new ObjectLibrary("calls", Redirectable);
        library.Load(LinkTest.Returning("gone", 1));
        library.Load(
            Compiled.Cxx(
                """
                extern "C" void helper(long *log) { ++*log; }
                struct Noting { long *log = nullptr; ~Noting(); };
                Noting::~Noting() { if (log) helper(log); }
                thread_local Noting noting;
                extern "C" void start(long *log) { noting.log = log; }
                """),
            "owed.o");
        Function gone = library.GetFunction<Function>("gone");
        ulong start = library.Address("start");
        using var owes = new ManualResetEventSlim();
        var thread = new Thread(() =>
        {
            _ = NativeCall.Call(start, HostProcess.Data());
            owes.Set();
            Thread.Sleep(Timeout.Infinite);
        })
        { IsBackground = true };
        thread.Start();
        owes.Wait();
        library.Dispose();
        _ = gone();
    }

    private static void AssertSays(Action call, string message)
    {
        CommandResult result = ChildProcess.Run(call);

        Assert.That(result.Status, Is.Not.Zero.And.Not.EqualTo(-1), result.Error);
        Assert.That(result.Error, Does.Contain(message));
    }
}
