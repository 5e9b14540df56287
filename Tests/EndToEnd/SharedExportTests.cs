
namespace ElfLoader.Tests.EndToEnd;

/// <summary>
/// Variables that units of a library share with the outside are exports of the library while any of these units is loaded, in
/// whatever order they go.
/// </summary>
[Category("EndToEnd")]
[NonParallelizable]
public sealed class SharedExportTests
{
    private SharedVariables _variables = null!;

    [SetUp]
    public void SetUp() => _variables = new SharedVariables();

    [TearDown]
    public void TearDown() => _variables.Dispose();

    private string Plain => $"_ZN{_variables.Space.Length}{_variables.Space}5plainE";

    [Test]
    public void StayUntilTheLastUnitThatSharesThemGoes(
        [Values("0 1 2", "0 2 1", "1 0 2", "2 1 0")] string order, [Values] bool redirectable, [Values] bool ofLinkedLibrary)
    {
        using var provider = new ObjectLibrary("provider");
        using var library = new ObjectLibrary("sharers", new ObjectLibraryOptions { Redirectable = redirectable });
        if (ofLinkedLibrary)
        {
            provider.Load(_variables.Compile("g++", "host.cpp", "-fPIC"), _variables.Compile("g++", "counters.cpp", "-fPIC"));
            library.AddLibrary(provider);
        }
        else
        {
            library.AddSharedLibrary(_variables.SharedLibrary("g++"));
        }

        string[] prefixes = ["one", "two", "three"];
        LoadedUnit[] units = [.. prefixes.Select(prefix => library.Load(_variables.Object("g++", prefix, "-fPIC")))];
        nint plain = library.GetExport(Plain);
        int[] going = [.. order.Split(' ').Select(int.Parse)];

        foreach (int last in going)
        {
            Assert.That(library.GetExport(Plain), Is.EqualTo(plain));
            Assert.That(SharedVariables.AddressOf(library, $"{prefixes[last]}_plain"), Is.EqualTo(plain));
            units[last].Unload();
        }

        Assert.That(library.TryGetExport(Plain, out _), Is.False);
        LoadedUnit again = library.Load(_variables.Object("g++", "again", "-fPIC"));
        Assert.That(library.GetExport(Plain), Is.EqualTo(SharedVariables.AddressOf(library, "again_plain")));
        again.Unload();
        Assert.That(library.TryGetExport(Plain, out _), Is.False);
    }

    [Test]
    public void AreNotThoseOfUnitsThatOnlyReferToThem()
    {
        _variables.Write("user.cpp", $"namespace {_variables.Space} {{ extern int plain; }} int *user() {{ return &{_variables.Space}::plain; }}");
        using var library = new ObjectLibrary("user");
        library.AddSharedLibrary(_variables.SharedLibrary("g++"));
        LoadedUnit sharer = library.Load(_variables.Object("g++", "one", "-fPIC"));
        library.Load(_variables.Compile("g++", "user.cpp", "-fPIC"));
        Assert.That(library.TryGetExport(Plain, out _), Is.True);

        sharer.Unload();

        Assert.That(library.TryGetExport(Plain, out _), Is.False);
    }

    [Test]
    public void StayWhenWhoTookTheirPlaceGoes()
    {
        using var library = new ObjectLibrary("replaced", new ObjectLibraryOptions { Redirectable = true });
        library.AddSharedLibrary(_variables.SharedLibrary("g++"));
        library.Load(_variables.Object("g++", "one", "-fPIC"));
        LoadedUnit other = library.Load(_variables.Object("g++", "two", "-fPIC"));
        nint plain = library.GetExport(Plain);
        Replacement replacement = library.Replace(_variables.Object("g++", "one", "-fPIC"));
        Assert.That(library.GetExport(Plain), Is.EqualTo(plain));

        replacement.Unit.Unload();
        Assert.That(library.GetExport(Plain), Is.EqualTo(plain));
        other.Unload();

        Assert.That(library.TryGetExport(Plain, out _), Is.False);
    }
}
