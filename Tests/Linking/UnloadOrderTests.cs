using ElfLoader.Elf;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Linking;

/// <summary>Units that go together, each before what it needs, however they need one another.</summary>
public sealed class UnloadOrderTests
{
    /// <summary>z needs y, and y is only found to depend on the first unit after z is.</summary>
    [Test]
    public void DependentsThatNeedOneAnotherGoInTheOrderOfTheirNeed([Values] bool redirectable)
    {
        (int, ulong, int) before = LinkTest.Footprint();
        using (var library = new ObjectLibrary("order", new ObjectLibraryOptions { Redirectable = redirectable }))
        {
            LoadedUnit first = library.Load(LinkTest.Variable("a", 1), "a.o");
            library.Load(LinkTest.Pointer("x", "a"), "x.o");
            library.Load(LinkTest.Pointer("y", "x"), "y.o");
            LoadZ(library);

            first.Unload(withDependents: true);

            Assert.That(library.Units, Is.Empty);
            Assert.That(library.Reclaim(), Is.Zero);
        }

        Assert.That(LinkTest.Footprint(), Is.EqualTo(before));
    }

    private static void LoadZ(ObjectLibrary library)
    {
        ElfBuilder elf = new();
        int data = elf.AddWords(".data", 0, 0);
        elf.AddSymbol("z", data, 0, 16, type: SymbolType.Object);
        elf.AddRelocation(data, 0, 1, elf.AddSymbol("a")); // R_X86_64_64
        elf.AddRelocation(data, 8, 1, elf.AddSymbol("y"));
        library.Load(elf, "z.o");
    }
}
