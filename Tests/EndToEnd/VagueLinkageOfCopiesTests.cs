namespace ElfLoader.Tests.EndToEnd;

/// <summary>Units that bring a copy of the library that has their variables of vague linkage, and such as only seem to.</summary>
[Category("EndToEnd")]
[NonParallelizable]
public sealed class VagueLinkageOfCopiesTests
{
    private static int s_names;

    private readonly TemporaryFolder _folder = new();

    [OneTimeTearDown]
    public void TearDown() => _folder.Dispose();

    [TestCase("int config = 1;", "int config = 2;", true)]
    [TestCase("HIDDEN int config = 1;", "int config = 2;", false)]
    [TestCase("int config = 1;", "HIDDEN int config = 2;", false)]
    [TestCase("long config = 1;", "int config = 2;", false)]
    public void KeepTheirVariablesAndAreWarnedOfOnce(string theirs, string mine, bool isCopy)
    {
        foreach (bool isHost in (bool[])[false, true])
        {
            string name = $"counter{Interlocked.Increment(ref s_names)}"; // of its own: libraries of the host stay
            string provider = Compile(name, "theirs", theirs);
            using var first = new ObjectLibrary("first");
            using var second = new ObjectLibrary("second");
            nint there;
            if (isHost)
            {
                Command.Check("g++", ["-shared", provider, "-o", provider + ".so"]);
                second.AddSharedLibrary(provider + ".so");
                there = SharedVariables.AddressOf(System.Runtime.InteropServices.NativeLibrary.Load(provider + ".so"), "theirs");
            }
            else
            {
                first.Load(provider);
                second.AddLibrary(first);
                there = SharedVariables.AddressOf(first, "theirs");
            }

            LoadedUnit unit = second.Load(Compile(name, "mine", mine));

            string place = isHost ? "host" : "linked library";
            Assert.That(SharedVariables.AddressOf(second, "mine") == there, Is.Not.EqualTo(isCopy), place);
            Assert.That(unit.Warnings, Has.Count.EqualTo(isCopy ? 1 : 0), place);
            Assert.That(unit.Warnings, isCopy ? Has.All.Contains($"'{name}'").And.All.Contains("'config'") : Is.Empty, place);
        }
    }

    /// <summary>A static library is linked to be a copy: members keep their variables, and nobody is warned.</summary>
    [TestCase(false)]
    [TestCase(true)]
    public void AreNotWarnedOfWhereAnArchiveProvidedThem(bool isOfEarlierUnit)
    {
        string name = $"counter{Interlocked.Increment(ref s_names)}";
        using var first = new ObjectLibrary("first");
        first.Load(Compile(name, "theirs", "int config = 1;"));
        using var second = new ObjectLibrary("second");
        second.AddLibrary(first);
        string archive = _folder.File($"{name}.a");
        Command.Check("ar", ["rc", archive, Compile(name, "mine", "int config = 2;")]);
        second.AddArchive(archive);

        LoadedUnit unit = second.Load(Compile($"{name}_user", "user", "extern \"C\" void *mine(); void *use() { return mine(); }"));
        if (isOfEarlierUnit)
        {
            unit = second.Load(Compile(name, "again", "extern int config; int other() { return config; }"));
        }

        Assert.That(SharedVariables.AddressOf(second, "mine"), Is.Not.EqualTo(SharedVariables.AddressOf(first, "theirs")));
        Assert.That(unit.Warnings, Is.Empty);
    }

    /// <summary>An object with a variable of vague linkage, a function that tells where it is, and more.</summary>
    private string Compile(string variable, string function, string more)
    {
        string source = _folder.File($"{variable}_{function}.cpp");
        string output = Path.ChangeExtension(source, ".o");
        File.WriteAllText(source, $$"""
            #define HIDDEN __attribute__((visibility("hidden")))
            inline int {{variable}} = 5;
            {{more}}
            extern "C" void *{{function}}() { return &{{variable}}; }
            """);
        Command.Check("g++", ["-std=c++17", "-O1", "-fPIC", "-c", source, "-o", output]);
        return output;
    }
}
