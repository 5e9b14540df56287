using System.Collections.Concurrent;
using System.Diagnostics;
using ElfLoader.Memory;
using ElfLoader.Tests.Redirection;
using ElfLoader.Tests.Runtime;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Linking;

/// <summary>
/// Threads that unload, replace and dispose the same at the same moment. A mistake corrupts memory, so each runs in a process of
/// its own.
/// </summary>
public sealed class ConcurrentUnloadTests
{
    private static readonly TimeSpan Enough = TimeSpan.FromSeconds(1);

    private static ObjectLibraryOptions Redirectable { get; } = new() { Redirectable = true };

    private static ReplaceOptions Anew { get; } = new() { State = StatePolicy.Reset };

    private delegate void Callback();

    [Test]
    public void UnitIsUnloadedOnce() => ChildProcess.Check(UnloadTwice);

    [Test]
    public void UnitThatTwoThreadsWaitToUnloadIsUnloadedOnce() => ChildProcess.Check(WaitToUnload);

    [Test]
    public void UnitThatIsReplacedWhileItWaitsToBeUnloadedStaysReplaced() => ChildProcess.Check(WaitToUnloadAndReplace);

    [Test]
    public void UnitIsUnloadedOrReplaced() => ChildProcess.Check(UnloadAndReplace);

    [Test]
    public void UnitIsUnloadedByItselfOrWithItsLibrary() => ChildProcess.Check(UnloadAndDispose);

    [Test]
    public void LibraryIsDisposedOnce() => ChildProcess.Check(DisposeTwice);

    [Test]
    public void NothingIsLoadedIntoWhatHasBeenDisposed() => ChildProcess.Check(LoadAndDispose);

    [Test]
    public void InitializerCannotDisposeItsLibrary() => ChildProcess.Check(DisposeInInitializer);

    [Test]
    public void LoadThatWasUnderWayIsTakenBack() => ChildProcess.Check(DisposeWhileInitializing);

    private static void WaitToUnload()
    {
        (int, ulong, int) before = LinkTest.Footprint();
        using (var library = new ObjectLibrary("waits", Redirectable))
        {
            LoadedUnit unit = library.Load(Shared(1), "unit.o");
            WaitForAnEpoch([unit.Unload], [unit.Unload]);

            Assert.That((unit.IsLoaded, library.Units.Count, library.Reclaim()), Is.EqualTo((false, 0, 0)));
        }

        Assert.That(LinkTest.Footprint(), Is.EqualTo(before));
    }

    private static void WaitToUnloadAndReplace()
    {
        for (int round = 0; round < 8; round++) // which of the two is first is the system's affair
        {
            using var library = new ObjectLibrary("waits", Redirectable);
            LoadedUnit unit = library.Load(Shared(1), "unit.o");
            WaitForAnEpoch([() => library.Replace(Shared(2), "second.o", Anew)], [unit.Unload]);

            Assert.That((NativeCall.Call(library.Address("f")), library.Units.Count, library.Reclaim()), Is.EqualTo((2UL, 1, 0)));
        }
    }

    /// <summary>Has threads wait for one that is in an epoch, each doing one thing after the other.</summary>
    private static void WaitForAnEpoch(params Action[][] actions)
    {
        Thread[] threads = [.. actions.Select(own => new Thread(() => Array.ForEach(own, action => action())))];
        using (Epoch.Enter())
        {
            Array.ForEach(threads, thread => thread.Start());
            Thread.Sleep(100);
        }

        Array.ForEach(threads, thread => thread.Join());
    }

    private static void UnloadTwice() => Repeat(Redirectable, (library, _) =>
    {
        LoadedUnit unit = library.Load(Shared(1), "unit.o");
        return [unit.Unload, unit.Unload, unit.Unload, () => library.Reclaim()];
    });

    private static void UnloadAndReplace() => Repeat(Redirectable, (library, round) =>
    {
        LoadedUnit unit = library.Load(Shared(1), "unit.o");
        return
        [
            unit.Unload,
            () => library.Replace(Shared(2), "second.o", Anew),
            () => library.Replace(Shared(3), "third.o", Anew),
            () => library.Reclaim(),
        ];
    });

    private static void UnloadAndDispose()
    {
        foreach (ObjectLibraryOptions options in new[] { Redirectable, new ObjectLibraryOptions() })
        {
            Repeat(options, (library, _) =>
            {
                LoadedUnit unit = library.Load(Shared(1), "unit.o");
                LoadedUnit other = library.Load(LinkTest.Returning("other", 1), "other.o");
                return [unit.Unload, other.Unload, library.Unload, library.Dispose];
            });
        }
    }

    private static void DisposeTwice()
    {
        foreach (ObjectLibraryOptions options in new[] { Redirectable, new ObjectLibraryOptions() })
        {
            Repeat(options with { Arguments = ["program", "argument"] }, (library, _) =>
            {
                library.Load(Shared(1), "unit.o");
                return [library.Dispose, library.Dispose, library.Dispose, library.Dispose];
            });
        }
    }

    private static void LoadAndDispose()
    {
        foreach (ObjectLibraryOptions options in new[] { Redirectable, new ObjectLibraryOptions() })
        {
            Repeat(options, (library, _) =>
            [
                () => Ignore<ObjectDisposedException>(() => library.Load(Shared(1), "unit.o")),
                () => Ignore<ObjectDisposedException>(() => library.Load(LinkTest.Returning("other", 1), "other.o")),
                () => Ignore<ObjectDisposedException>(() => library.DefineLazy("lazy", "nowhere.o")),
                library.Dispose,
            ]);
        }
    }

    private static void DisposeInInitializer()
    {
        Exception? refused = null;
        using var library = new ObjectLibrary("own", new ObjectLibraryOptions { Arguments = ["program"] });
        library.Define("callback", (Callback)(() => refused = Assert.Catch(library.Dispose)));

        library.Load(Initializing(), "starts.o");

        Assert.That(refused, Is.TypeOf<InvalidOperationException>().With.Message.Contain("starts.o"));
        Assert.That(NativeCall.Call(library.Address("f")), Is.EqualTo(6));
    }

    private static void DisposeWhileInitializing()
    {
        (int, ulong, int) before = LinkTest.Footprint();
        var library = new ObjectLibrary("own", new ObjectLibraryOptions { Arguments = ["program"] });
        ulong log = HostProcess.Data();
        library.DefineData("note", (nint)log);
        library.Define("callback", (Callback)(() =>
        {
            var thread = new Thread(library.Dispose);
            thread.Start();
            thread.Join();
        }));

        Assert.Throws<ObjectDisposedException>(() => library.Load(Initializing(), "starts.o"));

        Assert.That((NativeBytes.LoadWord(log), library.Units.Count), Is.EqualTo((1UL, 0)), "its destructors ran");
        Assert.That(LinkTest.Footprint(), Is.EqualTo(before));
    }

    /// <summary>An object with unwind tables and a destructor.</summary>
    private static byte[] Shared(int number) => Compiled.Cxx("""
        struct Ends { int number; ~Ends(); };
        Ends::~Ends() { number = 0; }
        Ends ends{0x5eed0002};
        extern "C" int f() { return ends.number; }
        """).With(0x5eed0002, number);

    private static byte[] Initializing() => Compiled.C("""
        void callback(void); extern long note __attribute__((weak));
        __attribute__((constructor)) static void start(int count, char **arguments) {
            callback();
            if (count != 1 || arguments[0][0] != 'p') __builtin_trap();
        }
        __attribute__((destructor)) static void end(void) { if (&note) ++note; }
        int f(void) { return 6; }
        """);

    /// <summary>Has threads do things to a new library at the same moment, again and again; nothing is left behind.</summary>
    private static void Repeat(ObjectLibraryOptions options, Func<ObjectLibrary, int, Action[]> prepare)
    {
        ConcurrentQueue<Exception> failures = new();
        (int, ulong, int) before = default;
        var time = Stopwatch.StartNew();
        for (int round = 0; time.Elapsed < Enough && failures.IsEmpty; round++)
        {
            using (var library = new ObjectLibrary("concurrent", options))
            {
                Action[] actions = prepare(library, round);
                using var start = new Barrier(actions.Length);
                Thread[] threads = [.. actions.Select(action => new Thread(() =>
                {
                    start.SignalAndWait();
                    try
                    {
                        action();
                    }
                    catch (Exception exception)
                    {
                        failures.Enqueue(exception);
                    }
                }))];
                Array.ForEach(threads, thread => thread.Start());
                Array.ForEach(threads, thread => thread.Join());
            }

            before = round is 0 ? LinkTest.Footprint() : before;
        }

        Assert.That(failures, Is.Empty);
        Assert.That(LinkTest.Footprint(), Is.EqualTo(before), "nothing is left");
    }

    private static void Ignore<TException>(Action action)
        where TException : Exception
    {
        try
        {
            action();
        }
        catch (TException)
        {
            // the library was disposed first
        }
    }
}
