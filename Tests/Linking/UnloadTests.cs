using ElfLoader.Elf;
using ElfLoader.Memory;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Linking;

/// <summary>What unloading gives back, and what stays because others use it.</summary>
[NonParallelizable]
public sealed class UnloadTests
{
    [Test]
    public void UnitThatIsNeededIsNotUnloaded()
    {
        using var library = new ObjectLibrary("needed");
        LoadedUnit used = library.Load(LinkTest.Variable("d", 5), "used.o");
        LoadedUnit user = library.Load(LinkTest.Pointer("p", "d"), "user.o");

        InvalidOperationException refusal = Assert.Throws<InvalidOperationException>(used.Unload);

        Assert.That(refusal.Message, Is.EqualTo("used.o is in use by user.o"));
        Assert.That((used.IsLoaded, library.Word("d")), Is.EqualTo((true, 5ul)));
        user.Unload();
        used.Unload();
        Assert.That(library.Units, Is.Empty);
    }

    [Test]
    public void UnitsOfAnotherLibraryAreUsers()
    {
        using var first = new ObjectLibrary("first");
        using var second = new ObjectLibrary("second");
        second.AddLibrary(first);
        LoadedUnit used = first.Load(LinkTest.Variable("d", 5), "used.o");
        LoadedUnit user = second.Load(LinkTest.Pointer("p", "d"), "user.o");

        Assert.Throws<InvalidOperationException>(used.Unload);
        Assert.Throws<InvalidOperationException>(first.Dispose);
        user.Unload();
        used.Unload();

        Assert.That(first.Units, Is.Empty);
    }

    [TestCase(true)]
    [TestCase(false)]
    public void WhatIsSharedStaysUntilItsLastUserGoes(bool isData)
    {
        (int Allocations, ulong Allocated, int StaticTls) before = LinkTest.Footprint();
        using var library = new ObjectLibrary("shared");
        LoadedUnit first = library.Load(Shared(1, isData), "1.o");
        LoadedUnit second = library.Load(Shared(2, isData), "2.o");
        LoadedUnit third = library.Load(Shared(3, isData), "3.o");
        ulong shared = library.Address("shared");
        byte[] content = NativeBytes.At(shared, 8).ToArray();

        first.Unload();
        Assert.That((first.IsLoaded, library.Address("shared")), Is.EqualTo((false, shared)));
        LoadedUnit fourth = library.Load(Shared(4, isData), "4.o");
        second.Unload();
        third.Unload();

        Assert.That(library.Word("pointer4"), Is.EqualTo(shared), "it was there when 4.o came");
        Assert.That(NativeBytes.At(shared, 8).ToArray(), Is.EqualTo(content));
        Assert.That(LinkTest.Footprint().Allocations, Is.EqualTo(before.Allocations + 2));
        fourth.Unload();
        Assert.That(library.TryGetExport("shared", out _), Is.False);
        Assert.That(LinkTest.Footprint(), Is.EqualTo(before));
    }

    [Test]
    public void DataThatWasDestroyedIsNotGivenToThoseWhoComeLater()
    {
        using var library = new ObjectLibrary("destroyed");
        ElfBuilder both = Shared(1, isData: false);
        both.AddSymbol("variable", both.AddWords(".data.v", 1), 0, 8, SymbolBinding.Weak, SymbolType.Object);
        LoadedUnit first = library.Load(both);
        library.Load(Shared(2, isData: false));
        ulong function = library.Address("shared");

        first.Unload(); // its destructors run: of the code of shared() alone is there another user
        Assert.That(library.TryGetExport("variable", out _), Is.False);
        library.Load(LinkTest.Variable("variable", 2, SymbolBinding.Weak));

        Assert.That(library.Word("variable"), Is.EqualTo(2ul));
        Assert.That(library.Address("shared"), Is.EqualTo(function));
    }

    [Test]
    public void StrongSymbolsOfAGroupThatLeftComeWithItsNextCopy()
    {
        using var library = new ObjectLibrary("groups");
        LoadedUnit first = library.Load(Group(1));
        library.Load(Shared(2, isData: true));
        first.Unload();

        library.Load(Group(3));

        Assert.That(library.Word("strong"), Is.EqualTo(3ul));
    }

    [Test]
    public void WhatAThreadMayStillRunKeepsWhatItUses()
    {
        (int Allocations, ulong Allocated, int StaticTls) before = LinkTest.Footprint();
        using var first = new ObjectLibrary("first");
        using var second = new ObjectLibrary("second");
        second.AddLibrary(first);
        LoadedUnit used = first.Load(LinkTest.Variable("d", 5));
        LoadedUnit user = second.Load(LinkTest.Pointer("p", "d"));
        ulong counter = user.Resources.Lifetime.Counter;
        NativeBytes.StoreWord(counter, 1); // as if a thread owed a destructor of a thread-local variable
        user.Unload();
        used.Unload();

        Assert.That(LinkTest.Footprint().Allocations, Is.EqualTo(before.Allocations + 2));
        Assert.That((first.TryGetExport("d", out _), first.Reclaim(), second.Reclaim()), Is.EqualTo((false, 0, 1)));
        NativeBytes.StoreWord(counter, 0);
        Assert.That(second.Reclaim(), Is.Zero);
        Assert.That(LinkTest.Footprint(), Is.EqualTo(before));
    }

    [Test]
    public void NamesAreFreeAfterUnloading()
    {
        using var library = new ObjectLibrary("again");
        for (ulong i = 1; i < 5; i++)
        {
            LoadedUnit unit = library.Load(LinkTest.Variable("d", i));
            Assert.That(library.Word("d"), Is.EqualTo(i));
            unit.Unload();
            unit.Unload();
            Assert.That(library.TryGetExport("d", out _), Is.False);
        }
    }

    [Test]
    public void StrongDefinitionTakesThePlaceOfAWeakOneForThoseWhoComeLater()
    {
        using var library = new ObjectLibrary("replaced");
        library.Load(LinkTest.Variable("d", 1, SymbolBinding.Weak));
        library.Load(LinkTest.Pointer("early", "d"));
        library.Load(LinkTest.Variable("d", 2));
        library.Load(LinkTest.Pointer("late", "d"));

        Assert.That(NativeBytes.LoadWord(library.Word("early")), Is.EqualTo(1ul));
        Assert.That(NativeBytes.LoadWord(library.Word("late")), Is.EqualTo(2ul));
    }

    [Test]
    public void DisposedLibraryRefusesToLoad()
    {
        var library = new ObjectLibrary("disposed");
        library.Load(LinkTest.Variable("d", 1));
        library.Dispose();
        library.Dispose();

        Assert.Throws<ObjectDisposedException>(() => library.Load(LinkTest.Variable("e", 1)));
        Assert.Throws<ObjectDisposedException>(() => library.GetExport("d"));
    }

    /// <summary>An object with a copy of "shared", and a variable "pointerN" with its address.</summary>
    private static ElfBuilder Shared(int number, bool isData)
    {
        ElfBuilder elf = new();
        int section = isData ? elf.AddWords(".data.shared", (ulong)number) : elf.AddCode(".text.shared", (byte)number, 0xc3);
        int shared = elf.AddSymbol(
            "shared", section, 0, 2, SymbolBinding.Weak, isData ? SymbolType.Object : SymbolType.Function);
        elf.AddGroup(shared, isComdat: true, section);
        int pointer = elf.AddWords(".data", 0);
        elf.AddSymbol($"pointer{number}", pointer);
        elf.AddRelocation(pointer, 0, 1, shared);
        return elf;
    }

    private static ElfBuilder Group(int number)
    {
        ElfBuilder elf = new();
        int section = elf.AddWords(".data.group", (ulong)number, 0);
        int strong = elf.AddSymbol("strong", section, 0, 8, type: SymbolType.Object);
        elf.AddSymbol("shared", section, 8, 8, SymbolBinding.Weak, SymbolType.Object);
        elf.AddGroup(strong, isComdat: true, section);
        return elf;
    }
}
