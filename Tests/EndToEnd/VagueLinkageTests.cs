using System.Runtime.InteropServices;
using ElfLoader.Memory;

namespace ElfLoader.Tests.EndToEnd;

/// <summary>Variables that every object which uses them brings: there is one of each in a process, as with <c>dlopen</c>.</summary>
[Category("EndToEnd")]
[NonParallelizable]
public sealed class VagueLinkageTests
{
    private SharedVariables _variables = null!;

    [SetUp]
    public void SetUp() => _variables = new SharedVariables();

    [TearDown]
    public void TearDown() => _variables.Dispose();

    [TestCase("g++", "g++")]
    [TestCase("g++", "clang++-19")]
    [TestCase("clang++-19", "g++")]
    [TestCase("clang++-14", "clang++-14")]
    public void AreThoseOfASharedLibraryThatWasAdded(string hostCompiler, string compiler)
    {
        string shared = _variables.SharedLibrary(hostCompiler);
        using var library = new ObjectLibrary("shared");
        library.AddSharedLibrary(shared);
        library.Load(_variables.Object(compiler, "mine", "-fPIC"));
        nint host = NativeLibrary.Load(shared);

        AssertSame(host, library);
        Assert.That(Times(host, "times_made"), Is.EqualTo(OneEach), "constructions");
        Assert.That(Times(host, "times_gone"), Is.All.Zero, "destructions");
    }

    [Test]
    public void AreThoseOfTheGlobalScope()
    {
        string shared = _variables.SharedLibrary("clang++-19"); // weak, so that only the scope counts
        SharedVariables.Open(shared, isGlobal: true);
        using var library = new ObjectLibrary("global");
        library.Load(_variables.Object("clang++-19", "mine", "-fPIC"));

        AssertSame(NativeLibrary.Load(shared), library);
    }

    [Test]
    public void AreThoseOfAnyModuleWhereTheyAreUnique()
    {
        string shared = _variables.SharedLibrary("g++"); // STB_GNU_UNIQUE
        SharedVariables.Open(shared, isGlobal: false);
        nint host = NativeLibrary.Load(shared);
        using var library = new ObjectLibrary("unique");
        library.Define($"made_{_variables.Space}", NativeLibrary.GetExport(host, $"made_{_variables.Space}"));
        library.Define($"gone_{_variables.Space}", NativeLibrary.GetExport(host, $"gone_{_variables.Space}"));
        library.Load(_variables.Object("g++", "mine", "-fPIC"));

        AssertSame(host, library);
    }

    [Test]
    public void WeakOnesOfAModuleThatNobodySearchesAreNot()
    {
        string shared = _variables.SharedLibrary("clang++-19");
        SharedVariables.Open(shared, isGlobal: false);
        nint host = NativeLibrary.Load(shared);
        using var library = new ObjectLibrary("apart");
        library.Define($"made_{_variables.Space}", NativeLibrary.GetExport(host, $"made_{_variables.Space}"));
        library.Define($"gone_{_variables.Space}", NativeLibrary.GetExport(host, $"gone_{_variables.Space}"));
        library.Load(_variables.Object("clang++-19", "mine", "-fPIC"));

        foreach (string name in SharedVariables.Names)
        {
            Assert.That(
                SharedVariables.AddressOf(library, $"mine_{name}"), Is.Not.EqualTo(SharedVariables.AddressOf(host, $"host_{name}")), name);
        }
    }

    [Test]
    public void HiddenOnesAreEachItsOwn()
    {
        string shared = _variables.SharedLibrary("g++");
        using var library = new ObjectLibrary("hidden");
        library.AddSharedLibrary(shared);
        library.Load(_variables.Object("g++", "mine", "-fPIC", "-fvisibility=hidden"));
        nint host = NativeLibrary.Load(shared);

        Assert.That(SharedVariables.AddressOf(library, "mine_plain"), Is.Not.EqualTo(SharedVariables.AddressOf(host, "host_plain")));
    }

    [TestCase("g++")]
    [TestCase("clang++-19")]
    public void AreThoseOfALinkedLibrary(string compiler)
    {
        using var first = new ObjectLibrary("first");
        first.Load(_variables.Compile(compiler, "host.cpp", "-fPIC"), _variables.Compile(compiler, "counters.cpp", "-fPIC"));
        using var second = new ObjectLibrary("second");
        second.AddLibrary(first);
        LoadedUnit unit = second.Load(_variables.Object(compiler, "mine", "-fPIC"));

        foreach (string name in SharedVariables.Names)
        {
            nint mine = SharedVariables.AddressOf(second, $"mine_{name}"); // it is the first to use local()
            Assert.That(mine, Is.EqualTo(SharedVariables.AddressOf(first, $"host_{name}")), name);
        }

        SharedVariables.Count gone = first.GetFunction<SharedVariables.Count>("times_gone");
        unit.Unload();
        Assert.That(Enumerable.Range(1, 4).Select(which => gone(which)), Is.All.Zero, "the variables live on");
    }

    [Test]
    public void AreFoundAsExportsOfTheLibraryThatSharesThem()
    {
        string shared = _variables.SharedLibrary("g++");
        using var library = new ObjectLibrary("exports");
        library.AddSharedLibrary(shared);
        LoadedUnit unit = library.Load(_variables.Object("g++", "mine", "-fPIC"));

        Assert.That(library.GetExport(Plain), Is.EqualTo(SharedVariables.AddressOf(library, "mine_plain")));
        Assert.That(library.GetExport(Plain), Is.EqualTo(
            NativeLibrary.GetExport(NativeLibrary.Load(shared), Plain)));
        unit.Unload();
        Assert.That(library.TryGetExport(Plain, out _), Is.False);
    }

    [Test]
    public void LiveOnWhenWhoConstructedThemIsUnloaded()
    {
        string shared = _variables.SharedLibrary("g++");
        nint host = NativeLibrary.Load(shared);
        using var library = new ObjectLibrary("constructs");
        library.AddSharedLibrary(shared);
        LoadedUnit unit = library.Load(_variables.Object("g++", "mine", "-fPIC"));
        nint local = SharedVariables.AddressOf(library, "mine_local"); // constructs it
        unit.Unload();

        Assert.That(Times(host, "times_gone"), Is.All.Zero);
        Assert.That(SharedVariables.AddressOf(host, "host_local"), Is.EqualTo(local));
        Assert.That(Times(host, "times_made"), Is.EqualTo(OneEach));
        Assert.That(library.Reclaim(), Is.EqualTo(1), "its code has the destructor");
    }

    [Test]
    public void StayTheSameWhenTheirCodeIsReplaced()
    {
        _variables.Write("one.cpp", "inline int counter = 5; extern \"C\" int *host() { return &counter; }");
        string shared = _variables.Compile("g++", "one.cpp", "-fPIC");
        Command.Check("g++", ["-shared", shared, "-o", shared + ".so"]);
        _variables.Write("two.cpp", "inline int counter = 5; extern \"C\" int *mine() { return &counter; }");
        _variables.Write("three.cpp", "inline int counter = 5; extern \"C\" int *mine() { ++counter; return &counter; }");
        using var library = new ObjectLibrary("replaced", new ObjectLibraryOptions { Redirectable = true });
        library.AddSharedLibrary(shared + ".so");
        nint host = SharedVariables.AddressOf(NativeLibrary.Load(shared + ".so"), "host");
        LoadedUnit old = library.Load(_variables.Compile("g++", "two.cpp", "-fPIC"));
        SharedVariables.Address mine = library.GetFunction<SharedVariables.Address>("mine");

        Assert.That(mine(), Is.EqualTo(host));
        Replacement replacement = library.Replace(_variables.Compile("g++", "three.cpp", "-fPIC"));
        Assert.That(mine(), Is.EqualTo(host));
        Assert.That(Marshal.ReadInt32(host), Is.EqualTo(6));
        Assert.That(old.IsLoaded, Is.False, "nothing of it is in use");
        replacement.Undo();
        Assert.That(mine(), Is.EqualTo(host));
        Assert.That(library.GetExport("counter"), Is.EqualTo(host));
    }

    [Test]
    public void OutOfReachAreRefusedWithTheFlagThatHelps()
    {
        string shared = _variables.SharedLibrary("g++");
        using var library = new ObjectLibrary("low", new ObjectLibraryOptions { Placement = MemoryPlacement.Low });
        library.AddSharedLibrary(shared);

        LinkException refusal = Assert.Throws<LinkException>(() => library.Load(_variables.Object("g++", "mine", "-fPIE")))!;

        Assert.That(refusal.Message, Does.Contain("-fPIC").And.Contain("libhost.so"));
    }

    [TestCase("g++", "-fPIC")]
    [TestCase("clang++-19", "-fPIC")]
    public void AProgramAndItsLibraryConstructAndDestroyEachOnce(string compiler, string flag)
    {
        _variables.Write("counters.cpp", """
            #include "shared.h"
            #include <cstdio>
            extern "C" void made(int which) { std::printf("made %d\n", which); }
            extern "C" void gone(int which) { std::printf("gone %d\n", which); }
            """);
        string shared = _variables.SharedLibrary(compiler);
        _variables.Write("main.cpp", """
            #include "shared.h"
            #include <cstdio>
            extern "C" { void *host_plain(); void *host_local(); void *host_constructed(); void *host_member(); void *host_object(); }
            int main() {
                std::printf("%d%d%d%d%d\n", &local() == host_local(), &plain == host_plain(), &constructed == host_constructed(),
                    &Holder<int>::member == host_member(), &Holder<long>::object == host_object());
                return 0;
            }
            """);
        string main = _variables.Compile(compiler, "main.cpp", flag);
        string native = Path.Combine(_variables.Folder, "native");
        Command.Check(compiler, [main, shared, "-Wl,-rpath," + _variables.Folder, "-o", native]);
        string[] expected = [.. Command.Check(native, []).Split('\n').Order()];

        CommandResult result = ElfloadCommand.Run([main, shared]);

        Assert.That(result.Error, Is.Empty);
        Assert.That(result.Output.Split('\n').Order(), Is.EqualTo(expected));
    }

    private string Plain => $"_ZN{_variables.Space.Length}{_variables.Space}5plainE";

    private static IEnumerable<int> OneEach => [1, 1, 0, 1];

    private static void AssertSame(nint host, ObjectLibrary library)
    {
        foreach (string name in SharedVariables.Names)
        {
            Assert.That(
                SharedVariables.AddressOf(library, $"mine_{name}"), Is.EqualTo(SharedVariables.AddressOf(host, $"host_{name}")), name);
        }
    }

    /// <summary>How often each object was: <c>constructed</c>, <c>local()</c>, none, <c>object</c>.</summary>
    private static int[] Times(nint host, string function)
    {
        var count = Marshal.GetDelegateForFunctionPointer<SharedVariables.Count>(
            NativeLibrary.GetExport(host, function));
        return [.. Enumerable.Range(1, 4).Select(which => count(which))];
    }
}
