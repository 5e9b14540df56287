using System.Runtime.InteropServices;
using ElfLoader.Tests.Tools;

namespace ElfLoader.Tests.EndToEnd;

/// <summary>Variables that stay an object's own though the process has them: by choice, or because they differ.</summary>
[Category("EndToEnd")]
[NonParallelizable]
public sealed class VagueLinkageOptionTests
{
    private SharedVariables _variables = null!;

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int Adding(int number);

    [SetUp]
    public void SetUp() => _variables = new SharedVariables();

    [TearDown]
    public void TearDown() => _variables.Dispose();

    [Test]
    public void AreTheObjectsOwnByChoice()
    {
        string shared = _variables.SharedLibrary("g++");
        using var library = new ObjectLibrary("private", new ObjectLibraryOptions { VagueLinkage = VagueLinkage.Private });
        library.AddSharedLibrary(shared);
        LoadedUnit unit = library.Load(_variables.Object("g++", "mine", "-fPIC"));
        nint host = NativeLibrary.Load(shared);

        Assert.That(unit.Warnings, Has.Count.EqualTo(1));
        Assert.That(unit.Warnings[0], Does.Contain("plain").And.Contain("libhost.so").And.Contain("VagueLinkage.Private"));
        foreach (string name in SharedVariables.Names)
        {
            Assert.That(
                SharedVariables.AddressOf(library, $"mine_{name}"), Is.Not.EqualTo(SharedVariables.AddressOf(host, $"host_{name}")), name);
        }
    }

    /// <summary>Thread-local ones are not shared, in contrast to what dlopen does, and that is said.</summary>
    [TestCase("-fPIC")]
    [TestCase("-fPIE")]
    public void AreTheObjectsOwnWhereTheyAreThreadLocal(string model)
    {
        using var programs = new ToolPrograms();
        string source = programs.Write("local.cpp", """
            inline thread_local int counted = 1;
            extern "C" int add(int n) { return counted += n; }
            """);
        Command.Check("g++", ["-std=c++17", "-O1", "-shared", "-fPIC", source, "-o", programs.Path("liblocal.so")]);
        Command.Check("g++", ["-std=c++17", "-O1", model, "-c", source, "-o", programs.Path("local.o")]);
        using var library = new ObjectLibrary("local");
        library.AddSharedLibrary(programs.Path("liblocal.so"));
        LoadedUnit unit = library.Load(programs.Path("local.o"));

        Assert.That(library.GetFunction<Adding>("add")(2), Is.EqualTo(3));
        Assert.That(unit.Warnings, Has.Count.EqualTo(1));
        Assert.That(unit.Warnings[0], Does.Contain("'counted'").And.Contain("the host process").And.Contain("thread-local: each has its own"));
    }

    [Test]
    public void AreTheObjectsOwnWhereTheSizeDiffers()
    {
        string shared = _variables.SharedLibrary("g++");
        using var library = new ObjectLibrary("size");
        library.AddSharedLibrary(shared);
        LoadedUnit unit = library.Load(_variables.Object("g++", "mine", "-fPIC", "-DPLAIN=long"));
        nint host = NativeLibrary.Load(shared);

        Assert.That(unit.Warnings, Has.Count.EqualTo(1));
        Assert.That(unit.Warnings[0], Does.Contain("plain").And.Contain("4 bytes").And.Contain("8"));
        Assert.That(SharedVariables.AddressOf(library, "mine_plain"), Is.Not.EqualTo(SharedVariables.AddressOf(host, "host_plain")));
        Assert.That(SharedVariables.AddressOf(library, "mine_member"), Is.EqualTo(SharedVariables.AddressOf(host, "host_member")));
    }

    [Test]
    public void AreTheObjectsOwnWhereTheGuardIsNotShown()
    {
        _variables.Write("exports", $"{{ global: extern \"C++\" {{ {_variables.Space}::*; }}; host_*; made_*; gone_*; local: *; }};");
        string shared = _variables.SharedLibrary("g++", "-Wl,--version-script=" + Path.Combine(_variables.Folder, "exports"));
        using var library = new ObjectLibrary("guard");
        library.AddSharedLibrary(shared);
        LoadedUnit unit = library.Load(_variables.Object("g++", "mine", "-fPIC"));
        nint host = NativeLibrary.Load(shared);

        Assert.That(unit.Warnings, Has.Some.Contains("guard"));
        Assert.That(SharedVariables.AddressOf(library, "mine_plain"), Is.EqualTo(SharedVariables.AddressOf(host, "host_plain")), "no guard");
        Assert.That(
            SharedVariables.AddressOf(library, "mine_constructed"),
            Is.Not.EqualTo(SharedVariables.AddressOf(host, "host_constructed")),
            "it would be constructed twice");
    }

    [Test]
    public void NothingIsLeftOfUnitsThatConstructedOthersVariables()
    {
        string[] objects = [_variables.Compile("g++", "host.cpp", "-fPIC"), _variables.Compile("g++", "counters.cpp", "-fPIC")];
        string mine = _variables.Object("g++", "mine", "-fPIC");
        (int, ulong, int) before = Linking.LinkTest.Footprint();
        foreach (bool ownerFirst in (bool[])[false, true])
        {
            using var first = new ObjectLibrary("first");
            LoadedUnit owner = first.Load(objects);
            using var second = new ObjectLibrary("second");
            second.AddLibrary(first);
            LoadedUnit user = second.Load(mine);
            _ = SharedVariables.AddressOf(second, "mine_local");
            if (ownerFirst)
            {
                Assert.That(() => owner.Unload(), Throws.InvalidOperationException, "the user needs its functions");
            }

            user.Unload();
            Assert.That(user.KeptAliveBy, Has.Some.Contains("uses it"));
            owner.Unload();
            Assert.That(user.KeptAliveBy, Is.Empty);
        }

        Assert.That(Linking.LinkTest.Footprint(), Is.EqualTo(before));
    }

    [Test]
    public void WarningsAreShownByTheCommandLine()
    {
        string shared = _variables.SharedLibrary("g++");
        _variables.Write("main.cpp", "#include \"shared.h\"\nint main() { return plain != 0; }");

        CommandResult result = ElfloadCommand.Run([_variables.Compile("g++", "main.cpp", "-fPIC", "-DPLAIN=long"), shared]);

        Assert.That(result.Status, Is.Zero);
        Assert.That(result.Error, Does.Contain("warning: ").And.Contain("plain"));
    }
}
