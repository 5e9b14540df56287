using ElfLoader.Elf;
using ElfLoader.Linking;
using ElfLoader.Loading;
using ElfLoader.Relocations;
using ElfLoader.Tests.Support;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Tests.Linking;

/// <summary>GOT slots, stubs and lists of initializers.</summary>
public sealed class TablesTests
{
    [Test]
    public void GotSlotsAreSharedByKindAndSymbol()
    {
        GotTable got = new();
        foreach ((GotSlot kind, int symbol) in (ReadOnlySpan<(GotSlot, int)>)[
            (GotSlot.Address, 1), (GotSlot.Address, 2), (GotSlot.Address, 1), (GotSlot.TpOffset, 1), (GotSlot.TpOffset, 1),
            (GotSlot.TlsIndex, 3), (GotSlot.TlsModule, 3), (GotSlot.TlsModule, 4), (GotSlot.TlsDescriptor, 3)])
        {
            got.Want(kind, symbol, symbolCount: 5, wordSize: 8);
        }

        Assert.That(got.Entries.ToArray(), Is.EqualTo([
            new GotEntry(GotSlot.Address, 1, 0), new GotEntry(GotSlot.Address, 2, 8), new GotEntry(GotSlot.TpOffset, 1, 16),
            new GotEntry(GotSlot.TlsIndex, 3, 24), new GotEntry(GotSlot.TlsModule, 0, 40),
            new GotEntry(GotSlot.TlsDescriptor, 3, 56),
        ]));
        Assert.That((got.Size, got.Offset(GotSlot.Address, 2), got.Offset(GotSlot.TlsModule, 4)), Is.EqualTo((88, 8, 40)));
        Assert.Throws<InvalidOperationException>(() => got.Offset(GotSlot.Address, 3));
    }

    [Test]
    public void StubsAreSharedByTarget()
    {
        ElfBuilder elf = new();
        int local = elf.AddSymbol("l", elf.AddCode(".text", 0xc3), binding: ElfLoader.Elf.SymbolBinding.Local);
        int global = elf.AddSymbol("g");
        SharedArray<SectionPlace> sections = default;
        SharedArray<BoundSymbol> bound = default;
        SharedArray<int> globals = default;
        LinkObject file = new(LinkTest.Read(elf, "a.o"), 0, ref sections, ref bound, ref globals);
        LinkSymbols symbols = new([file]);
        symbols.Begin(expected: 1, isOne: true);
        file.Symbols[local].Global = -1;
        file.Symbols[global].Global = symbols.Intern(file, file.Elf.Symbol(global).NameOffset, "g"u8);
        StubTable stubs = new();

        for (int i = 0; i < 2; i++)
        {
            stubs.WantGlobal(ref symbols[0], 0, isIfunc: false);
            stubs.WantLocal(file, local, isIfunc: true);
        }

        Assert.That(stubs.Count, Is.EqualTo(2));
        Assert.That((stubs.Find(symbols, file, global), stubs.Find(symbols, file, local)), Is.EqualTo((0, 1)));
    }

    [Test]
    public void InitializersAreOrderedAsLinkersOrderThem()
    {
        using var library = new ObjectLibrary("initializers", LinkTest.Inspecting);
        LoadedUnit unit = library.Load([
            LinkTest.Read(Arrays((".init_array", [10, 11]), (".ctors", [20, 21]), (".fini_array", [30, 31]),
                (".init_array.200", [40]), (".preinit_array", [50])), "a.o"),
            LinkTest.Read(Arrays((".ctors.65435", [60, 61]), (".init_array.00100", [70]), (".init_array", [80]),
                (".dtors", [90, 91]), (".fini_array.100", [100]), (".preinit_array", [110]),
                (".ctors", [ulong.MaxValue, 120, 0]), (".init_array.x", [130])), "b.o"),
        ]);

        InitializerLists lists = InitializerLists.Collect(unit.Objects.ToArray(), new UnitLayout(null!, new LinkErrors()));

        // .ctors.65435 has priority 65535 - 65435; .ctors and .dtors are stored the other way round.
        Assert.That(lists.Initializers, Is.EqualTo([50, 110, 61, 60, 70, 40, 10, 11, 21, 20, 80, 120, 130]));
        Assert.That(lists.Terminators, Is.EqualTo([100, 30, 31, 91, 90]), "the last is called first");
        Assert.That(InitializerLists.CountTerminators(unit.Objects.ToArray()), Is.EqualTo(lists.Terminators.Count + 1), "and .fini");
    }

    [TestCase(".preinit_array", 1, 0)]
    [TestCase(".init_array", 1, 0)]
    [TestCase(".init_array.7", 1, 0)]
    [TestCase(".ctors", 1, 0)]
    [TestCase(".ctors.7", 1, 0)]
    [TestCase(".fini_array", 0, 1)]
    [TestCase(".dtors", 0, 1)]
    [TestCase(".ctorsx", 0, 0)]
    public void EachKindOfArrayIsFoundByItself(string name, int initializers, int terminators)
    {
        using var library = new ObjectLibrary("initializers", LinkTest.Inspecting);
        LoadedUnit unit = library.Load([LinkTest.Read(Arrays((name, [10])), "a.o"), LinkTest.Read(new ElfBuilder(), "b.o")]);

        InitializerLists lists = InitializerLists.Collect(unit.Objects.ToArray(), new UnitLayout(null!, new LinkErrors()));

        Assert.That((lists.Initializers.Count, lists.Terminators.Count), Is.EqualTo((initializers, terminators)));
        Assert.That(InitializerLists.CountTerminators(unit.Objects.ToArray()), Is.EqualTo(terminators + 1), "and .fini");
        Assert.That(InitializerLists.Any(unit.Objects.ToArray()), Is.EqualTo(initializers > 0));
    }

    [Test]
    public void ManyErrorsAreCountedButNotKept()
    {
        LinkErrors errors = new();
        for (int i = 0; i < 250; i++)
        {
            if (i % 2 is 0 || !errors.TryOnlyCount())
            {
                errors.Add(LinkErrorCode.Malformed, new LinkLocation("a.o"), $"problem {i}");
            }
        }

        LinkException exception = Assert.Throws<LinkException>(errors.ThrowIfAny);

        Assert.That(exception.Errors, Has.Count.EqualTo(LinkErrors.Kept + 1));
        Assert.That(exception.Errors[^1].Message, Is.EqualTo("and 150 more like these"));
    }

    private static ElfBuilder Arrays(params (string Name, ulong[] Functions)[] arrays)
    {
        ElfBuilder elf = new();
        foreach ((string name, ulong[] functions) in arrays)
        {
            uint type = name.Split('.')[1] switch
            {
                "init_array" => SHT_INIT_ARRAY,
                "fini_array" => SHT_FINI_ARRAY,
                "preinit_array" => SHT_PREINIT_ARRAY,
                _ => SHT_PROGBITS,
            };
            elf.AddSection(
                name, type, LinkTest.Writable, [.. functions.SelectMany(BitConverter.GetBytes)], alignment: 8);
        }

        return elf;
    }
}
