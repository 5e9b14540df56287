using ElfLoader.Memory;
using ElfLoader.Runtime;

namespace ElfLoader.Tests.Runtime;

/// <summary>
/// Each thread has its own values, whichever way code reaches them, and whenever the thread was made.
/// </summary>
public sealed class TlsRuntimeTests
{
    private const ulong Initial = 0x1122_3344_5566_7788;

    // void *thread(void *{accessor, expected, wrong}): push %rbx; mov %rdi,%rbx; call *(%rbx); mov 8(%rbx),%rcx; cmp
    // (%rax),%rcx; mov $0,%ecx; setne %cl; lock add %rcx,16(%rbx); movq $-1,(%rax); xor %eax,%eax; pop %rbx; ret
    private const string ThreadBody = "534889fbff13488b4b08483b08b9000000000f95c1f048014b1048c700ffffffff31c05bc3";

    private static readonly LinkLocation Where = new("test.o", ".tdata");

    private readonly TlsRuntime _tls = HostRuntime.Instance.Tls;

    public enum Model
    {
        GeneralDynamic,
        GeneralDynamicInArena,
        InitialExec,
        LocalExec,
        DynamicDescriptor,
        DynamicDescriptorInArena,
        StaticDescriptor,
    }

    [Test]
    public void ThreadsBeforeAndAfterHaveTheirOwnValues([Values] Model model)
    {
        const int Threads = 8;
        using var active = new ManualResetEventSlim();
        using var written = new CountdownEvent(2 * Threads);
        ulong accessor = 0;
        ulong[] addresses = new ulong[2 * Threads];
        ulong[] first = new ulong[2 * Threads];
        ulong[] second = new ulong[2 * Threads];
        ulong[] zero = new ulong[2 * Threads];
        Thread[] threads = [.. Enumerable.Range(0, 2 * Threads).Select(i => new Thread(() =>
        {
            active.Wait();
            ulong address = NativeCall.Call(accessor);
            addresses[i] = address;
            first[i] = NativeBytes.LoadWord(address);
            zero[i] = NativeBytes.LoadWord(address + 8);
            NativeBytes.StoreWord(address, (ulong)i);
            _ = written.Signal();
            written.Wait();
            second[i] = NativeBytes.LoadWord(NativeCall.Call(accessor));
        }))];
        Array.ForEach(threads[..Threads], thread => thread.Start());

        (TlsModule module, ulong image) = Load(IsStatic(model), size: 24, alignment: 8);
        accessor = Accessor(model, module, 8); // the first word is not looked at
        active.Set();
        Array.ForEach(threads[Threads..], thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        _tls.Release(module);
        HostProcess.Unmap(image);

        Assert.That(addresses, Is.Unique);
        Assert.That(first, Is.All.EqualTo(Initial));
        Assert.That(zero, Is.All.Zero);
        Assert.That(second, Is.EqualTo(Enumerable.Range(0, 2 * Threads)));
    }

    [Test]
    public void NativeThreadsComeAndGoWithoutGrowth([Values] Model model)
    {
        const int Count = 2_000;
        (TlsModule module, ulong image) = Load(IsStatic(model), size: 16, alignment: 8);
        ulong argument = HostProcess.Data();
        NativeBytes.StoreWord(argument, Accessor(model, module, 8));
        NativeBytes.StoreWord(argument + 8, Initial);
        ulong body = HostProcess.Code(ThreadBody);
        HostProcess.RunNativeThreads(body, argument, 40);
        TlsCensus before = _tls.Count();

        HostProcess.RunNativeThreads(body, argument, Count);

        Assert.That(NativeBytes.LoadWord(argument + 16), Is.Zero, "threads with a wrong initial value");
        Assert.That(_tls.Count(), Is.EqualTo(before));
        _tls.Release(module);
        HostProcess.Unmap(image);
    }

    [Test]
    public void MemoryOfEndedThreadsIsFreed()
    {
        const int BlockSize = 1 << 20;
        const int Count = 1_000;
        const long Permitted = 100L * BlockSize; // of a gigabyte that all the threads use
        (TlsModule module, _) = Load(isStatic: false, BlockSize, alignment: 64);
        ulong argument = HostProcess.Data();
        NativeBytes.StoreWord(argument, TlsCode.GeneralDynamic(module, 8));
        NativeBytes.StoreWord(argument + 8, Initial);
        long before = Environment.WorkingSet;

        HostProcess.RunNativeThreads(HostProcess.Code(ThreadBody), argument, Count);

        Assert.That(Environment.WorkingSet - before, Is.LessThan(Permitted));
        _tls.Release(module);
    }

    [TestCase(1ul)]
    [TestCase(16ul)]
    [TestCase(64ul)]
    [TestCase(4096ul)]
    [TestCase(1ul << 21)]
    public void BlocksAreAligned(ulong alignment)
    {
        (TlsModule module, _) = Load(isStatic: false, size: 100, alignment);

        Assert.That(_tls.AddressInThisThread(module, 0) % alignment, Is.Zero);
        _tls.Release(module);
    }

    [Test]
    public void UnloadingFreesTheBlocksOfAllThreads()
    {
        const int Modules = 300;
        TlsCensus before = _tls.Count();
        using var used = new ManualResetEventSlim();
        using var end = new ManualResetEventSlim();
        TlsModule[] modules = [.. Enumerable.Range(0, Modules).Select(_ => Load(isStatic: false, 64, 8).Module)];
        var thread = new Thread(() =>
        {
            Array.ForEach(modules, module => _tls.AddressInThisThread(module, 0));
            used.Set();
            end.Wait();
        });
        thread.Start();
        used.Wait();
        Array.ForEach(modules, module => _tls.AddressInThisThread(module, 0));
        Assert.That(_tls.Count().Blocks, Is.GreaterThanOrEqualTo(before.Blocks + (2 * Modules)));

        Array.ForEach(modules, _tls.Release);

        Assert.That(_tls.Count().Blocks, Is.EqualTo(before.Blocks));
        end.Set();
        thread.Join();
    }

    [Test]
    public void NumbersAreReusedWithFreshValues()
    {
        (TlsModule first, _) = Load(isStatic: false, 16, 8);
        NativeBytes.StoreWord(_tls.AddressInThisThread(first, 8), 7);
        _tls.Release(first);

        (TlsModule second, _) = Load(isStatic: false, 16, 8);

        Assert.That(second.Id, Is.EqualTo(first.Id));
        Assert.That(NativeBytes.LoadWord(_tls.AddressInThisThread(second, 8)), Is.EqualTo(Initial));
        _tls.Release(second);
    }

    [Test]
    public void ResolversKeepAllRegisters()
    {
        (TlsModule allocated, _) = Load(isStatic: false, 1 << 16, 64);
        (TlsModule inArena, _) = Load(isStatic: true, 16, 8);
        ulong slowThenFast = TlsCode.Words(_tls.DynamicResolver, TlsCode.Index(allocated, 8));

        Assert.That(RegisterCheck.Keeps(slowThenFast), Is.True, "first use");
        Assert.That(RegisterCheck.Keeps(slowThenFast), Is.True, "second use");
        Assert.That(RegisterCheck.Keeps(TlsCode.Words(_tls.DynamicResolver, TlsCode.Index(inArena, 8))), Is.True);
        Assert.That(RegisterCheck.Keeps(TlsCode.Words(_tls.StaticResolver, 8)), Is.True);
        Assert.That(RegisterCheck.Keeps(TlsCode.Words(_tls.UndefinedResolver, 8)), Is.True);
        _tls.Release(allocated);
        _tls.Release(inArena);
    }

    [Test]
    public void UndefinedWeakVariablesAreAtTheirAddend() =>
        Assert.That(NativeCall.Call(TlsCode.Descriptor(_tls.UndefinedResolver, 12)), Is.EqualTo(12));

    [Test]
    public void DescriptorsReachTheHostsVariables()
    {
        Assert.That(new HostSymbols().TryFindTls("errno"u8, out HostTlsSymbol symbol), Is.True);
        Assert.That(new HostSymbols().TryFind("errno"u8, out ulong address), Is.True);
        ulong index = TlsCode.Words(symbol.Module, symbol.Offset);

        Assert.That(NativeCall.Call(TlsCode.Descriptor(_tls.DynamicResolver, index)), Is.EqualTo(address));
        Assert.That(RegisterCheck.Keeps(TlsCode.Words(_tls.DynamicResolver, index)), Is.True);
    }

    private static bool IsStatic(Model model) => model is not (Model.GeneralDynamic or Model.DynamicDescriptor);

    private ulong Accessor(Model model, TlsModule module, ulong offset) => model switch
    {
        Model.GeneralDynamic or Model.GeneralDynamicInArena => TlsCode.GeneralDynamic(module, offset),
        Model.InitialExec => TlsCode.InitialExec(module, offset),
        Model.LocalExec => TlsCode.LocalExec(module, offset),
        Model.StaticDescriptor =>
            TlsCode.Descriptor(_tls.StaticResolver, (ulong)(module.TpOffset!.Value + (long)offset)),
        _ => TlsCode.Descriptor(_tls.DynamicResolver, TlsCode.Index(module, offset)),
    };

    /// <summary>A module whose image is two words, the second <see cref="Initial"/>.</summary>
    private (TlsModule Module, ulong Image) Load(bool isStatic, ulong size, ulong alignment)
    {
        ulong image = TlsCode.Words(1, Initial);
        TlsModule module = _tls.Reserve(size, alignment, isStatic, Where);
        _tls.Activate(module, image, 16);
        _tls.Settle();
        return (module, image);
    }
}
