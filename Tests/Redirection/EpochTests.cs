using ElfLoader.Memory;
using ElfLoader.Tests.Linking;

namespace ElfLoader.Tests.Redirection;

/// <summary>What threads in epochs see, and who waits for whom.</summary>
public sealed class EpochTests
{
    private ObjectLibrary _library = null!;

    [SetUp]
    public void Make()
    {
        _library = new ObjectLibrary("epochs", new ObjectLibraryOptions { Redirectable = true });
        _library.Load(LinkTest.Returning("f", 1), "f.o");
    }

    [TearDown]
    public void Dispose() => _library.Dispose();

    [Test]
    public void PublicationWaitsForTheOutermostEpochToEnd()
    {
        ulong f = _library.Address("f");
        Epoch.Enter();
        Epoch.Enter();
        var replacing = Task.Run(() => _library.Replace(LinkTest.Returning("f", 2).Build(), "f.o"));
        Assert.That(replacing.Wait(50), Is.False);
        Epoch.Leave();
        Assert.That((replacing.Wait(50), NativeCall.Call(f)), Is.EqualTo((false, 1UL)));
        Epoch.Leave();

        Assert.That(replacing.Wait(10_000));
        Assert.That((NativeCall.Call(f), Epoch.IsInside), Is.EqualTo((2UL, false)));
    }

    [Test]
    public void ThreadThatNeverLeavesIsNamed()
    {
        using (Epoch.Enter())
        {
            int thread = Epoch.Threads.Single().ThreadId;
            AggregateException error = Assert.Throws<AggregateException>(() => Task.Run(() => _library.Replace(
                LinkTest.Returning("f", 2).Build(), "f.o", new ReplaceOptions { Timeout = TimeSpan.FromMilliseconds(100) })).Wait());

            Assert.That(error.InnerException, Is.TypeOf<TimeoutException>().With.Message.Contain($"(now: {thread})"));
            Assert.That(NativeCall.Call(_library.Address("f")), Is.EqualTo(1));
        }
    }

    [Test]
    public void ThreadInAnEpochCannotWaitForItself()
    {
        using (Epoch.Enter())
        {
            Assert.That(() => _library.Replace(LinkTest.Returning("f", 2).Build(), "f.o"), Throws.InvalidOperationException);
        }
    }

    [Test]
    public void EpochsThatNobodyWaitsForKeepCode()
    {
        using (Epoch.EnterWithoutWaiting())
        {
            Task.Run(() =>
            {
                _library.Replace(LinkTest.Returning("f", 2).Build(), "f.o");
                Assert.That(_library.Reclaim(), Is.EqualTo(1));
            }).Wait();
        }

        Assert.That(_library.Reclaim(), Is.Zero);
    }

    [Test]
    public void ThreadThatEndsHasLeft()
    {
        var thread = new Thread(() => Epoch.Enter());
        thread.Start();
        thread.Join();

        Assert.That(() => Epoch.Threads, Is.Empty.After(5_000, 10));
    }

    [Test]
    public void LeavingWithoutHavingEnteredIsAnError() =>
        Assert.That(Epoch.Leave, Throws.InvalidOperationException);

    [Test]
    public void NativeCodeEntersAndLeaves()
    {
        _library.Load(Compiled.C("""
            void elfloader_enter_epoch(void); void elfloader_leave_epoch(void);
            void in(void) { elfloader_enter_epoch(); } void out(void) { elfloader_leave_epoch(); }
            """), "native.o");

        _ = NativeCall.Call(_library.Address("in"));
        Assert.That((Epoch.IsInside, Epoch.Threads.Single().IsConsistent), Is.EqualTo((true, true)));
        _ = NativeCall.Call(_library.Address("out"));
        Assert.That(Epoch.Threads, Is.Empty);
    }
}
