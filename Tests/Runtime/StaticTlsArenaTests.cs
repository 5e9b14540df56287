using ElfLoader.Memory;
using ElfLoader.Runtime;

namespace ElfLoader.Tests.Runtime;

/// <summary>The arena that all units with initial-exec or local-exec code share.</summary>
public sealed class StaticTlsArenaTests
{
    private static readonly LinkLocation Where = new("test.o", ".tdata");

    private readonly TlsRuntime _tls = HostRuntime.Instance.Tls;

    [Test]
    public void HasRoom()
    {
        TestContext.Out.WriteLine($"{_tls.Arena.Size} bytes, of which {_tls.Arena.Free} are free");
        Assert.That(_tls.Arena.Size, Is.GreaterThanOrEqualTo(1_000));
    }

    [Test]
    public void ExhaustionNamesWhatHelpsAndReuseWorksInAnyOrder()
    {
        int free = _tls.Arena.Free;
        var random = new Random(1);
        for (int round = 0; round < 5; round++)
        {
            var modules = new List<TlsModule>();
            LinkException? thrown = Assert.Throws<LinkException>(() =>
            {
                while (true)
                {
                    modules.Add(_tls.Reserve(40, 16, needsStatic: true, Where));
                }
            });

            Assert.That(thrown!.Errors[0].Code, Is.EqualTo(LinkErrorCode.LimitExceeded));
            Assert.That(thrown.Message, Does.Contain("-fPIC").And.Contain("glibc.rtld.optional_static_tls="));
            Assert.That(modules.Select(module => module.TpOffset % 16), Is.All.Zero);
            Assert.That(modules, Has.Count.GreaterThan(20));
            foreach (TlsModule module in modules.OrderBy(_ => random.Next()))
            {
                _tls.Release(module);
            }

            Assert.That(_tls.Arena.Free, Is.EqualTo(free));
        }
    }

    [TestCase(128ul, 8ul, "-fPIC")]
    [TestCase(8ul, 1ul << 20, "optional_static_tls")]
    [TestCase(8ul, ulong.MaxValue, "exceeds")]
    [TestCase(ulong.MaxValue, 8ul, "exceeds")]
    public void RefusesWhatItCannotGive(ulong alignment, ulong size, string message)
    {
        LinkException? thrown =
            Assert.Throws<LinkException>(() => _tls.Reserve(size, alignment, needsStatic: true, Where));

        Assert.That(thrown!.Message, Does.Contain(message));
    }

    [Test]
    public void TwiceReleasedIsReleasedOnce()
    {
        int free = _tls.Arena.Free;
        TlsModule module = _tls.Reserve(40, 16, needsStatic: true, Where);

        _tls.Release(module);
        _tls.Release(module);

        Assert.That(_tls.Arena.Free, Is.EqualTo(free));
    }

    [Test]
    public void ThreadsThatAreCreatedMeanwhileHaveTheInitialValues()
    {
        // void *thread(void *{accessor, expected, wrong}) as in TlsRuntimeTests, but waits first for the word at 24:
        // push %rdi; push %rdi; 1: mov $35,%eax (nanosleep); mov (%rsp),%rdi; add $32,%rdi; xor %esi,%esi; syscall;
        // mov (%rsp),%rdi; cmpq $0,24(%rdi); je 1b; pop %rdi; pop %rdi
        const string Body = "5757" + "b823000000" + "488b3c24" + "4883c720" + "31f6" + "0f05"
            + "488b3c24" + "48837f1800" + "74e4" + "5f5f"
            + "534889fbff13488b4b08483b08b9000000000f95c1f048014b1048c700ffffffff31c05bc3";
        ulong body = HostProcess.Code(Body);
        ulong wrong = 0;
        for (int round = 0; round < 80; round++)
        {
            ulong value = (ulong)round + 1_000;
            ulong image = TlsCode.Words(value, value);
            ulong argument = HostProcess.Data();
            TlsModule module = _tls.Reserve(16, 8, needsStatic: true, Where);
            NativeBytes.StoreWord(argument, TlsCode.InitialExec(module, 8));
            NativeBytes.StoreWord(argument + 8, value);
            NativeBytes.StoreWord(argument + 40, 1_000_000); // a millisecond
            var creator = new Thread(() => HostProcess.RunNativeThreads(body, argument, 100, atOnce: 100));
            creator.Start();
            Thread.Sleep(round % 4); // Creation takes some milliseconds.

            _tls.Activate(module, image, 16);
            Thread.Sleep(5); // the rest of a load
            _tls.Settle();
            NativeBytes.StoreWord(argument + 24, 1);
            creator.Join();
            wrong += NativeBytes.LoadWord(argument + 16);
            _tls.Release(module);
            HostProcess.Unmap(image);
        }

        Assert.That(wrong, Is.Zero);
    }
}
