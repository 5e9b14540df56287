using ElfLoader.Memory;
using ElfLoader.Tests.Linking;
using ElfLoader.Tests.Runtime;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Redirection;

/// <summary>Libraries that use one another: how they go.</summary>
public sealed class MutualLibrariesTests
{
    /// <summary>A function, a variable with a pointer to another library's, and a static object whose destructor calls across.</summary>
    private const string Source = """
        extern "C" int OTHER(); extern "C" int OTHER_DATA; extern "C" long note;
        extern "C" int MINE_DATA; int MINE_DATA = NUMBER;
        extern "C" int *MINE_POINTER; int *MINE_POINTER = &OTHER_DATA;
        struct Ends { ~Ends(); };
        Ends::~Ends() { note += 1000 * OTHER() + *MINE_POINTER; }
        Ends MINE_ENDS;
        extern "C" int MINE() { return NUMBER; }
        extern "C" int MINE_CALLS() { return OTHER() + *MINE_POINTER; }
        """;

    private static ObjectLibraryOptions Redirectable { get; } = new() { Redirectable = true };

    [Test]
    public void FirstLibraryGoesFirst() => ChildProcess.Check(DisposeFirst);

    [Test]
    public void SecondLibraryGoesFirst() => ChildProcess.Check(DisposeSecond);

    [TestCase(false)]
    [TestCase(true)]
    public void UnloadThatIsRefusedHasUnloadedNothing(bool isRedirectable)
    {
        ObjectLibraryOptions options = Redirectable with { Redirectable = isRedirectable };
        using var library = new ObjectLibrary("used", options);
        using var other = new ObjectLibrary("user", options);
        library.Load(LinkTest.Variable("v", 1), "variable.o");
        library.Load(LinkTest.Returning("f", 1), "function.o");
        other.AddLibrary(library);
        LoadedUnit user = other.Load(LinkTest.Pointer("p", "v"), "pointer.o");

        Assert.That(library.Unload, Throws.InvalidOperationException.With.Message.Contain("pointer.o"));
        Assert.That(library.Dispose, Throws.InvalidOperationException);

        Assert.That((library.Units.Count, NativeCall.Call(library.Address("f"))), Is.EqualTo((2, 1UL)));
        user.Unload();
    }

    /// <summary>In an epoch, nothing can be unloaded that functions are reached through entries of.</summary>
    [Test]
    public void UnloadWithDependentsThatIsRefusedHasUnloadedNothing()
    {
        using var library = new ObjectLibrary("used", Redirectable);
        using var other = new ObjectLibrary("user");
        LoadedUnit unit = library.Load(LinkTest.Variable("v", 1), "variable.o");
        other.AddLibrary(library);
        LoadedUnit user = other.Load(LinkTest.Pointer("p", "v"), "pointer.o");
        using (Epoch.Enter())
        {
            Assert.Throws<InvalidOperationException>(() => unit.Unload(withDependents: true));
            Assert.That((unit.IsLoaded, user.IsLoaded), Is.EqualTo((true, true)));
        }

        unit.Unload(withDependents: true);
        Assert.That((unit.IsLoaded, user.IsLoaded), Is.EqualTo((false, false)));
    }

    private static void DisposeFirst() => Run(isFirst: true);

    private static void DisposeSecond() => Run(isFirst: false);

    private static void Run(bool isFirst)
    {
        ulong log = HostProcess.Data();
        (int, ulong, int) before = LinkTest.Footprint();
        var first = new ObjectLibrary("first", Redirectable);
        var second = new ObjectLibrary("second", Redirectable);
        first.DefineData("note", (nint)log);
        second.DefineData("note", (nint)log);
        first.AddLibrary(second);
        second.AddLibrary(first);
        first.Load(Compiled.C("int base_data = 1; int base(void) { return 1; }"), "base.o");
        second.Load(Of("b", "base", 2), "b.o");
        first.Load(Of("a", "b", 3), "a.o");
        Assert.That((Call(second, "b_calls"), Call(first, "a_calls")), Is.EqualTo((2, 4)));
        ulong stillThere = isFirst ? second.Address("b_calls") : first.Address("a_calls");

        (isFirst ? first : second).Dispose();

        Assert.That((int)NativeCall.Call(stillThere), Is.EqualTo(isFirst ? 2 : 4), "what the other needs can be called");
        (isFirst ? second : first).Dispose();
        Assert.That(NativeBytes.LoadWord(log), Is.EqualTo(1001UL + 2002UL), "each destructor ran once");
        Assert.That(LinkTest.Footprint(), Is.EqualTo(before));
    }

    private static byte[] Of(string mine, string other, int number) => Compiled.Cxx(
        Source.Replace("MINE", mine).Replace("OTHER", other).Replace("NUMBER", $"{number}")
            .Replace("_DATA", "_data").Replace("_POINTER", "_pointer").Replace("_ENDS", "_ends").Replace("_CALLS", "_calls"));

    private static int Call(ObjectLibrary library, string name) => (int)NativeCall.Call(library.Address(name));
}
