using ElfLoader.Elf;
using ElfLoader.Memory;
using ElfLoader.Runtime;
using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Linking;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Redirection;

/// <summary>Functions whose code comes at their first call.</summary>
[NonParallelizable]
public sealed class LazyTests
{
    private ObjectLibrary _library = null!;

    [SetUp]
    public void Make() => _library = new ObjectLibrary("lazy");

    [TearDown]
    public void Dispose() => _library.Dispose();

    [Test]
    public void FirstCallLoadsTheObjectOnceAndTheAddressStays()
    {
        int compiled = 0;
        LazyDefinition lazy = _library.DefineLazy(["f"], () =>
        {
            compiled++;
            return LinkTest.Returning("f", 42).Build();
        });
        ulong f = _library.Address("f");
        _library.Load(Compiled.C("int f(void); int (*p)(void) = f; int user(void) { return f() + p(); }"), "user.o");
        Assert.That((compiled, lazy.IsMaterialized), Is.EqualTo((0, false)));

        Assert.That(NativeCall.Call(_library.Address("user")), Is.EqualTo(84));
        Assert.That((compiled, lazy.IsMaterialized, _library.Address("f"), NativeCall.Call(f)), Is.EqualTo((1, true, f, 42UL)));
    }

    [Test]
    public void EightThreadsMaterializeOnce()
    {
        int compiled = 0;
        _library.DefineLazy(["f"], () =>
        {
            Interlocked.Increment(ref compiled);
            Thread.Sleep(20);
            return LinkTest.Returning("f", 42).Build();
        });
        ulong f = _library.Address("f");
        using var barrier = new Barrier(8);
        ulong[] results = new ulong[8];
        Thread[] threads = [.. Enumerable.Range(0, 8).Select(i => new Thread(() =>
        {
            barrier.SignalAndWait();
            results[i] = NativeCall.Call(f);
        }))];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());

        Assert.That((compiled, results), Is.EqualTo((1, Enumerable.Repeat(42UL, 8).ToArray())));
    }

    [Test]
    public void ObjectsAndArchiveMembersAreFoundByPath()
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("f.o");
        File.WriteAllBytes(path, LinkTest.Returning("f", 7).Build());
        string archive = folder.File("l.a");
        File.WriteAllBytes(archive, ArchiveBuilder
            .Gnu(("x.o", LinkTest.Returning("x", 8).Build()), ("g.o", LinkTest.Returning("g", 9).Build()))
            .WithIndex(("x", 0), ("g", 1)).Build());
        _library.DefineLazy("f", path);
        _library.DefineLazy("g", archive);

        Assert.That((Call("f"), Call("g")), Is.EqualTo((7UL, 9UL)));
        Assert.That(_library.Units.Select(unit => unit.Name), Has.Some.Contains("l.a(g.o)"));
    }

    [Test]
    public void FunctionsThatNeedEachOtherDoNotWaitForEver()
    {
        string Source(string mine, string other) => $$"""
            int {{other}}_value(void); static int got;
            __attribute__((constructor)) void {{mine}}_start(void) { got = {{other}}_value(); }
            int {{mine}}_value(void) { return 21; } int {{mine}}(void) { return got + {{mine}}_value(); }
            """;
        using var both = new Barrier(2);
        _library.DefineLazy(["a", "a_value"], () => Wait(both, Compiled.C(Source("a", "b"), "-O0 -fPIC")));
        _library.DefineLazy(["b", "b_value"], () => Wait(both, Compiled.C(Source("b", "a"), "-O0 -fPIC")));
        ulong a = _library.Address("a");
        ulong b = _library.Address("b");

        Task<ulong>[] calls = [Task.Run(() => NativeCall.Call(a)), Task.Run(() => NativeCall.Call(b))];

        Assert.That(Task.WaitAll(calls, 30_000));
        Assert.That(calls.Select(call => call.Result), Is.EqualTo([42UL, 42UL]));

        static byte[] Wait(Barrier barrier, byte[] elf)
        {
            _ = barrier.SignalAndWait(5_000);
            return elf;
        }
    }

    [Test]
    public void FailureCallsTheChosenFunctionAndIsRemembered()
    {
        _library.Load(Compiled.C("int instead(int x) { return x + 1000; }"), "instead.o");
        int tries = 0;
        bool fails = true;
        LazyDefinition lazy = _library.DefineLazy(
            ["f"],
            () => ++tries > 0 && fails ? throw new IOException("no compiler") : Compiled.C("int f(int x) { return x; }"),
            _library.GetExport("instead"));

        Assert.That((Call("f", 1), Call("f", 2), tries), Is.EqualTo((1001UL, 1002UL, 1)));
        Assert.That(lazy.Error, Is.TypeOf<IOException>());
        fails = false;
        lazy.Materialize();
        Assert.That((Call("f", 3), lazy.Error), Is.EqualTo((3UL, (Exception?)null)));
    }

    [Test]
    public void ObjectThatDoesNotDefineTheFunctionIsAFailure()
    {
        LazyDefinition lazy = _library.DefineLazy(["f"], () => LinkTest.Returning("g", 1).Build());

        Assert.That(lazy.Materialize, Throws.TypeOf<LinkException>().With.Message.Contain("does not define 'f'"));
    }

    [Test]
    public void CallbackThatCallsItsOwnFunctionGetsTheFallback()
    {
        _library.Load(LinkTest.Returning("instead", 5), "instead.o");
        ulong inner = 0;
        _library.DefineLazy(
            ["f"],
            () =>
            {
                inner = Call("f");
                return LinkTest.Returning("f", 1).Build();
            },
            _library.GetExport("instead"));

        Assert.That((Call("f"), inner), Is.EqualTo((1UL, 5UL)));
    }

    [Test]
    public void UnloadedFunctionIsLazyAgain()
    {
        int compiled = 0;
        _library.DefineLazy(["f"], () => LinkTest.Returning("f", (byte)++compiled).Build());
        ulong f = _library.Address("f");

        Assert.That(NativeCall.Call(f), Is.EqualTo(1));
        _library.Units[0].Unload();
        Assert.That(NativeCall.Call(f), Is.EqualTo(2));
    }

    [Test]
    public void ArgumentsOfAllKindsArrive()
    {
        const string callee = """
            #include <stdarg.h>
            #include <errno.h>
            #include <xmmintrin.h>
            typedef double v4 __attribute__((vector_size(32)));
            double f(int a, long b, char c, short d, long e, long g, long on_stack, double x, float y, v4 z)
            { return a + b + c + d + e + g + on_stack + x + y + z[0] + z[3] + errno; }
            double sum(int count, ...)
            { va_list l; double s = 0; va_start(l, count); while (count--) s += va_arg(l, double); va_end(l); return s; }
            unsigned mode(void) { return _mm_getcsr(); }
            """;
        const string caller = """
            #include <errno.h>
            #include <xmmintrin.h>
            typedef double v4 __attribute__((vector_size(32)));
            double f(int a, long b, char c, short d, long e, long g, long on_stack, double x, float y, v4 z);
            double sum(int count, ...); unsigned mode(void);
            int check(void)
            {
                errno = 1000000;
                v4 z = {0.25, 9, 9, 0.5};
                if (f(1, 2, 3, 4, 5, 6, 7, 0.125, 0.0625f, z) != 28 + 0.125 + 0.0625 + 0.75 + 1000000) return 1;
                if (errno != 1000000) return 2;
                if (sum(9, 1., 2., 3., 4., 5., 6., 7., 8., 9.) != 45) return 3;
                unsigned old = _mm_getcsr();
                _mm_setcsr(old | 0x6000);
                unsigned seen = mode(), kept = _mm_getcsr();
                _mm_setcsr(old);
                return seen != kept || (seen & 0x6000) != 0x6000 ? 4 : 0;
            }
            """;
        string[] names = ["f", "sum", "mode"];
        foreach (string name in names)
        {
            string others = string.Concat(names.Where(other => other != name).Select(other => $"#define {other} {other}_beside_{name}\n"));
            byte[] elf = Compiled.C(callee.Replace("typedef", $"{others}typedef", StringComparison.Ordinal), "-O2 -fPIC -mavx2");
            _library.DefineLazy([name], () =>
            {
                GC.Collect(0);
                Assert.That(Enumerable.Range(1, 100).Sum(i => Math.Sqrt(i)), Is.EqualTo(671.46).Within(0.01), "rounds to nearest");
                return elf;
            });
        }

        _library.Load(Compiled.C(caller, "-O2 -fPIC -mavx2"), "caller.o");

        Assert.That(Call("check"), Is.Zero);
    }

    [Test]
    public void EveryRegisterIsKept()
    {
        if (!System.Runtime.Intrinsics.X86.Avx2.IsSupported)
        {
            Assert.Ignore("The check is written for AVX2.");
        }

        // mov $0x09090909,%r11; ret: the psABI lets calls clobber r11, but the check, made for TLS descriptors, does not.
        byte[] nothing = [0x49, 0xc7, 0xc3, 9, 9, 9, 9, 0xc3];
        ElfBuilder elf = new();
        elf.AddSymbol("nothing", elf.AddCode(".text", nothing), 0, (ulong)nothing.Length, SymbolBinding.Global, SymbolType.Function);
        _library.DefineLazy(["nothing"], () =>
        {
            GC.Collect(0);
            return elf.Build();
        });
        ulong cell = ElfLoader.Tests.Runtime.HostProcess.Data();
        NativeBytes.StoreWord(cell, _library.Address("nothing"));

        Assert.That(ElfLoader.Tests.Runtime.RegisterCheck.Keeps(cell), Is.True);
    }

    [Test]
    public void ExceptionsPassThroughTheResolver()
    {
        const string source = """
            extern "C" unsigned long resolver(unsigned long) { throw 42; }
            extern "C" void lazy();
            extern "C" int caller() { int kept = 7; try { lazy(); } catch (int n) { return n + kept; } return -1; }
            """;
        _library.DefineLazy(["lazy"], () => throw new InvalidOperationException("this resolver is not asked"));
        _library.Load(Compiled.Cxx(source, "-O2 -fPIC"), "throw.o");
        ulong word = HostRuntime.Instance.Shim.Start + ShimLayout.Resolve;
        ulong managed = NativeBytes.LoadWord(word);
        NativeBytes.StoreWord(word, _library.Address("resolver"));
        try
        {
            Assert.That(Call("caller"), Is.EqualTo(49));
        }
        finally
        {
            NativeBytes.StoreWord(word, managed);
        }
    }

    private ulong Call(string name, ulong argument = 0) => NativeCall.Call(_library.Address(name), argument);
}
