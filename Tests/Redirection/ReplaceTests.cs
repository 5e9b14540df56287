using ElfLoader.Elf;
using ElfLoader.Memory;
using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Linking;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Redirection;

/// <summary>New code takes the place of old code, for everybody at once.</summary>
public sealed class ReplaceTests
{
    private const string Callers = """
        #include <stdlib.h>
        int f(int);
        int direct(int x) { return f(x); }
        int (*pointer)(int) = f;
        int (*get(void))(int) { return f; }
        int indirect(int x) { return pointer(x); }
        int compare(const void *a, const void *b);
        int smallest(void) { int a[] = {3, 1, 2}; qsort(a, 3, sizeof *a, compare); return a[0]; }
        """;

    private const string First = """
        int g(int x) { return x + 1; }
        int f(int x) { return g(x) * 10; }
        int compare(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
        """;

    private const string Second = """
        int g(int x) { return x + 2; }
        int f(int x) { return g(x) * 100; }
        int compare(const void *a, const void *b) { return *(const int *)b - *(const int *)a; }
        """;

    private ObjectLibrary _library = null!;

    [SetUp]
    public void Make() => _library = new ObjectLibrary("replace", new ObjectLibraryOptions { Redirectable = true });

    [TearDown]
    public void Dispose() => _library.Dispose();

    [TestCase("-O2 -fPIC")]
    [TestCase("-O0 -fPIC")]
    [TestCase("-O2 -fPIE")]
    [TestCase("-O2 -fno-pic")]
    [TestCase("-O2 -mcmodel=large")]
    [TestCase("-O2 -fPIC -ffunction-sections -fno-plt")]
    public void AllWaysToCallReachTheNewCode(string flags)
    {
        _library.Load([.. Read((First, "first.o", flags), (Callers, "callers.o", flags))]);
        ulong stored = _library.Address("f");
        var function = _library.GetFunction<Unary>("f");
        Assert.That(Results(stored, function), Is.EqualTo((20, 20, 20, 20, 1)));

        Replacement replacement = _library.Replace(Compiled.C(Second, flags), "second.o");

        Assert.That(Results(stored, function), Is.EqualTo((300, 300, 300, 300, 3)));
        Assert.That(_library.Address("f"), Is.EqualTo(stored));
        Assert.That(Call("get"), Is.EqualTo(stored), "the address that code sees is the exported one");
        Assert.That(replacement.Redirected, Is.EquivalentTo(["f", "g", "compare"]));
        Assert.That(replacement.Superseded, Is.Empty, "first.o was loaded together with callers.o");
    }

    [Test]
    public void NamesThatTheNewObjectDoesNotDefineKeepTheirCode()
    {
        LoadedUnit old = _library.Load(Compiled.C(First, "-O2 -fPIC -fno-inline"), "first.o");

        Replacement replacement = _library.Replace(Compiled.C("int g(int x) { return x + 5; }"), "g.o");

        Assert.That(Call("f", 1), Is.EqualTo(60), "the old f calls the new g");
        Assert.That((string.Join(",", replacement.Redirected), old.IsLoaded), Is.EqualTo(("g", true)));
        Assert.That(_library.Reclaim(), Is.Zero);
        Assert.That(Call("f", 1), Is.EqualTo(60));
    }

    [Test]
    public void FailureChangesNothing()
    {
        _library.Load(Compiled.C(First), "first.o");
        (int, ulong, int) before = LinkTest.Footprint();

        LinkException error = Assert.Throws<LinkException>(() => _library.Replace(
            Compiled.C("int missing(int); int f(int x) { return missing(x); }"), "bad.o"));

        Assert.That(error.Message, Does.Contain("undefined symbol 'missing'"));
        Assert.That(Call("f", 1), Is.EqualTo(20));
        Assert.That(LinkTest.Footprint(), Is.EqualTo(before));
    }

    [Test]
    public void CallsInFlightFinishInTheOldCode()
    {
        byte[] waiting = Compiled.C("extern volatile int go, arrived; int wait(void) { arrived = 1; while (!go); return 0x5eed0001; }");
        _library.Load(Compiled.C("volatile int go, arrived;"), "flags.o");
        _library.Load(waiting, "wait.o");
        ulong wait = _library.Address("wait");
        ulong result = 0;
        var thread = new Thread(() =>
        {
            using Epoch epoch = Epoch.EnterWithoutWaiting();
            result = NativeCall.Call(wait);
        });
        thread.Start();
        while ((uint)_library.Word("arrived") is 0)
        {
            Thread.Yield();
        }

        Replacement replacement = _library.Replace(waiting.With(0x5eed0001, 2), "wait.o");
        Assert.That(_library.Reclaim(), Is.EqualTo(1), "the thread is in it");
        Assert.That(replacement.Superseded[0].KeptAliveBy, Has.Some.Contains("is in an epoch that it entered at generation"));
        Assert.That(_library.RetiredUnits, Has.Count.EqualTo(1));
        NativeBytes.At(_library.Address("go"), 1)[0] = 1;
        thread.Join();

        Assert.That((result, NativeCall.Call(wait)), Is.EqualTo((0x5eed0001UL, 2UL)));
        Assert.That(_library.Reclaim(), Is.Zero);
        Assert.That(_library.RetiredUnits, Is.Empty);
        Assert.That(replacement.Superseded[0].KeptAliveBy, Is.Empty);
    }

    [Test]
    public void UndoBringsTheOldCodeBackAndCanBeUndone()
    {
        _library.Load(Compiled.C(First), "first.o");
        Replacement second = _library.Replace(
            Compiled.C(Second + "int added(int x) { return x; }"), "second.o");

        Replacement undone = second.Undo();
        Assert.That(Call("f", 1), Is.EqualTo(20));
        Assert.That(_library.TryGetExport("added", out _), Is.False);
        Assert.That(undone.Generation, Is.GreaterThan(second.Generation));

        _ = undone.Undo();
        Assert.That((Call("f", 1), Call("added", 7)), Is.EqualTo((300UL, 7UL)));
    }

    [Test]
    public void WhatWasReclaimedCannotComeBack()
    {
        _library.Load(Compiled.C(First), "first.o");
        Replacement second = _library.Replace(Compiled.C(Second), "second.o");
        _library.Reclaim();

        Assert.That(() => second.Undo(), Throws.InvalidOperationException.With.Message.Contain("has been reclaimed"));
        Assert.That(Call("f", 1), Is.EqualTo(300));
    }

    [Test]
    public void OnlyTheLastGenerationCanBeUndone()
    {
        _library.Load(Compiled.C(First), "first.o");
        Replacement second = _library.Replace(Compiled.C(Second), "second.o");
        _library.Replace(Compiled.C("int g(int x) { return x; }"), "third.o");

        Assert.That(() => second.Undo(), Throws.InvalidOperationException.With.Message.Contain("'g' has been defined anew"));
    }

    [Test]
    public void UndoIsRefusedWhereSomebodyUsesWhatIsNew()
    {
        _library.Load(Compiled.C(First), "first.o");
        Replacement second = _library.Replace(Compiled.C(Second + "int added(int x) { return x; }"), "second.o");
        _library.Load(Compiled.C("int added(int); int user(int x) { return added(x); }"), "user.o");

        Assert.That(() => second.Undo(), Throws.InvalidOperationException.With.Message.Contain("added is in use by user.o"));
    }

    [Test]
    public void SeveralObjectsAreReplacedTogetherOrNotAtAll()
    {
        _library.Load([.. Read(
            ("int g(int); int f(int x) { return g(x) + 1; }", "f.o", "-O2"), ("int g(int x) { return x; }", "g.o", "-O2"))]);

        Assert.That(() => _library.Replace([.. Read(
            ("int g(int); int f(int x) { return g(x) + 2; }", "f.o", "-O2"), ("int h(int); int g(int x) { return h(x); }", "g.o", "-O2"))]),
            Throws.TypeOf<LinkException>());
        Assert.That(Call("f", 0), Is.EqualTo(1));

        _library.Replace([.. Read(
            ("int g(int); int f(int x) { return g(x) + 2; }", "f.o", "-O2"), ("int g(int x) { return x + 40; }", "g.o", "-O2"))]);
        Assert.That(Call("f", 0), Is.EqualTo(42));
    }

    [Test]
    public void UnloadIsRefusedWithTheNamesOfDependentsOrTakesThemAlong()
    {
        LoadedUnit first = _library.Load(Compiled.C(First), "first.o");
        LoadedUnit user = _library.Load(Compiled.C(Callers), "callers.o");

        Assert.That(first.Unload, Throws.InvalidOperationException.With.Message.EqualTo("first.o is in use by callers.o"));
        first.Unload(withDependents: true);

        Assert.That((first.IsLoaded, user.IsLoaded, _library.Units.Count), Is.EqualTo((false, false, 0)));
        Assert.That(_library.TryGetExport("f", out _), Is.False);
    }

    [Test]
    public void CodeThatWasUnloadedIsReplacedByTheChosenFunctionAndComesBack()
    {
        using var host = new ObjectLibrary("fallback");
        host.Load(Compiled.C("int missing(int x) { return -x; }"), "missing.o");
        using var library = new ObjectLibrary(
            "unload", new ObjectLibraryOptions { Redirectable = true, MissingFunction = host.GetExport("missing") });
        LoadedUnit unit = library.Load(Compiled.C(First), "first.o");
        ulong f = library.Address("f");

        unit.Unload();
        Assert.That((int)NativeCall.Call(f, 5), Is.EqualTo(-5));

        library.Load(Compiled.C(Second), "second.o");
        Assert.That((library.Address("f"), NativeCall.Call(f, 1)), Is.EqualTo((f, 300UL)));
    }

    [Test]
    public void VirtualFunctionsOfOldObjectsAreTheNewOnes()
    {
        const string source = """
            struct Voice { virtual int value() const; virtual ~Voice(); int base; Voice(int b) : base(b) {} };
            int Voice::value() const { return base + 0x5eed0001; }
            Voice::~Voice() {}
            extern "C" Voice *make(int base) { return new Voice(base); }
            extern "C" int value(Voice *voice) { return voice->value(); }
            extern "C" void drop(Voice *voice) { delete voice; }
            """;
        byte[] elf = Compiled.Cxx(source);
        _library.Load(elf.With(0x5eed0001, 100), "voice.o");
        ulong voice = Call("make", 1);

        _library.Replace(elf.With(0x5eed0001, 200), "voice.o");

        Assert.That(Call("value", voice), Is.EqualTo(201), "its table is the old one");
        ulong young = Call("make", 2);
        Assert.That(Call("value", young), Is.EqualTo(202));
        _ = Call("drop", voice);
        _ = Call("drop", young);
    }

    [Test]
    public void InitializersRunBeforeAnythingIsReplaced()
    {
        const string source = """
            int seen; int f(int x) { return x + 0x5eed0001; }
            __attribute__((constructor)) void start(void) { seen = 0x5eed0001; }
            """;
        byte[] elf = Compiled.C(source);
        _library.Load(elf.With(0x5eed0001, 10), "start.o");

        _library.Replace(elf.With(0x5eed0001, 20), "start.o", new ReplaceOptions { State = StatePolicy.Reset });

        Assert.That(((uint)_library.Word("seen"), Call("f", 1)), Is.EqualTo((20U, 21UL)));
    }

    [Test]
    public void SharedInlineFunctionsChangeForAllAndStayWhileOneUsesThem()
    {
        const string source = "inline __attribute__((noinline)) int shared() { return 0x5eed0001; } extern \"C\" int NAME() { return shared(); }";
        byte[] Compile(string name, int number) =>
            Compiled.Cxx(source.Replace("NAME", name, StringComparison.Ordinal)).With(0x5eed0001, number);
        (int before, _, _) = LinkTest.Footprint();
        _library.Load(Compile("a", 1), "a.o");
        LoadedUnit other = _library.Load(Compile("b", 2), "b.o");
        Assert.That((Call("a"), Call("b")), Is.EqualTo((1UL, 1UL)), "the first prevails");

        Replacement replacement = _library.Replace(Compile("a", 3), "a.o");
        _library.Reclaim();
        Assert.That((Call("a"), Call("b")), Is.EqualTo((3UL, 3UL)));

        replacement.Unit.Unload();
        Assert.That(Call("b"), Is.EqualTo(3), "b.o uses it");
        Assert.That(replacement.Unit.KeptAliveBy, Has.Some.EqualTo("b.o uses it"));
        other.Unload();
        _library.TrimEntries();
        Assert.That(LinkTest.Footprint().Allocations, Is.EqualTo(before));
    }

    [Test]
    public void OtherLibrariesReachTheNewCode()
    {
        _library.Load(Compiled.C(First), "first.o");
        using var plain = new ObjectLibrary("plain");
        plain.AddLibrary(_library);
        plain.Load(Compiled.C("int f(int); int user(int x) { return f(x); }"), "user.o");

        _library.Replace(Compiled.C(Second), "second.o");
        _library.Reclaim();

        Assert.That(NativeCall.Call(plain.Address("user"), 1), Is.EqualTo(300));
        Assert.That(_library.Unload, Throws.InvalidOperationException.With.Message.Contain("user.o"));
    }

    [Test]
    public void OneViewOfMemoryServesAsWell()
    {
        using var library = new ObjectLibrary(
            "one view", new ObjectLibraryOptions { Redirectable = true, Mapping = MemoryMapping.WriteThenProtect });
        library.Load(Compiled.C(First), "first.o");
        ulong f = library.Address("f");

        library.Replace(Compiled.C(Second), "second.o");
        library.Reclaim();

        Assert.That(NativeCall.Call(f, 1), Is.EqualTo(300));
    }

    [Test]
    public void ExceptionsPassThroughEntries()
    {
        const string source = """
            extern "C" int thrower(int x) { if (x) throw x; return 0; }
            extern "C" int catcher(int x) { try { return thrower(x); } catch (int n) { return n + 1; } }
            """;
        _library.Load(Compiled.Cxx(source, "-O0 -fPIC"), "throw.o");
        _library.Replace(Compiled.Cxx(source, "-O0 -fPIC"), "throw.o");
        _library.Reclaim();

        Assert.That(Call("catcher", 41), Is.EqualTo(42));
    }

    [Test]
    public void UnwindersKnowEntries()
    {
        _library.Load(Compiled.C(First), "first.o");
        ulong find = DynamicLinker.Find(DynamicLinker.Open("libgcc_s.so.1", out _), "_Unwind_Find_FDE"u8);
        ulong bases = ElfLoader.Tests.Runtime.HostProcess.Data(); // struct dwarf_eh_bases: tbase, dbase, func

        Assert.That(NativeCall.Call(find, _library.Address("f") + 4, bases), Is.Not.Zero);
        Assert.That(NativeBytes.LoadWord(bases + 16), Is.LessThanOrEqualTo(_library.Address("f")));
    }

    [Test]
    public void ArchivesServeWhatTheNewObjectsLack()
    {
        using var folder = new TemporaryFolder();
        string archive = folder.File("l.a");
        string path = folder.File("f.o");
        File.WriteAllBytes(archive, ArchiveBuilder.Gnu(("h.o", LinkTest.Returning("h", 77).Build())).WithIndex(("h", 0)).Build());
        File.WriteAllBytes(path, Compiled.C("int h(void); int f(int x) { return h() + x; }"));
        _library.Load(Compiled.C(First), "first.o");

        _library.Replace(path, archive);

        Assert.That(Call("f", 1), Is.EqualTo(78));
    }

    [Test]
    public void NothingIsLeftWhenTheLibraryIsDisposed()
    {
        (int, ulong, int) before = LinkTest.Footprint();
        using (var library = new ObjectLibrary("gone", new ObjectLibraryOptions { Redirectable = true }))
        {
            library.Load(Compiled.C(First), "first.o");
            library.Replace(Compiled.C(Second), "second.o");
            library.Load(Compiled.C(Callers), "callers.o");
            library.Replace(Compiled.C(First), "first.o");
        }

        Assert.That(LinkTest.Footprint(), Is.EqualTo(before));
    }

    private static IEnumerable<ElfObject> Read(params (string Source, string Name, string Flags)[] inputs) =>
        inputs.Select(input => ElfObject.Read(Compiled.C(input.Source, input.Flags), input.Name));

    private (int, int, int, int, int) Results(ulong stored, Unary function) => (
        (int)NativeCall.Call(stored, 1), function(1), (int)Call("direct", 1), (int)Call("indirect", 1), (int)Call("smallest"));

    private ulong Call(string name, ulong argument = 0) => NativeCall.Call(_library.Address(name), argument);

    private delegate int Unary(int value);
}
