using ElfLoader.Elf;
using ElfLoader.Memory;
using ElfLoader.Tests.Linking;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Redirection;

/// <summary>Symbols of code without a type, as nasm leaves them: functions to whoever redirects them.</summary>
[NonParallelizable]
public sealed class UntypedFunctionTests
{
    private const string User = "int fun(void); int (*pointer)(void) = fun; int use(void) { return fun() * 10 + pointer(); }";

    [TestCase(SymbolBinding.Global)]
    [TestCase(SymbolBinding.Weak)]
    public void IsReplacedForItsCallers(SymbolBinding binding)
    {
        using var library = new ObjectLibrary("untyped", new ObjectLibraryOptions { Redirectable = true });
        library.Load(Untyped("fun", 1, binding));
        library.Load(Compiled.C(User), "use.o");
        ulong address = library.Address("fun");
        Assert.That(Call(library, "use"), Is.EqualTo(11));

        Replacement replacement = library.Replace(Untyped("fun", 2, binding).Build(), "two.o");

        Assert.That((string.Join(' ', replacement.Redirected), replacement.Added.Count), Is.EqualTo(("fun", 0)));
        Assert.That((Call(library, "use"), Call(library, "fun"), library.Address("fun")), Is.EqualTo((22, 2, address)));
        replacement.Undo();
        Assert.That(Call(library, "use"), Is.EqualTo(11));
    }

    [Test]
    public void TakesThePlaceOfATypedOneAndTheOtherWayRound()
    {
        using var library = new ObjectLibrary("untyped", new ObjectLibraryOptions { Redirectable = true });
        library.Load(LinkTest.Returning("fun", 1));
        library.Load(Compiled.C(User), "use.o");
        library.Replace(Untyped("fun", 2).Build(), "two.o");
        int second = Call(library, "use");
        library.Replace(LinkTest.Returning("fun", 3).Build(), "three.o");

        Assert.That((second, Call(library, "use")), Is.EqualTo((22, 33)));
    }

    [TestCase(false)]
    [TestCase(true)]
    public void IsLoadedWhenItIsCalledFirst(bool isRedirectable)
    {
        using var library = new ObjectLibrary("untyped", new ObjectLibraryOptions { Redirectable = isRedirectable });
        LazyDefinition lazy = library.DefineLazy(["fun"], () => Untyped("fun", 4).Build());
        library.Load(Compiled.C(User), "use.o");

        Assert.That((lazy.IsMaterialized, Call(library, "use"), lazy.IsMaterialized), Is.EqualTo((false, 44, true)));
    }

    /// <summary>A label where a section ends is no function, nor is one in data: they are where they are.</summary>
    [Test]
    public void LabelsOfEndsAndOfDataStayWhereTheyAre()
    {
        ElfBuilder elf = Untyped("fun", 1);
        elf.AddSymbol("fun_end", 1, 6);
        int data = elf.AddWords(".data", 5, 6);
        elf.AddSymbol("label", data, 8);
        elf.AddRelocation(data, 0, 24, elf.AddSymbol("fun_end"), 0); // R_X86_64_PC64
        using var library = new ObjectLibrary("untyped", new ObjectLibraryOptions { Redirectable = true });
        LoadedUnit unit = library.Load(elf);
        LoadedSection text = unit.Sections.Single(section => section.Name is ".text");
        LoadedSection words = unit.Sections.Single(section => section.Name is ".data");

        Assert.That(library.Address("fun_end"), Is.EqualTo(text.Address + 6));
        Assert.That(library.Address("label"), Is.EqualTo(words.Address + 8));
        Assert.That(unchecked(NativeBytes.LoadWord(words.Address) + words.Address), Is.EqualTo(text.Address + 6));
    }

    private static int Call(ObjectLibrary library, string name) => (int)NativeCall.Call(library.Address(name));

    private static ElfBuilder Untyped(string name, byte number, SymbolBinding binding = SymbolBinding.Global)
    {
        ElfBuilder elf = new();
        elf.AddSymbol(name, elf.AddCode(".text", 0xb8, number, 0, 0, 0, 0xc3), 0, 0, binding, SymbolType.NoType);
        return elf;
    }
}
