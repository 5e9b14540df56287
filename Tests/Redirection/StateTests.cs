using ElfLoader.Memory;
using ElfLoader.Tests.Linking;

namespace ElfLoader.Tests.Redirection;

/// <summary>What becomes of variables when their object is replaced.</summary>
public sealed class StateTests
{
    private const string Old = """
        int counter = 1; static int hidden = 5; char text[16] = "old";
        int next(void) { return counter++; }
        int secret(void) { static int calls; return hidden++ * 100 + ++calls; }
        """;

    private ObjectLibrary _library = null!;

    [SetUp]
    public void Make() => _library = new ObjectLibrary("state", new ObjectLibraryOptions { Redirectable = true });

    [TearDown]
    public void Dispose() => _library.Dispose();

    [TestCase("-O2 -fPIC", false)]
    [TestCase("-O2 -fPIC -fdata-sections", false)]
    [TestCase("-O0", false)]
    [TestCase("-O2 -fPIC", true)]
    public void VariablesThatAreTheSameKeepTheirStorage(string flags, bool gcc)
    {
        byte[] Compile(string source) => gcc ? Compiled.Gcc(source, flags) : Compiled.C(source, flags);
        _library.Load(Compile(Old), "state.o");
        ulong counter = _library.Address("counter");
        _ = (Call("next"), Call("next"), Call("secret"));

        Replacement replacement = _library.Replace(Compile(Old.Replace("* 100", "* 1000", StringComparison.Ordinal)), "state.o");
        _library.Reclaim();

        Assert.That(_library.Address("counter"), Is.EqualTo(counter), "shared, not copied");
        Assert.That((Call("next"), Call("secret")), Is.EqualTo((3UL, 6002UL)));
        Assert.That(replacement.State.Select(report => report.Outcome), Is.All.EqualTo(StateOutcome.Kept));
        Assert.That(replacement.State, Has.Count.EqualTo(5 - 1), string.Join(", ", replacement.State));
    }

    [Test]
    public void StorageOutlivesManyGenerations()
    {
        byte[] elf = Compiled.C(Old);
        _library.Load(elf, "state.o");
        (int before, _, _) = LinkTest.Footprint();
        for (int i = 0; i < 50; i++)
        {
            Assert.That(Call("next"), Is.EqualTo(i + 1));
            _library.Replace(elf, "state.o");
            _library.Reclaim();
        }

        Assert.That(_library.Units[0].KeptAliveBy, Has.Some.Contains("counter"));
        _library.Unload();
        Assert.That(LinkTest.Footprint().Allocations, Is.EqualTo(before - 1));
    }

    [Test]
    public void SizesThatChangeAreReported()
    {
        _library.Load(Compiled.C(Old), "state.o");
        _ = Call("next");

        Replacement replacement = _library.Replace(
            Compiled.C(Old.Replace("char text[16]", "char text[24]", StringComparison.Ordinal)), "state.o");

        StateReport text = replacement.State.Single(report => report.Name is "text");
        Assert.That((text.Outcome, text.OldSize, text.NewSize), Is.EqualTo((StateOutcome.SizeChanged, 16L, 24L)));
        Assert.That(Outcome(replacement, "counter"), Is.EqualTo(StateOutcome.Kept), "others see it by its name");
        Assert.That(Outcome(replacement, "hidden"), Is.EqualTo(StateOutcome.Ambiguous), "it is known by its distance only");
        Assert.That(Call("next"), Is.EqualTo(2));
    }

    [Test]
    public void SectionsOfTheirOwnTellLocalVariablesApart()
    {
        const string flags = "-O2 -fPIC -fdata-sections";
        _library.Load(Compiled.C(Old, flags), "state.o");
        _ = Call("secret");

        Replacement replacement = _library.Replace(
            Compiled.C(Old.Replace("char text[16]", "char text[24]", StringComparison.Ordinal), flags), "state.o");

        Assert.That(Outcome(replacement, "hidden"), Is.EqualTo(StateOutcome.Kept));
        Assert.That(Outcome(replacement, "text"), Is.EqualTo(StateOutcome.SizeChanged));
        Assert.That(Call("secret"), Is.EqualTo(602));
    }

    [Test]
    public void LocalVariablesThatOnlyANumberTellsApartAreReported()
    {
        const string source = """
            int a(void) { static int calls = 7; return calls++; }
            int b(void) { static int calls = 9; return calls++; }
            """;
        _library.Load(Compiled.Gcc(source), "clash.o");
        _ = (Call("a"), Call("b"));

        Replacement replacement = _library.Replace(Compiled.Gcc(source), "clash.o");

        Assert.That(replacement.State.Select(report => report.Outcome), Is.All.EqualTo(StateOutcome.Ambiguous));
        Assert.That((Call("a"), Call("b")), Is.EqualTo((7UL, 9UL)));
    }

    [Test]
    public void ThreadLocalVariablesAreNewAndSaidToBe()
    {
        const string source = "__thread int mine = 5; int get(void) { return mine++; }";
        _library.Load(Compiled.C(source), "tls.o");
        _ = Call("get");

        Replacement replacement = _library.Replace(Compiled.C(source), "tls.o");

        Assert.That((Outcome(replacement, "mine"), Call("get")), Is.EqualTo((StateOutcome.ThreadLocal, 5UL)));
    }

    [Test]
    public void DataWithoutANameIsReported()
    {
        const string source = ".data\n.long 1,2,3,4,5,6,7,8\n.globl x\n.type x,@object\n.size x,4\nx: .long 9\n.text\n";
        string wrapped = $"__asm__(\"{source.Replace("\n", "\\n", StringComparison.Ordinal)}\"); int f(void) {{ return 0; }}";
        _library.Load(Compiled.C(wrapped), "unnamed.o");

        Replacement replacement = _library.Replace(Compiled.C(wrapped), "unnamed.o");

        Assert.That((Outcome(replacement, ".data"), Outcome(replacement, "x")), Is.EqualTo((StateOutcome.Unnamed, StateOutcome.Kept)));
    }

    [Test]
    public void CallersChooseForEachVariable()
    {
        _library.Load(Compiled.C(Old), "state.o");
        _ = Call("next");
        List<StateMigration> migrated = [];

        Replacement replacement = _library.Replace(Compiled.C(Old), "state.o", new ReplaceOptions
        {
            Choose = name => name switch { "counter" => StatePolicy.Migrate, "text" => StatePolicy.Keep, _ => StatePolicy.Reset },
            Migrate = variable =>
            {
                migrated.Add(variable);
                NativeBytes.At((ulong)variable.NewAddress, 1)[0] =
                    (byte)(NativeBytes.ReadOnlyAt((ulong)variable.OldAddress, 1)[0] + 40);
            },
        });

        Assert.That(migrated.Select(variable => (variable.Name, variable.OldSize, variable.NewSize)), Is.EqualTo([("counter", 4L, 4L)]));
        Assert.That((Call("next"), Call("secret")), Is.EqualTo((42UL, 501UL)));
        Assert.That(Outcome(replacement, "text"), Is.EqualTo(StateOutcome.Kept));
    }

    [Test]
    public void MigrationThatFailsLeavesTheOldGeneration()
    {
        _library.Load(Compiled.C(Old), "state.o");
        ulong counter = _library.Address("counter");

        Assert.That(
            () => _library.Replace(Compiled.C(Old), "state.o", new ReplaceOptions
            {
                State = StatePolicy.Migrate,
                Migrate = _ => throw new NotSupportedException("no"),
            }),
            Throws.TypeOf<NotSupportedException>());

        Assert.That((_library.Address("counter"), Call("next")), Is.EqualTo((counter, 1UL)));
    }

    [Test]
    public void InitializersThatMayOverwriteKeptVariablesNeedAWord()
    {
        const string source = """
            extern "C" int next(); int start(); int value = 0; int other = start(); int start() { __asm__ volatile(""); value = 50; return 1; }
            int next() { return ++value; }
            """;
        _library.Load(Compiled.Cxx(source), "init.o");
        Assert.That(Call("next"), Is.EqualTo(51));

        Assert.That(
            () => _library.Replace(Compiled.Cxx(source), "init.o"),
            Throws.TypeOf<LinkException>().With.Message.Contain("initializers, which may overwrite variables that are kept"));
        Replacement without = _library.Replace(Compiled.Cxx(source), "init.o", new ReplaceOptions { RunInitializers = false });
        Assert.That((without.RanInitializers, Call("next")), Is.EqualTo((false, 52UL)));
        _library.Replace(Compiled.Cxx(source), "init.o", new ReplaceOptions { RunInitializers = true });
        Assert.That(Call("next"), Is.EqualTo(51));
    }

    [TestCase("""__attribute__((constructor)) static void start(void) { __asm__ volatile(""); value = 50; }""")]
    [TestCase("""static void start(void) { value = 50; } __attribute__((section(".ctors"), used)) static void (*first)(void) = start;""")]
    [TestCase("""__asm__(".section .init, \"ax\"; movl $50, value(%rip); .text");""")]
    public void InitializersOfEveryKindMayOverwriteKeptVariables(string initializer)
    {
        const string source = "int value; int next(void) { return ++value; } ";
        _library.Load(Compiled.C(source), "plain.o");
        Assert.That(Call("next"), Is.EqualTo(1));

        Assert.That(
            () => _library.Replace(Compiled.C(source + initializer, "-O2"), "init.o"),
            Throws.TypeOf<LinkException>().With.Message.Contain("initializers, which may overwrite variables that are kept"));

        _library.Replace(Compiled.C(source), "plain.o");
        Assert.That(Call("next"), Is.EqualTo(2));
    }

    [Test]
    public void KeptPointersToConstantsStayValid()
    {
        const string source = """const char *name = "gen-0x5eed"; const char *get(void) { return name; } int f(int x) { return x; }""";
        _library.Load(Compiled.C(source), "name.o");
        for (int i = 0; i < 3; i++)
        {
            _library.Replace(Compiled.C(source), "name.o");
            _library.Reclaim();
        }

        Assert.That(NativeBytes.StringAt(Call("get")).ToArray(), Is.EqualTo("gen-0x5eed"u8.ToArray()));
    }

    [Test]
    public void DestructorsOfKeptVariablesRunOnceAtTheEnd()
    {
        const string source = """
            extern "C" int *count;
            struct Owner { int value = 3; ~Owner() { *count += value; } };
            Owner owner; extern "C" int get() { return owner.value++; }
            """;
        using var counters = new ObjectLibrary("counters");
        counters.Load(Compiled.C("int counter; int *count = &counter;"), "count.o");
        _library.AddLibrary(counters);
        _library.Load(Compiled.Cxx(source), "owner.o");
        for (int i = 0; i < 3; i++)
        {
            Assert.That(Call("get"), Is.EqualTo(3 + i));
            _library.Replace(Compiled.Cxx(source), "owner.o", new ReplaceOptions { RunInitializers = false });
            _library.Reclaim();
        }

        Assert.That((uint)counters.Word("counter"), Is.Zero);
        _library.Unload();
        Assert.That((uint)counters.Word("counter"), Is.EqualTo(6));
    }

    private static StateOutcome Outcome(Replacement replacement, string name) =>
        replacement.State.Single(report => report.Name == name).Outcome;

    private ulong Call(string name) => NativeCall.Call(_library.Address(name));
}
