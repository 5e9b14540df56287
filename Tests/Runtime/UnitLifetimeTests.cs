using System.Buffers.Binary;
using ElfLoader.Memory;
using ElfLoader.Runtime;

namespace ElfLoader.Tests.Runtime;

/// <summary>
/// What units register is run, and forgotten, with the unit. The functions are machine code that writes a log.
/// </summary>
public sealed class UnitLifetimeTests
{
    // movabs $log,%rax; mov (%rax),%rcx; incq (%rax); movb $id,8(%rax,%rcx); ret
    private const string Recorder = "48b80000000000000000488b0848ff00c64408080090c3";
    private const int RecorderLog = 2;
    private const int RecorderId = 20;

    // lock incq (%rdi); ret
    private const string Increment = "f048ff07c3";

    private readonly HostRuntime _runtime = HostRuntime.Instance;
    private ulong _log;
    private UnitLifetime _unit;
    private ulong _thunks;

    [SetUp]
    public void MakeAUnit()
    {
        _log = HostProcess.Data();
        _unit = new UnitLifetime(HostProcess.Data());
        byte[] code = new byte[LifetimeThunks.Size];
        _runtime.Thunks.Write(code, _unit);
        _thunks = HostProcess.Code(Convert.ToHexString(code));
    }

    [Test]
    public void RunsWhatWasRegisteredAtExitThenTheTerminators()
    {
        ulong array = HostProcess.Data();
        Span<byte> bytes = NativeBytes.At(array, UnitFinalizer.TerminatorArraySize(2));
        UnitFinalizer.WriteTerminatorArray(bytes, [Log(1), Log(2)]);
        _runtime.Finalizer.RegisterTerminators(_unit, array);
        _ = NativeCall.Call(Thunk("atexit"u8), Log(3));
        _ = NativeCall.Call(Shim.Host("__cxa_atexit"u8), Log(4), 0, _unit.DsoHandle);

        _runtime.Finalizer.Run(_unit);
        _runtime.Finalizer.Run(_unit);

        Assert.That(Logged, Is.EqualTo([4, 3, 2, 1]));
    }

    [Test]
    public void KeepsWhatOtherUnitsRegistered()
    {
        var other = new UnitLifetime(HostProcess.Data());
        _ = NativeCall.Call(Shim.Host("__cxa_atexit"u8), Log(1), 0, other.DsoHandle);
        _ = NativeCall.Call(Thunk("atexit"u8), Log(2));

        _runtime.Finalizer.Run(_unit);
        Assert.That(Logged, Is.EqualTo([2]));
        _runtime.Finalizer.Run(other);
        Assert.That(Logged, Is.EqualTo([2, 1]));
    }

    [Test]
    public void RegistersForQuickExitAndFork()
    {
        Assert.That((int)NativeCall.Call(Thunk("at_quick_exit"u8), Log(1)), Is.Zero);
        Assert.That((int)NativeCall.Call(Thunk("pthread_atfork"u8), Log(2), Log(3), 0), Is.Zero);

        ForkAndWait();
        Assert.That(Logged, Is.EqualTo([2, 3]), "prepare, parent");
        _runtime.Finalizer.Run(_unit);
        ForkAndWait();
        Assert.That(Logged, Is.EqualTo([2, 3]), "removed");
    }

    [Test]
    public void RunsThreadLocalDestructorsWhenTheThreadEnds()
    {
        ulong counts = HostProcess.Data();
        ulong increment = HostProcess.Code(Increment);
        long pendingInside = 0;
        var thread = new Thread(() =>
        {
            _ = NativeCall.Call(Thunk("__cxa_thread_atexit"u8), increment, counts, _unit.DsoHandle);
            _ = NativeCall.Call(Thunk("__cxa_thread_atexit_impl"u8), increment, counts + 8, _unit.DsoHandle);
            pendingInside = _unit.PendingThreadDestructors;
        });
        thread.Start();
        thread.Join();

        // A managed thread is joined before the native one has ended.
        Assert.That(() => _unit.PendingThreadDestructors, Is.Zero.After(5_000, 1));
        Assert.That(pendingInside, Is.EqualTo(2));
        Assert.That((NativeBytes.LoadWord(counts), NativeBytes.LoadWord(counts + 8)), Is.EqualTo((1ul, 1ul)));
    }

    [Test]
    public void UnloadingRunsTheCallersDestructorsOnlyAndTellsTheRest()
    {
        ulong counts = HostProcess.Data();
        ulong increment = HostProcess.Code(Increment);
        var other = new UnitLifetime(HostProcess.Data());
        using var registered = new ManualResetEventSlim();
        using var end = new ManualResetEventSlim();
        var thread = new Thread(() =>
        {
            _ = NativeCall.Call(Thunk("__cxa_thread_atexit"u8), increment, counts, _unit.DsoHandle);
            registered.Set();
            end.Wait();
        });
        thread.Start();
        registered.Wait();
        ulong add = _runtime.Shim.Function("add_thread_dtor");
        _ = NativeCall.Call(add, increment, counts + 8, 0, _unit.Counter);
        _ = NativeCall.Call(add, increment, counts + 16, 0, other.Counter);
        _ = NativeCall.Call(add, increment, counts + 8, 0, _unit.Counter);

        _runtime.Finalizer.Run(_unit);

        Assert.That(NativeBytes.LoadWord(counts), Is.Zero);
        Assert.That(NativeBytes.LoadWord(counts + 8), Is.EqualTo(2));
        Assert.That(NativeBytes.LoadWord(counts + 16), Is.Zero);
        Assert.That(_unit.PendingThreadDestructors, Is.EqualTo(1));
        end.Set();
        Assert.That(() => _unit.PendingThreadDestructors, Is.Zero.After(5_000, 1));
        Assert.That(NativeBytes.LoadWord(counts), Is.EqualTo(1));
        _runtime.Finalizer.RunThreadDestructors(other);
        Assert.That(other.PendingThreadDestructors, Is.Zero);
    }

    [Test]
    public void DestructorsMayRegisterMore()
    {
        // The destructor of the first object registers the second: mov inc,%rdi; lea 8(%rdi'),%rsi; movabs thunk; jmp
        ulong counts = HostProcess.Data();
        ulong increment = HostProcess.Code(Increment);
        //   lock incq (%rdi); lea 8(%rdi),%rsi; movabs $increment,%rdi; movabs $thunk,%rax; jmp *%rax
        ulong chained = HostProcess.Code(
            "f048ff07" + "488d7708" + "48bf0000000000000000" + "48b80000000000000000" + "ffe0",
            (10, increment),
            (20, Thunk("__cxa_thread_atexit"u8)));
        var thread = new Thread(() =>
            _ = NativeCall.Call(Thunk("__cxa_thread_atexit"u8), chained, counts, _unit.DsoHandle));
        thread.Start();
        thread.Join();

        Assert.That(() => _unit.PendingThreadDestructors, Is.Zero.After(5_000, 1));
        Assert.That((NativeBytes.LoadWord(counts), NativeBytes.LoadWord(counts + 8)), Is.EqualTo((1ul, 1ul)));
    }

    [TestCase("malloc")]
    [TestCase("__cxa_atexit")]
    [TestCase("")]
    public void OtherNamesAreNotBoundToTheUnit(string name) =>
        Assert.That(LifetimeThunks.TryFind(System.Text.Encoding.UTF8.GetBytes(name), out _), Is.False);

    private ulong Thunk(ReadOnlySpan<byte> name)
    {
        Assert.That(LifetimeThunks.TryFind(name, out int offset), Is.True);
        return _thunks + (ulong)offset;
    }

    private ulong Log(byte id)
    {
        byte[] code = Convert.FromHexString(Recorder);
        BinaryPrimitives.WriteUInt64LittleEndian(code.AsSpan(RecorderLog), _log);
        code[RecorderId] = id;
        return HostProcess.Code(Convert.ToHexString(code));
    }

    private byte[] Logged => NativeBytes.At(_log + 8, (int)NativeBytes.LoadWord(_log)).ToArray();

    private static void ForkAndWait()
    {
        // .NET does not survive in a child, so that it is machine code that forks: push %rbx; call *fork; test
        // %eax,%eax; jnz 1f; xor %edi,%edi; call *_exit; 1: mov %eax,%edi; xor %esi,%esi; xor %edx,%edx; call *waitpid;
        // pop %rbx; ret
        ulong code = HostProcess.Code(
            "53" + "48b80000000000000000" + "ffd0" + "85c0" + "750e" + "31ff" + "48b80000000000000000" + "ffd0"
            + "89c7" + "31f6" + "31d2" + "48b80000000000000000" + "ffd0" + "5b" + "c3",
            (3, Shim.Host("fork"u8)),
            (21, Shim.Host("_exit"u8)),
            (39, Shim.Host("waitpid"u8)));
        _ = NativeCall.Call(code);
    }
}
