using System.Runtime.InteropServices;

namespace ElfLoader.Tests.EndToEnd;

/// <summary>Static variables of inline functions that several units of one library bring.</summary>
[Category("EndToEnd")]
[NonParallelizable]
public sealed class VagueLinkageOfUnitsTests
{
    private const int Constructed = 7;

    private const string Header = """
        struct S { int v = 7; ~S() { *(volatile int *)&v = -1; } };
        inline S &one() { static S s; return s; }
        inline S &many() { static S s[2]; return s[1]; }

        """;

    private readonly TemporaryFolder _folder = new();

    [OneTimeTearDown]
    public void TearDown() => _folder.Dispose();

    [TestCase("g++", "one")]
    [TestCase("clang++-19", "one")]
    [TestCase("g++", "many")]
    [TestCase("clang++-19", "many")]
    public void LiveOnWhenTheUnitThatConstructedThemIsUnloaded(string compiler, string function)
    {
        (int, ulong, int) before = Linking.LinkTest.Footprint();
        using (var library = new ObjectLibrary("units"))
        {
            LoadedUnit owner = library.Load(User(compiler, function, "a"));
            LoadedUnit user = library.Load(User(compiler, function, "b"));
            nint variable = SharedVariables.AddressOf(library, "b");

            user.Unload();

            Assert.That(SharedVariables.AddressOf(library, "a"), Is.EqualTo(variable));
            Assert.That(Marshal.ReadInt32(variable), Is.EqualTo(Constructed));
            Assert.That(user.KeptAliveBy, Is.Not.Empty, "it has the destructor");
            owner.Unload();
            Assert.That(user.KeptAliveBy, Is.Empty);
            Assert.That(library.Reclaim(), Is.Zero);
        }

        Assert.That(Linking.LinkTest.Footprint(), Is.EqualTo(before));
    }

    [Test]
    public void GoWithTheLastUnitWhereTheirOwnerIsUnloadedFirst()
    {
        (int, ulong, int) before = Linking.LinkTest.Footprint();
        using (var library = new ObjectLibrary("owner first"))
        {
            LoadedUnit owner = library.Load(User("g++", "one", "a"));
            LoadedUnit user = library.Load(User("g++", "one", "b"));
            nint variable = SharedVariables.AddressOf(library, "b");

            owner.Unload();

            Assert.That(SharedVariables.AddressOf(library, "b"), Is.EqualTo(variable));
            Assert.That(Marshal.ReadInt32(variable), Is.EqualTo(Constructed));
            user.Unload();
            Assert.That(owner.KeptAliveBy, Is.Empty);
            Assert.That(user.KeptAliveBy, Is.Empty);
            Assert.That(library.Reclaim(), Is.Zero);
        }

        Assert.That(Linking.LinkTest.Footprint(), Is.EqualTo(before));
    }

    /// <summary>An object with a function that tells where the variable is, into which the inline function has gone.</summary>
    private string User(string compiler, string function, string name)
    {
        string source = _folder.File($"{function}_{name}.cpp");
        string output = Path.ChangeExtension(source, ".o");
        File.WriteAllText(source, $"{Header}extern \"C\" void *{name}() {{ return &{function}(); }}");
        Command.Check(compiler, ["-std=c++17", "-O2", "-fPIC", "-c", source, "-o", output]);
        return output;
    }
}
