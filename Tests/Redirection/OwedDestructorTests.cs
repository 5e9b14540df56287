using ElfLoader.Elf;
using ElfLoader.Memory;
using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Linking;
using ElfLoader.Tests.Runtime;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Redirection;

/// <summary>
/// Destructors that foreign code calls when the unit is not defined any more: they and what they call are reached through
/// entries. A mistake ends the process, so each runs in one of its own.
/// </summary>
public sealed class OwedDestructorTests
{
    /// <summary>A static object whose destructor calls a function of its unit, and notes it.</summary>
    private const string Static = """
        extern "C" void helper(long *log) { ++*log; }
        struct Noting { long *log = nullptr; ~Noting(); };
        Noting::~Noting() { if (log) helper(log); }
        Noting noting;
        extern "C" void start(long *log) { noting.log = log; }
        """;

    /// <summary>The same, thread-local.</summary>
    private const string ThreadLocal = """
        extern "C" void helper(long *log) { ++*log; }
        struct Noting { long *log = nullptr; ~Noting(); };
        Noting::~Noting() { if (log) helper(log); }
        thread_local Noting noting;
        extern "C" void start(long *log) { noting.log = log; }
        """;

    private static ObjectLibraryOptions Redirectable { get; } = new() { Redirectable = true };

    [Test]
    public void InitializersOfAReplacementThatTimesOutAreFinishedWith() => ChildProcess.Check(TimeOut);

    [Test]
    public void InitializersOfALoadThatIsRefusedAtLastAreFinishedWith() => ChildProcess.Check(BeRefusedAtLast);

    [Test]
    public void ThreadEndsAfterItsUnitWasUnloaded() => ChildProcess.Check(EndAfterUnload);

    [Test]
    public void ThreadEndsWhileItsUnitWaitsForAnEpoch() => ChildProcess.Check(EndBeforeReclaim);

    [Test]
    public void ThreadEndsAfterItsUnitWasUnloadedTwice() => ChildProcess.Check(EndAfterSecondUnit);

    [Test]
    public void ThreadEndsInCodeThatIsReplacedMeanwhile() => ChildProcess.Check(EndInReplacedCode);

    [Test]
    public void ProcessExitsWhileAUnitThatWasUnloadedIsShared() => ChildProcess.Check(ExitWhileShared);

    [Test]
    public void ProcessExitsAfterTheConstructorOfAHostVariableWasUnloaded() => ChildProcess.Check(ExitAfterConstructingForTheHost);

    private static void TimeOut()
    {
        using var library = new ObjectLibrary("owed", Redirectable);
        library.Load(Compiled.C("long note; int f(void) { return 1; }"), "first.o");
        byte[] second = Compiled.Cxx("""
            extern "C" long note;
            extern "C" void helper() { ++note; }
            struct Noting { ~Noting(); };
            Noting::~Noting() { helper(); }
            Noting noting;
            extern "C" int f() { return 2; }
            """);
        using var entered = new ManualResetEventSlim();
        using var leave = new ManualResetEventSlim();
        var inside = new Thread(() =>
        {
            using (Epoch.Enter())
            {
                entered.Set();
                leave.Wait();
            }
        });
        inside.Start();
        entered.Wait();

        Assert.Throws<TimeoutException>(() => library.Replace(
            [ElfObject.Read(second, "second.o")], new ReplaceOptions { Timeout = TimeSpan.FromMilliseconds(100) }));

        leave.Set();
        inside.Join();
        Assert.That((NativeCall.Call(library.Address("f")), library.Word("note")), Is.EqualTo((1UL, 1UL)));
        library.Replace(second, "second.o");
        Assert.That((NativeCall.Call(library.Address("f")), library.Word("note")), Is.EqualTo((2UL, 1UL)));
    }

    private static void BeRefusedAtLast()
    {
        using var library = new ObjectLibrary("owed", Redirectable);
        library.Load(Compiled.C("long note; int g(void); int user(void) { return 7; }"), "first.o");
        bool isFirst = true;
        library.Define("meanwhile", (Callback)(() =>
        {
            if (isFirst)
            {
                isFirst = false;
                var other = new Thread(() => library.Load(LinkTest.Returning("g", 3), "other.o"));
                other.Start();
                other.Join();
            }
        }));
        byte[] second = Compiled.Cxx("""
            extern "C" long note;
            extern "C" void meanwhile();
            extern "C" void helper() { ++note; }
            struct Noting { Noting() { meanwhile(); } ~Noting(); };
            Noting::~Noting() { helper(); }
            Noting noting;
            extern "C" int g() { return 2; }
            """);

        LinkException exception = Assert.Throws<LinkException>(() => library.Load(second, "second.o"))!;

        Assert.That(exception.Message, Does.Contain("'g' is defined already by other.o"));
        Assert.That((NativeCall.Call(library.Address("g")), library.Word("note")), Is.EqualTo((3UL, 1UL)));
    }

    private static void EndAfterUnload()
    {
        ulong log = HostProcess.Data();
        using var library = new ObjectLibrary("owed", Redirectable);
        LoadedUnit unit = library.Load(Compiled.Cxx(ThreadLocal), "owed.o");
        EndThread(library, log, unit.Unload);

        Assert.That((NativeBytes.LoadWord(log), library.Reclaim(), library.RetiredUnits.Count), Is.EqualTo((1UL, 0, 0)));
    }

    private static void EndBeforeReclaim()
    {
        ulong log = HostProcess.Data();
        using var library = new ObjectLibrary("owed", Redirectable);
        LoadedUnit unit = library.Load(Compiled.Cxx(ThreadLocal), "owed.o");
        using var entered = new ManualResetEventSlim();
        using var leave = new ManualResetEventSlim();
        var inside = new Thread(() =>
        {
            using (Epoch.EnterWithoutWaiting())
            {
                entered.Set();
                leave.Wait();
            }
        });
        inside.Start();
        entered.Wait();
        EndThread(library, log, unit.Unload);
        Assert.That((NativeBytes.LoadWord(log), library.Reclaim()), Is.EqualTo((1UL, 1)));
        leave.Set();
        inside.Join();

        Assert.That(library.Reclaim(), Is.Zero);
    }

    private static void EndAfterSecondUnit()
    {
        ulong log = HostProcess.Data();
        using var library = new ObjectLibrary("owed", Redirectable);
        LoadedUnit unit = library.Load(Compiled.Cxx(ThreadLocal), "owed.o");
        EndThread(library, log, () =>
        {
            unit.Unload();
            LoadedUnit second = library.Load(Compiled.Cxx(ThreadLocal), "again.o");
            second.Unload();
        });

        Assert.That((NativeBytes.LoadWord(log), library.Reclaim()), Is.EqualTo((1UL, 0)));
    }

    private static void EndInReplacedCode()
    {
        const ulong entered = 8;
        const ulong released = 16;
        const string waiting = "void other(long *log) { log[1] = 1; while (!__atomic_load_n(&log[2], __ATOMIC_ACQUIRE)) { } ++log[0]; }";
        ulong log = HostProcess.Data();
        using var library = new ObjectLibrary("owed", Redirectable);
        library.Load(Compiled.C(waiting), "other.o");
        library.Load(Compiled.Cxx("extern \"C\" void other(long *);" + ThreadLocal.Replace("helper(log)", "other(log)")), "owed.o");
        ulong start = library.Address("start");
        var thread = new Thread(() => NativeCall.Call(start, log));
        thread.Start();
        Assert.That(() => NativeBytes.LoadWord(log + entered), Is.EqualTo(1UL).After(10_000, 1));

        library.Replace(LinkTest.Returning("other", 0).Build(), "next.o");
        int kept = library.Reclaim();
        library.Load(LinkTest.Returning("more", 1), "more.o"); // takes the memory, if that is free
        NativeBytes.StoreWord(log + released, 1);

        Assert.That(kept, Is.EqualTo(1));
        Assert.That(() => NativeBytes.LoadWord(log), Is.EqualTo(1UL).After(10_000, 1));
        Assert.That(library.Reclaim, Is.Zero.After(10_000, 1));
    }

    private static void ExitWhileShared()
    {
        const string shared = "inline long counter = 5; extern \"C\" long *where";
        ulong log = HostProcess.Data();
        var library = new ObjectLibrary("owed", Redirectable);
        LoadedUnit first = library.Load(Compiled.Cxx($"{shared}1() {{ return &counter; }} {Static}"), "first.o");
        library.Load(Compiled.Cxx($"{shared}2() {{ return &counter; }}"), "second.o");
        Assert.That(NativeCall.Call(library.Address("where1")), Is.EqualTo(NativeCall.Call(library.Address("where2"))));
        _ = NativeCall.Call(library.Address("start"), log);
        first.Unload();

        Assert.That((NativeBytes.LoadWord(log), first.KeptAliveBy.Count), Is.EqualTo((0UL, 2)));
    }

    /// <summary>The host's variable has its destructor from the unit, which the process calls at exit.</summary>
    private static void ExitAfterConstructingForTheHost()
    {
        using var variables = new SharedVariables();
        var library = new ObjectLibrary("owed", Redirectable);
        library.AddSharedLibrary(variables.SharedLibrary("g++"));
        LoadedUnit unit = library.Load(variables.Object("g++", "mine", "-fPIC"));
        Assert.That(SharedVariables.AddressOf(library, "mine_local"), Is.Not.Zero);
        unit.Unload();

        Assert.That(library.RetiredUnits, Has.Count.EqualTo(1));
        Assert.That(library.RetiredUnits[0].Reasons, Has.Some.Contains("at exit"));
    }

    /// <summary>Has a thread owe a destructor, do something else happen, and the thread end.</summary>
    private static void EndThread(ObjectLibrary library, ulong log, Action between)
    {
        using var thread = new OwingThread(library.Address("start"), log);
        between();
        Assert.That((NativeBytes.LoadWord(log), library.Reclaim()), Is.EqualTo((0UL, 1)));
        thread.End();
        for (int i = 0; i < 500 && NativeBytes.LoadWord(log) is 0; i++)
        {
            Thread.Sleep(10); // its native destructors run after it has ended for .NET
        }

        Thread.Sleep(20);
    }

    private delegate void Callback();
}
