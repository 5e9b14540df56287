using ElfLoader.Elf;
using ElfLoader.Elf.Unwind;
using ElfLoader.Tests.Support;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Tests.Linking;

/// <summary>Records by hand (LSB, "The .eh_frame section"): what is joined, and what is refused before libgcc reads it.</summary>
public sealed class UnwindTablesTests
{
    private const string Cie = "14000000 00000000 01 7a5200 01 78 10 01 1b 0c0708 9001 0000"; // zR, pcrel sdata4
    private const string Fde = "10000000 1c000000 11223344 05000000 00 000000";
    private const string NextFde = "10000000 30000000 11223344 05000000 00 000000"; // 0x14 bytes after the first
    private const string Terminator = "00000000";

    [TestCase("", 0)]
    [TestCase(Cie, 0)]
    [TestCase(Cie + Fde, 0)]
    [TestCase(Cie + Fde + NextFde, 0)]
    [TestCase(Cie + Fde + Cie + Fde, 0)]
    [TestCase(Terminator + Cie + Fde, 4)]
    [TestCase(Terminator + Terminator + Cie + Fde, 8)]
    public void AcceptsWellFormedTables(string tables, int expectedStart)
    {
        byte[] bytes = Hex(tables);

        Assert.That(UnwindTables.Join(bytes, out int start), Is.Null);
        Assert.That((start, bytes), Is.EqualTo((expectedStart, Hex(tables))));
    }

    [Test]
    public void TerminatorInsideBecomesPartOfTheRecordBeforeIt()
    {
        byte[] bytes = Hex(Cie + Fde + Terminator + Terminator + Cie + Fde + Terminator);

        Assert.That(UnwindTables.Join(bytes, out _), Is.Null);

        const string longer = "18000000 1c000000 11223344 05000000 00 000000";
        const string longest = "14000000 1c000000 11223344 05000000 00 000000";
        Assert.That(bytes, Is.EqualTo(
            Hex(Cie + longer + Terminator + Terminator + Cie + longest + Terminator)));
    }

    [TestCase("1400", 0, "ends within a record")]
    [TestCase(Cie + "10", 24, "ends within a record")]
    [TestCase("02000000 0000", 0, "record of 2 bytes")]
    [TestCase("14000000 00000000 01 7a5200", 0, "record of 20 bytes")]
    [TestCase("ffffffff 14000000 00000000", 0, "4 GiB")]
    [TestCase("fcffffff 00000000", 0, "ends outside")]
    [TestCase(Cie + "10000000 18000000 11223344 05000000 00 000000", 24, "common information would be at 4")]
    [TestCase(Cie + "10000000 ff000000 11223344 05000000 00 000000", 24, "common information would be at -")]
    [TestCase(Cie + "10000000 ffffffff 11223344 05000000 00 000000", 24, "common information would be at -")]
    [TestCase(Cie + Fde + "10000000 18000000 11223344 05000000 00 000000", 44, "common information would be at 24")]
    [TestCase(Cie + "08000000 1c000000 11223344", 24, "ends before")]
    [TestCase("0c000000 00000000 01 00 01 78 10 000000" + "10000000 14000000 11223344 05000000 00 000000", 16, "ends before",
        Description = "without R, addresses have eight bytes")]
    public void RefusesMalformedRecords(string tables, int offset, string problem)
    {
        (int Offset, string Problem)? found = UnwindTables.Join(Hex(tables), out _);

        Assert.That(found?.Offset, Is.EqualTo(offset));
        Assert.That(found?.Problem, Does.Contain(problem));
    }

    [TestCase("01 00 01 78 10", null)]
    [TestCase("03 7a5200 01 78 9000 01 1b", null)]
    [TestCase("01 7a5200 01 78 90 01 1b", null)] // the register of version 1 is one byte
    [TestCase("01 7a5200 01 78 10 01 00", null)]
    [TestCase("01 7a5200 01 78 10 01 0b", null)]
    [TestCase("01 7a5200 01 78 10 01 9b", "pointer encoding")] // would be followed when tables are sorted
    [TestCase("01 7a5200 01 78 10 01 ff", "pointer encoding")]
    [TestCase("01 7a5200 01 78 10 01 01", "pointer encoding")]
    [TestCase("01 7a5200 01 78 10 01 4b", "pointer encoding")]
    [TestCase("01 7a5200 01 78 10 01 50", "pointer encoding")]
    [TestCase("01 7a505200 01 78 10 06 9b 11223344 1b", null)]
    [TestCase("01 7a505200 01 78 10 06 9b 1122", "too soon")]
    [TestCase("01 7a5000 01 78 10 01 ff 000000", "pointer encoding")]
    [TestCase("01 7a4c5200 01 78 10 02 ff 1b", null)]
    [TestCase("01 7a4c5253 4200 01 78 10 02 1b 1b", null)]
    [TestCase("01 7a515200 01 78 10 02 1b 1b", "letter 'Q'")]
    [TestCase("01 656800 01 78 10", "augmentation 'eh'")]
    [TestCase("01 7a52525252525252", "without an end")]
    [TestCase("01 7a5200 81", "too soon")]
    [TestCase("01", "too soon")]
    [TestCase("02 7a5200 01 78 10 01 1b", "version 2")]
    [TestCase("04 7a5200 08 00 01 78 10 01 1b", "version 4")]
    public void ChecksCommonInformation(string entry, string? problem)
    {
        byte[] content = Hex(entry);
        byte[] record = [(byte)(content.Length + 4), 0, 0, 0, 0, 0, 0, 0, .. content];

        (int Offset, string Problem)? found = UnwindTables.Join(record, out _);

        Assert.That(found?.Problem, problem is null ? Is.Null : Does.Contain(problem));
    }

    [Test]
    public void EveryMutantIsAcceptedOrRefused()
    {
        byte[] tables = Hex(Cie + Fde + Terminator + Cie + Fde + NextFde);
        var random = new Random(1);
        int accepted = 0;
        for (int i = 0; i < 20_000; i++)
        {
            byte[] mutant = [.. tables];
            mutant[random.Next(mutant.Length)] = (byte)random.Next(256);
            mutant[random.Next(mutant.Length)] ^= (byte)(1 << random.Next(8));
            accepted += UnwindTables.Join(mutant, out _) is null ? 1 : 0;
        }

        Assert.That(accepted, Is.InRange(1000, 19_000));
    }

    [Test]
    public void TablesOfAllObjectsAreOneList()
    {
        using var library = new ObjectLibrary("tables", LinkTest.Inspecting);

        LoadedUnit unit = library.Load([Object(Cie + Fde + Terminator, "a.o"), Object("", "b.o"), Object(Cie + Fde, "c.o")]);

        LoadedSection[] tables = [.. unit.Sections.Where(section => section.Name is ".eh_frame")];
        Assert.That(tables[2].Address, Is.EqualTo(tables[0].Address + tables[0].Size));
        Assert.That(unit.Resources.IsUnwindRegistered);
    }

    [Test]
    public void RefusalNamesTheObject()
    {
        using var library = new ObjectLibrary("tables", LinkTest.Inspecting);

        LinkException refusal = Assert.Throws<LinkException>(
            () => library.Load([Object(Cie + Fde, "a.o"), Object(Cie + "08000000 1c000000 11223344", "b.o")]));

        Assert.That(refusal.Message, Does.StartWith("b.o: .eh_frame+0x18: the unwind table has a description that ends before"));
    }

    [TestCase("")]
    [TestCase(Terminator)]
    public void ReadOnlyDataIsNeverTakenForUnwindTables(string tables)
    {
        ElfBuilder elf = new();
        elf.AddSection(".rodata", bytes: [.. Enumerable.Repeat((byte)0x11, 64)]);
        elf.AddSection(".eh_frame", bytes: Hex(tables), alignment: 8);
        using var library = new ObjectLibrary("no tables", LinkTest.Inspecting);

        LoadedUnit unit = library.Load(elf);

        Assert.That(unit.Resources.IsUnwindRegistered, Is.False);
    }

    private static ElfObject Object(string tables, string name)
    {
        ElfBuilder elf = new();
        elf.AddSection(".rodata", bytes: [1, 2, 3]);
        elf.AddSection(".eh_frame", SHT_PROGBITS, SHF_ALLOC, Hex(tables), alignment: 8);
        return LinkTest.Read(elf, name);
    }

    private static byte[] Hex(string text) => Convert.FromHexString(text.Replace(" ", "", StringComparison.Ordinal));
}
