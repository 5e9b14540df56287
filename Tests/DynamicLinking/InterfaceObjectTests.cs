using ElfLoader.DynamicLinking;
using ElfLoader.Loading;
using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Redirection;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.DynamicLinking;

/// <summary>The native half of the dynamic linker's interface, and what it reads.</summary>
[NonParallelizable]
public sealed class InterfaceObjectTests
{
    [Test]
    public void ObjectIsWhatTheCompilerMakesOfTheSource()
    {
        string folder = Path.Combine(Fixtures.Root, "Loader", "DynamicLinking");
        if (!Command.Exists("gcc-12") || !Command.Check("gcc-12", ["--version"]).Contains("12.2.0"))
        {
            Assert.Ignore("needs gcc-12 12.2.0");
        }

        string command = File.ReadLines(Path.Combine(folder, "Interface.c"))
            .First(line => line.StartsWith("//   gcc-12 ", StringComparison.Ordinal))[2..].Trim();
        using var output = new TemporaryFolder();
        Command.Check("bash", ["-c", $"{command} -o {output.File("Interface.o")}"], folder);

        Assert.That(
            File.ReadAllBytes(output.File("Interface.o")), Is.EqualTo(File.ReadAllBytes(Path.Combine(folder, "Interface.o"))));
    }

    /// <summary>Units that were linked before anybody asked have no header; what is told of them must be the same.</summary>
    [Test]
    public void UnitsWithoutAHeaderAreDescribedAlike()
    {
        const string source = """
            #define _GNU_SOURCE
            #include <link.h>
            __thread int own = 5; __thread char zeros[100]; int data = 1, more[1000];
            int asks(void) { return dl_iterate_phdr(0, 0); }
            """;
        using var library = new ObjectLibrary("described");
        LoadedUnit unit = library.Load(Compiled.C(source, "-O2 -fPIC"), "described.o");
        ref UnitResources resources = ref unit.Resources;
        Assert.That(resources.Listing, Is.Not.Null);

        UnitSegments described = LinkerInterface.Describe(unit);

        Assert.That(described.Loads, Is.EqualTo(resources.Listing!.Segments.Loads));
        Assert.That(described.Others, Is.EqualTo(resources.Listing.Segments.Others), "thread-local storage");
        Assert.That(described.UnwindTable, Is.Not.Zero.And.EqualTo(resources.Listing.Segments.UnwindTable));
    }
}
