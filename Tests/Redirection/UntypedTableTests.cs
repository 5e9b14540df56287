using ElfLoader.Elf;
using ElfLoader.Memory;
using ElfLoader.Tests.Linking;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Redirection;

/// <summary>Symbols of code without a type that may be data: whoever uses them like that is warned.</summary>
[NonParallelizable]
public sealed class UntypedTableTests
{
    private const string Read = "extern const int table[]; int use(void) { return table[0]; }";
    private const string Call = "int table(void); int use(void) { return table(); }";
    private const string Both = "int table(void); int use(void) { int v; __asm__(\"movl table(%%rip), %0\" : \"=r\"(v)); return v + table(); }";
    private const string Pointer = "int table(void); int (*pointer)(void) = table;";

    [TestCase(Read, "-O2 -fPIC", true)] // an address from a slot, and a load
    [TestCase(Read, "-O2 -fPIE", true)] // a load
    [TestCase(Both, "-O2 -fPIE", true)]
    [TestCase("extern const int table[]; const int *use(void) { return table; }", "-O2 -fPIE", true)] // lea
    [TestCase("extern const int table[]; int use(int i) { return table[i]; }", "-O2 -fPIE", true)]
    [TestCase("extern int table; void use(void) { table = 5; }", "-O2 -fPIE", true)]
    [TestCase(Pointer, "-O2 -fPIC", true)] // nobody can tell
    [TestCase(Call, "-O2 -fPIC", false)] // a jump
    [TestCase(Call, "-O0 -fPIC", false)]
    [TestCase(Call, "-O2 -fPIC -fno-plt", false)]
    [TestCase(Call, "-O0 -fPIC -fno-plt", false)]
    [TestCase("int table(void); void use(int a) { if (a) { table(); } }", "-O2 -fPIE", false)]
    [TestCase(Pointer + " int use(void) { return table() + pointer(); }", "-O2 -fPIC", false)]
    public void AreWarnedOfWhereTheyAreUsedLikeData(string source, string flags, bool isWarned)
    {
        using var first = new ObjectLibrary("first", new ObjectLibraryOptions { Redirectable = true });
        LoadedUnit table = first.Load(Table(SymbolType.NoType).Build(), "table.o");
        LoadedUnit later = first.Load(Compiled.C(source, flags), "later.o");
        using var second = new ObjectLibrary("second");
        second.AddLibrary(first);
        LoadedUnit linked = second.Load(Compiled.C(source, flags), "linked.o");
        using var third = new ObjectLibrary("third", new ObjectLibraryOptions { Redirectable = true });
        LoadedUnit together = third.Load(
            [ElfObject.Read(Table(SymbolType.NoType).Build(), "table.o"), ElfObject.Read(Compiled.C(source, flags), "user.o")]);

        Assert.That(table.Warnings, Is.Empty);
        foreach (LoadedUnit unit in (LoadedUnit[])[later, linked, together])
        {
            Assert.That(unit.Warnings, Has.Count.EqualTo(isWarned ? 1 : 0));
            Assert.That(unit.Warnings, Has.All.Contains("'table'").And.All.Contains(".type table, @object"));
        }
    }

    [TestCase(SymbolType.Object, true)]
    [TestCase(SymbolType.NoType, false)]
    [TestCase(SymbolType.Object, false)]
    public void AreReadWhereTheyAreIfTheySayWhatTheyAreOrNothingIsRedirected(SymbolType type, bool isRedirectable)
    {
        using var library = new ObjectLibrary("library", new ObjectLibraryOptions { Redirectable = isRedirectable });
        library.Load(Table(type).Build(), "table.o");
        LoadedUnit user = library.Load(Compiled.C(Read), "user.o");

        Assert.That(NativeCall.Call(library.Address("use")), Is.EqualTo(0x04030201UL));
        Assert.That(user.Warnings, Is.Empty);
    }

    [Test]
    public void AreNotWarnedOfAnyMoreWhenAFunctionWithATypeHasTakenTheirPlace()
    {
        using var library = new ObjectLibrary("library", new ObjectLibraryOptions { Redirectable = true });
        library.Load(Table(SymbolType.NoType).Build(), "table.o");
        library.Replace(LinkTest.Returning("table", 3).Build(), "typed.o");

        Assert.That(library.Load(Compiled.C(Pointer), "user.o").Warnings, Is.Empty);
    }

    private static ElfBuilder Table(SymbolType type)
    {
        ElfBuilder elf = new();
        elf.AddSymbol("table", elf.AddCode(".text", 1, 2, 3, 4), 0, type is SymbolType.NoType ? 0u : 4u, SymbolBinding.Global, type);
        return elf;
    }
}
