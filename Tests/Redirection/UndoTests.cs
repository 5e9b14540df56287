using ElfLoader.Memory;
using ElfLoader.Tests.Linking;

namespace ElfLoader.Tests.Redirection;

/// <summary>When the previous generation can be brought back: what is in use is no obstacle, what is gone is.</summary>
public sealed class UndoTests
{
    private const string Waiting = """
        extern volatile int arrived, go;
        int f(void) { arrived = 1; while (!go) ; return 0x5eed0001; }
        """;

    private ObjectLibrary _library = null!;

    [SetUp]
    public void SetUp() => _library = new ObjectLibrary("undone", new ObjectLibraryOptions { Redirectable = true });

    [TearDown]
    public void TearDown() => _library.Dispose();

    /// <summary>A thread is in the code to go back to, or in the code that goes, in an epoch that nobody waits for.</summary>
    [Test]
    public void CodeInUseCanBeBroughtBackAndTakenAway([Values] bool isOld)
    {
        _library.Load(Compiled.C("volatile int arrived, go;"), "words.o");
        byte[] waiting = Compiled.C(Waiting);
        byte[] other = Compiled.C("int f(void) { return 0x5eed0002; }");
        _library.Load(isOld ? waiting : other, "old.o");
        Replacement? replacement = isOld ? null : _library.Replace(waiting, "new.o");
        ulong f = _library.Address("f");
        ulong result = 0;
        var thread = new Thread(() =>
        {
            using Epoch epoch = Epoch.EnterWithoutWaiting();
            result = NativeCall.Call(f);
        });
        thread.Start();
        while ((uint)_library.Word("arrived") is 0)
        {
            Thread.Yield();
        }

        replacement ??= _library.Replace(other, "new.o");
        if (!isOld)
        {
            replacement.Undo();
            Assert.That(NativeCall.Call(f), Is.EqualTo(0x5eed0002));
            Assert.That(_library.Reclaim(), Is.EqualTo(1), "the thread is in it");
            Assert.That(_library.RetiredUnits.Single().Unit.Name, Is.EqualTo("new.o"));
        }
        else
        {
            Assert.That(_library.Reclaim(), Is.EqualTo(1), "the thread is in it");
            replacement.Undo();
        }

        NativeBytes.At(_library.Address("go"), 1)[0] = 1;
        thread.Join();
        Assert.That(result, Is.EqualTo(0x5eed0001));
        Assert.That(NativeCall.Call(f), Is.EqualTo(isOld ? 0x5eed0001 : 0x5eed0002));
        Assert.That(_library.Reclaim(), Is.Zero);
    }

    [Test]
    public void NothingHasChangedWhereThreadsDoNotLeaveTheirEpochs()
    {
        _library.Load(LinkTest.Returning("f", 1), "old.o");
        Replacement replacement = _library.Replace(LinkTest.Returning("f", 2).Build(), "new.o");
        using var inside = new ManualResetEventSlim();
        using var leave = new ManualResetEventSlim();
        var thread = new Thread(() =>
        {
            using Epoch epoch = Epoch.Enter();
            inside.Set();
            leave.Wait();
        });
        thread.Start();
        inside.Wait();

        Assert.That(() => replacement.Undo(TimeSpan.FromMilliseconds(50)), Throws.TypeOf<TimeoutException>());

        Assert.That((NativeCall.Call(_library.Address("f")), _library.Units.Single().Name), Is.EqualTo((2UL, "new.o")));
        leave.Set();
        thread.Join();
        replacement.Undo();
        Assert.That((NativeCall.Call(_library.Address("f")), _library.Units.Single().Name), Is.EqualTo((1UL, "old.o")));
    }

    [Test]
    public void WhatHasBeenUnloadedIsNotUndone()
    {
        _library.Load(LinkTest.Returning("f", 1), "old.o");
        Replacement replacement = _library.Replace(LinkTest.Returning("f", 2).Build(), "new.o");
        replacement.Unit.Unload();

        Assert.That(() => replacement.Undo(), Throws.InvalidOperationException.With.Message.Contain("'f' has been unloaded since"));
        Assert.That(_library.TryGetExport("f", out _), Is.False);
    }

    [Test]
    public void ReplacementIsUndoneOnce()
    {
        _library.Load(LinkTest.Returning("f", 1), "old.o");
        Replacement replacement = _library.Replace(LinkTest.Returning("f", 2).Build(), "new.o");
        replacement.Undo();

        Assert.That(() => replacement.Undo(), Throws.InvalidOperationException.With.Message.EqualTo($"Generation {replacement.Generation} has been undone already."));
        Assert.That(NativeCall.Call(_library.Address("f")), Is.EqualTo(1));
    }

    /// <summary>Loads race with undos of the function that they use: one of the two is refused, and no unit calls nothing.</summary>
    [Test]
    public void FunctionThatIsTakenAwayHasNoUsers()
    {
        _library.Load(LinkTest.Returning("f", 1), "old.o");
        byte[] adds = LinkTest.Returning("added", 2).Build();
        byte[] uses = Compiled.C("int added(void); int uses(void) { return added(); }");
        (int undone, int used) = (0, 0);
        var time = System.Diagnostics.Stopwatch.StartNew();
        while (time.Elapsed < TimeSpan.FromSeconds(1))
        {
            Replacement replacement = _library.Replace(adds, "adds.o");
            LoadedUnit? user = null;
            bool isUndone = false;
            using var start = new Barrier(2);
            var loads = new Thread(() =>
            {
                start.SignalAndWait();
                try
                {
                    user = _library.Load(uses, "uses.o");
                }
                catch (LinkException exception)
                {
                    Assert.That(exception.Errors[0].Code, Is.EqualTo(LinkErrorCode.Undefined));
                }
            });
            loads.Start();
            start.SignalAndWait();
            Thread.SpinWait((undone + used) % 50 * 400); // the one is first, or the other
            try
            {
                replacement.Undo();
                isUndone = true;
            }
            catch (InvalidOperationException exception)
            {
                Assert.That(exception.Message, Does.Contain("added is in use by uses.o"));
            }

            loads.Join();
            Assert.That(isUndone, Is.EqualTo(user is null));
            undone += isUndone ? 1 : 0;
            used += isUndone ? 0 : 1;
            if (user is not null)
            {
                Assert.That(NativeCall.Call(_library.Address("uses")), Is.EqualTo(2));
                user.Unload();
                replacement.Unit.Unload();
            }

            _library.Reclaim();
        }

        TestContext.Out.WriteLine($"{undone} undone, {used} used");
        Assert.That(undone + used, Is.Positive);
    }
}
