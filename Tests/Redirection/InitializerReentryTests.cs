using ElfLoader.Elf;
using ElfLoader.Memory;
using ElfLoader.Tests.Linking;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Redirection;

/// <summary>What initializers, and callbacks of a replacement, may do in the library that they are loaded into.</summary>
public sealed class InitializerReentryTests
{
    private const string Starts = """
        void callback(void);
        static int starts; extern int total;
        __attribute__((constructor)) static void start(void) { ++starts; ++total; callback(); }
        int f(void) { return 100 * NUMBER + starts; }
        """;

    private static ObjectLibraryOptions Redirectable { get; } = new() { Redirectable = true };

    private delegate void Callback();

    [TestCase(false)]
    [TestCase(true)]
    public void InitializersFindWhatTheirUnitDefines(bool isRedirectable)
    {
        using var library = new ObjectLibrary("starts", Redirectable with { Redirectable = isRedirectable });
        nint function = 0;
        nint variable = 0;
        bool isFoundElsewhere = true;
        ulong result = 0;
        library.Define("callback", (Callback)(() =>
        {
            function = library.GetExport("own");
            variable = library.GetExport("variable");
            result = NativeCall.Call((ulong)function);
            Assert.That(library.TryGetExport("hidden", out _), Is.False);
            var thread = new Thread(() => isFoundElsewhere = library.TryGetExport("own", out _));
            thread.Start();
            thread.Join();
        }));

        library.Load(
            Compiled.C("""
                void callback(void); int variable = 5; __attribute__((visibility("hidden"))) int hidden;
                __attribute__((constructor)) static void start(void) { callback(); }
                int own(void) { return variable + hidden; }
                """),
            "starts.o");

        Assert.That((function, variable), Is.EqualTo((library.GetExport("own"), library.GetExport("variable"))));
        Assert.That((result, isFoundElsewhere), Is.EqualTo((5UL, false)));
    }

    /// <summary>As for the symbols of a shared library: a weak definition gives way to one that is strong.</summary>
    [Test]
    public void InitializersFindTheirStrongDefinitionRatherThanAWeakOne()
    {
        using var library = new ObjectLibrary("starts");
        library.Load(LinkTest.Returning("own", 1, SymbolBinding.Weak), "weak.o");
        ulong result = 0;
        library.Define("callback", (Callback)(() => result = NativeCall.Call(library.Address("own"))));

        library.Load(
            Compiled.C("void callback(void); int own(void) { return 2; } __attribute__((constructor)) void start(void) { callback(); }"),
            "strong.o");

        Assert.That(result, Is.EqualTo(2UL));
    }

    [Test]
    public void ReplacementFromAnInitializerIsRefused() => ChildProcess.Check(ReplaceInInitializer);

    [Test]
    public void UndoAndUnloadFromAnInitializerAreRefused() => ChildProcess.Check(UndoAndUnloadInInitializer);

    [Test]
    public void ReplacementWhoseInitializersLoadIsMadeOnce() => ChildProcess.Check(LoadInInitializer);

    [Test]
    public void ReplacementWhoseInitializersDefineTheSameIsRefusedOnce() => ChildProcess.Check(DefineTheSameInInitializer);

    [Test]
    public void MigrationCallbackChangesNothingElse() => ChildProcess.Check(ChangeInMigration);

    private static void ReplaceInInitializer()
    {
        Exception? refused = null;
        using ObjectLibrary library = Library(library =>
            refused ??= Assert.Catch(() => library.Replace(LinkTest.Returning("g", 2).Build(), "nested.o")));

        library.Replace(Source(1), "first.o");

        Assert.That(refused, Is.TypeOf<InvalidOperationException>().With.Message.Contain("Replace").And.Message.Contain("first.o"));
        Assert.That((Call(library, "f"), Call(library, "g"), library.Word("total")), Is.EqualTo((101, 1, 1UL)));
        library.Replace(LinkTest.Returning("g", 2).Build(), "later.o");
        Assert.That(Call(library, "g"), Is.EqualTo(2));
    }

    private static void UndoAndUnloadInInitializer()
    {
        List<Exception?> refused = [];
        Replacement? last = null;
        using ObjectLibrary library = Library(library =>
        {
            if (last is { } replacement)
            {
                refused.Add(Assert.Catch(() => replacement.Undo()));
                refused.Add(Assert.Catch(replacement.Unit.Unload));
                refused.Add(Assert.Catch(library.Unload));
                refused.Add(Assert.Catch(library.Dispose));
            }
        });
        last = library.Replace(LinkTest.Returning("g", 3).Build(), "later.o");

        library.Replace(Source(1), "first.o");

        Assert.That(refused, Has.Count.EqualTo(4));
        Assert.That(refused, Is.All.TypeOf<InvalidOperationException>());
        Assert.That((Call(library, "f"), Call(library, "g"), library.Word("total")), Is.EqualTo((101, 3, 1UL)));
    }

    private static void LoadInInitializer()
    {
        using ObjectLibrary library = Library(library => library.Load(LinkTest.Returning("nested", 4), "nested.o"));

        library.Replace(Source(1), "first.o");

        Assert.That((Call(library, "f"), Call(library, "nested"), library.Word("total")), Is.EqualTo((101, 4, 1UL)));
    }

    private static void DefineTheSameInInitializer()
    {
        using ObjectLibrary library = Library(library => library.Load(LinkTest.Returning("f", 4), "nested.o"));

        LinkException exception = Assert.Throws<LinkException>(() => library.Replace(Source(1), "first.o"))!;

        Assert.That(exception.Message, Does.Contain("first.o"));
        Assert.That((Call(library, "f"), library.Word("total")), Is.EqualTo((4, 1UL)));
    }

    private static void ChangeInMigration()
    {
        List<Exception?> refused = [];
        using ObjectLibrary library = Library(_ => { });
        LoadedUnit other = library.Load(LinkTest.Returning("other", 9), "other.o");
        library.Load(Compiled.C("int state = 5; int get(void) { return state; }"), "state.o");
        Replacement last = library.Replace(LinkTest.Returning("g", 2).Build(), "last.o");
        byte[] next = Compiled.C("long state = 7; int get(void) { return 2 * state; }");

        library.Replace(
            [ElfObject.Read(next, "next.o")],
            new ReplaceOptions
            {
                State = StatePolicy.Migrate,
                Migrate = _ =>
                {
                    refused.Add(Assert.Catch(() => library.Replace(LinkTest.Returning("g", 3).Build(), "nested.o")));
                    refused.Add(Assert.Catch(() => library.Load(LinkTest.Returning("h", 3), "nested.o")));
                    refused.Add(Assert.Catch(() => last.Undo()));
                    refused.Add(Assert.Catch(other.Unload));
                },
            });

        Assert.That(refused, Has.Count.EqualTo(4));
        Assert.That(refused, Is.All.TypeOf<InvalidOperationException>());
        Assert.That((Call(library, "g"), Call(library, "get"), Call(library, "other")), Is.EqualTo((2, 14, 9)));
        using (Epoch.Enter())
        {
            Assert.That(Call(library, "g"), Is.EqualTo(2), "and the gate is open");
        }
    }

    /// <summary>A library with g, which is 1, and with what the initializers call.</summary>
    private static ObjectLibrary Library(Action<ObjectLibrary> callback)
    {
        var library = new ObjectLibrary("starts", Redirectable);
        library.Load(Compiled.C("int total[2];"), "total.o");
        library.Load(LinkTest.Returning("g", 1), "g.o");
        library.Define("callback", (Callback)(() => callback(library)));
        return library;
    }

    private static byte[] Source(int number) => Compiled.C(Starts, $"-O2 -fPIC -DNUMBER={number}");

    private static int Call(ObjectLibrary library, string name) => (int)NativeCall.Call(library.Address(name));
}
