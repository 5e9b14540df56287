using ElfLoader.Elf;
using ElfLoader.Tests.Support;
using static ElfLoader.Arch.X64.X64Relocations;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Tests.Linking;

/// <summary>What the linker refuses to relocate or to lay out, in which words.</summary>
public sealed class RelocationErrorsTests
{
    private const ulong Text = SHF_ALLOC | SHF_EXECINSTR;

    [TestCase(R_X86_64_COPY, 0ul, "Malformed", "R_X86_64_COPY is for the dynamic loader")]
    [TestCase(R_X86_64_GLOB_DAT, 0ul, "Malformed", "R_X86_64_GLOB_DAT is for the dynamic loader")]
    [TestCase(R_X86_64_IRELATIVE, 0ul, "Malformed", "R_X86_64_IRELATIVE is for the dynamic loader")]
    [TestCase(99u, 0ul, "Unsupported", "relocation type 99 is not one of x86_64's")]
    [TestCase(256u, 0ul, "Unsupported", "relocation type 256 is not one of x86_64's")]
    [TestCase(uint.MaxValue, 0ul, "Unsupported", "relocation type 4294967295 is not one")]
    [TestCase(R_X86_64_64, 9ul, "Malformed", "R_X86_64_64 of 8 bytes lies outside of the section, which has 16 bytes")]
    [TestCase(R_X86_64_64, 17ul, "Malformed", "outside of the section")]
    [TestCase(R_X86_64_64, ulong.MaxValue, "Malformed", "outside of the section")]
    [TestCase(R_X86_64_NONE, 17ul, "Malformed", "outside of the section")]
    [TestCase(R_X86_64_8, 16ul, "Malformed", "R_X86_64_8 of 1 byte lies outside")]
    [TestCase(R_X86_64_TPOFF32, 0ul, "Malformed", "R_X86_64_TPOFF32 is for thread-local symbols, and 'f' is not thread-local")]
    [TestCase(R_X86_64_TLSGD, 0ul, "Malformed", "R_X86_64_TLSGD is for thread-local symbols, and 'f'")]
    [TestCase(R_X86_64_DTPOFF32, 0ul, "Malformed", "R_X86_64_DTPOFF32 is for thread-local symbols, and 'f'")]
    [TestCase(R_X86_64_PC8, 0ul, "OutOfRange", "R_X86_64_PC8 against 'far'")]
    public void RefusesARelocation(uint type, ulong offset, string code, string message)
    {
        ElfBuilder elf = new();
        int text = elf.AddCode(".text", new byte[16]);
        int f = elf.AddSymbol(type is R_X86_64_PC8 ? "far" : "f", text, type is R_X86_64_PC8 ? 1000ul : 0);
        elf.AddRelocation(text, offset, type, f);

        LinkError error = Refused(elf).Errors[0];

        Assert.That((error.Code.ToString(), error.Where.Object, error.Where.Section), Is.EqualTo((code, "a.o", ".text")));
        Assert.That(error.Where.Offset, Is.EqualTo(offset));
        Assert.That(error.Message, Does.Contain(message));
    }

    [TestCase(R_X86_64_64, "R_X86_64_64 is not for thread-local symbols, and 't' is thread-local")]
    [TestCase(R_X86_64_PC32, "R_X86_64_PC32 is not for thread-local symbols")]
    [TestCase(R_X86_64_GOTPCREL, "R_X86_64_GOTPCREL is not for thread-local symbols")]
    public void RefusesThreadLocalSymbolsElsewhere(uint type, string message)
    {
        ElfBuilder elf = new();
        int text = elf.AddCode(".text", new byte[16]);
        int tls = elf.AddSection(".tbss", SHT_NOBITS, LinkTest.Writable | SHF_TLS, size: 8);
        elf.AddRelocation(text, 0, type, elf.AddSymbol("t", tls, type: SymbolType.Tls));

        Assert.That(Refused(elf).Message, Does.Contain(message));
    }

    [TestCase(SHT_NOBITS, LinkTest.Writable, "the section has relocations but no bytes (SHT_NOBITS)")]
    [TestCase(SHT_NOBITS, Text, "the section is code but has no bytes")]
    [TestCase(SHT_PROGBITS, Text | SHF_WRITE, "writable and executable at once")]
    public void RefusesASection(uint type, ulong flags, string message)
    {
        ElfBuilder elf = new();
        int section = elf.AddSection("s", type, flags, type is SHT_NOBITS ? [] : new byte[8], size: 8);
        elf.AddRelocation(section, 0, R_X86_64_64, elf.AddSymbol("f", section));

        Assert.That(Refused(elf).Message, Does.Contain(message));
    }

    [Test]
    public void AllThatIsUndefinedIsReportedAtOnceWithItsPlaces()
    {
        ElfBuilder first = new();
        int data = first.AddWords(".data", 0, 0, 0, 0, 0);
        int missing = first.AddSymbol("missing");
        for (ulong place = 0; place < 40; place += 8)
        {
            first.AddRelocation(data, place, R_X86_64_64, missing);
        }

        ElfBuilder second = new();
        int other = second.AddWords("words", 0, 0);
        second.AddRelocation(other, 8, R_X86_64_64, second.AddSymbol("absent"));
        second.AddRelocation(other, 0, R_X86_64_64, second.AddSymbol("private", visibility: SymbolVisibility.Hidden));
        second.AddRelocation(other, 0, R_X86_64_64, second.AddSymbol("optional", binding: SymbolBinding.Weak));
        using var library = new ObjectLibrary("undefined");

        LinkException exception = Assert.Throws<LinkException>(
            () => library.Load([LinkTest.Read(first, "a.o"), LinkTest.Read(second, "b.o")]));

        Assert.That(exception.Errors.Select(error => error.ToString()), Is.EqualTo([
            "a.o: .data+0x0: undefined symbol 'missing' (also at a.o: .data+0x8, a.o: .data+0x10, and 2 more places)",
            "b.o: words+0x8: undefined symbol 'absent'",
            "b.o: words+0x0: undefined symbol 'private', which is hidden and must be defined in this library",
        ]));
    }

    [Test]
    public void ThousandsOfErrorsAreCounted()
    {
        ElfBuilder elf = new();
        int data = elf.AddWords(".data", 0);
        int f = elf.AddSymbol("f", data);
        for (int i = 0; i < 5000; i++)
        {
            elf.AddRelocation(data, 100, R_X86_64_64, f);
        }

        LinkException exception = Refused(elf);

        Assert.That(exception.Errors, Has.Count.EqualTo(101));
        Assert.That(exception.Errors[^1].Message, Is.EqualTo("and 4900 more like these"));
    }

    [TestCase(R_X86_64_TPOFF32, "no fixed distance from the thread pointer")]
    [TestCase(R_X86_64_TPOFF64, "no fixed distance from the thread pointer")]
    [TestCase(R_X86_64_DTPOFF32, "local dynamic")]
    [TestCase(R_X86_64_DTPOFF64, "local dynamic")]
    [TestCase(R_X86_64_GOTTPOFF, "no fixed distance from the thread pointer")]
    public void OffsetOfAnotherUnitsThreadLocalVariableIsRefused(uint type, string message)
    {
        ElfBuilder defining = new();
        int tls = defining.AddSection(".tdata", SHT_PROGBITS, LinkTest.Writable | SHF_TLS, new byte[8], alignment: 8);
        defining.AddSymbol("t", tls, 0, 8, SymbolBinding.Weak, SymbolType.Tls);
        ElfBuilder referring = new();
        int text = referring.AddCode(".text", new byte[16]);
        referring.AddRelocation(text, 4, type, referring.AddSymbol("t", type: SymbolType.Tls));
        using var library = new ObjectLibrary("thread-local", LinkTest.Inspecting with { AllowUndefined = false });
        library.Load(defining, "dynamic.o");

        LinkException exception = Assert.Throws<LinkException>(() => library.Load(referring, "b.o"));

        Assert.That(exception.Errors[0].Code, Is.EqualTo(LinkErrorCode.Placement));
        Assert.That(exception.Message, Does.Contain(message).And.Contain("dynamic.o").And.Contain("'t'"));
    }

    [Test]
    public void OffsetOfAStaticThreadLocalVariableOfAnotherUnitIsKnown()
    {
        ElfBuilder defining = new();
        int tls = defining.AddSection(".tdata", SHT_PROGBITS, LinkTest.Writable | SHF_TLS, new byte[16], alignment: 8);
        int words = defining.AddWords("own", 0);
        int t = defining.AddSymbol("t", tls, 8, 8, type: SymbolType.Tls);
        defining.AddSymbol("own_offset", words);
        defining.AddRelocation(words, 0, R_X86_64_TPOFF64, t);
        ElfBuilder referring = new();
        int other = referring.AddWords("other", 0);
        referring.AddSymbol("other_offset", other);
        referring.AddRelocation(other, 0, R_X86_64_TPOFF64, referring.AddSymbol("t", type: SymbolType.Tls));
        using var library = new ObjectLibrary("thread-local", LinkTest.Inspecting);
        library.Load(defining);
        library.Load(referring);

        Assert.That((long)library.Word("own_offset"), Is.Negative);
        Assert.That(library.Word("other_offset"), Is.EqualTo(library.Word("own_offset")));
    }

    [TestCase(".gcc_except_table")]
    [TestCase(".gcc_except_table.f")]
    [TestCase(".rodata", Description = "refused")]
    public void TablesOfExceptionsMayReferToDroppedFunctions(string section)
    {
        using var library = new ObjectLibrary("tables", LinkTest.Inspecting);
        ElfObject[] objects = [.. Enumerable.Range(1, 2).Select(number =>
        {
            ElfBuilder elf = new();
            int text = elf.AddCode(".text.f", 0xc3);
            int table = elf.AddSection(section, SHT_PROGBITS, LinkTest.Writable, [1, 1, 1, 1, 1, 1, 1, 1, 1]);
            int start = elf.AddSymbol("", text, binding: SymbolBinding.Local, type: SymbolType.Section);
            int f = elf.AddSymbol("f", text, binding: SymbolBinding.Weak, type: SymbolType.Function);
            elf.AddSymbol($"table{number}", table);
            elf.AddGroup(f, isComdat: true, text);
            elf.AddRelocation(table, 0, R_X86_64_64, start);
            return LinkTest.Read(elf, $"{number}.o");
        })];

        if (section is ".rodata")
        {
            LinkException exception = Assert.Throws<LinkException>(() => library.Load(objects));
            Assert.That(exception.Message, Does.StartWith("2.o: .rodata+0x0: R_X86_64_64 refers to '.text.f' in a section that is not loaded"));
            return;
        }

        library.Load(objects);
        Assert.That((library.Word("table1"), library.Word("table2")), Is.EqualTo((library.Address("f"), 0ul)));
    }

    [Test]
    public void AddendsOfCompactRelocationsWithoutAddendsStandInThePlaces()
    {
        ElfBuilder elf = new();
        int data = elf.AddWords(".data", 16, 0, 0);
        elf.AddSymbol("d", data);
        // The header counts one relocation, without the addend flag (4); then offset 0 with symbol and type, 1 and 1.
        elf.AddSection(".crel.data", SHT_CREL_LLVM, 0, [1 << 3, 0b11, 1, 1], info: (uint)data, entrySize: 1);
        using var library = new ObjectLibrary("compact", LinkTest.Inspecting);

        library.Load(elf);

        Assert.That(library.Word("d"), Is.EqualTo(library.Address("d") + 16));
    }

    [Test]
    public void TheAddressOfTheTableAloneMakesOne()
    {
        ElfBuilder elf = new();
        int text = elf.AddCode(".text", new byte[16]);
        int data = elf.AddWords(".data.rel.ro", 1);
        elf.AddSymbol("d", data);
        elf.AddRelocation(text, 4, R_X86_64_PC32, elf.AddSymbol("_GLOBAL_OFFSET_TABLE_"));
        using var library = new ObjectLibrary("table", LinkTest.Inspecting);

        LoadedUnit unit = library.Load(elf);

        Assert.That(unit.Objects[0].UsesGot);
    }

    private static LinkException Refused(ElfBuilder elf)
    {
        using var library = new ObjectLibrary("refusals", LinkTest.Inspecting);
        return Assert.Throws<LinkException>(() => library.Load(elf));
    }
}
