using ElfLoader.Elf;
using ElfLoader.Tests.Support;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Tests.Elf;

/// <summary>What a reader gets out of right objects, of both classes.</summary>
[TestFixture(true)]
[TestFixture(false)]
public sealed class ElfObjectTests(bool is64Bit)
{
    [Test]
    public void ReadsHeaderAndSections()
    {
        ElfBuilder builder = new(is64Bit, EM_ARM) { Flags = EF_ARM_EABI_VER5 };
        int text = builder.AddCode(".text", 1, 2, 3, 4);
        int bss = builder.AddSection(".bss", SHT_NOBITS, SHF_ALLOC | SHF_WRITE, size: 100, alignment: 32);

        ElfObject read = ElfObject.Read(builder.Build(), "a.o");

        Assert.Multiple(() =>
        {
            Assert.That(read.Name, Is.EqualTo("a.o"));
            Assert.That(read.Is64Bit, Is.EqualTo(is64Bit));
            Assert.That(read.Machine, Is.EqualTo(EM_ARM));
            Assert.That(read.Flags, Is.EqualTo(EF_ARM_EABI_VER5));
            Assert.That(read.Sections.Length, Is.EqualTo(6));
            Assert.That(read.SectionNameText(text), Is.EqualTo(".text"));
            Assert.That(read.SectionBytes(text).ToArray(), Is.EqualTo(new byte[] { 1, 2, 3, 4 }));
            Assert.That(read.Sections[text].Has(SHF_EXECINSTR), Is.True);
            Assert.That(read.SectionBytes(bss).Length, Is.Zero);
            Assert.That(read.Sections[bss].Size, Is.EqualTo(100));
            Assert.That(read.Sections[bss].Alignment, Is.EqualTo(32));
        });
    }

    [TestCase("", 0)]
    [TestCase("d", 0)]
    [TestCase("m", 2)]
    [TestCase("mdd", 2)]
    [TestCase("dzd", 3)]
    [TestCase("mdmd", 4)]
    public void KnowsTheLastSectionInMemory(string kinds, int count)
    {
        ElfBuilder builder = new(is64Bit);
        foreach (char kind in kinds)
        {
            _ = kind is 'z' ? builder.AddSection(".bss", SHT_NOBITS, SHF_ALLOC | SHF_WRITE, size: 8)
                : builder.AddSection("." + kind, SHT_PROGBITS, kind is 'm' ? SHF_ALLOC : 0, [1, 2]);
        }

        ElfObject read = ElfObject.Read(builder.Build(), "a.o");

        Assert.That(read.SectionsInMemory.ToArray(), Is.EqualTo(read.Sections[..count].ToArray()));
    }

    [TestCase(false)]
    [TestCase(true)]
    public void ReadsSymbols(bool largeIndices)
    {
        ElfBuilder builder = new(is64Bit) { LargeIndices = largeIndices, ExtendedNumbering = largeIndices };
        int text = builder.AddCode(".text", 1, 2, 3, 4);
        int local = builder.AddSymbol("here", text, 2, 1, SymbolBinding.Local, SymbolType.Function);
        int defined = builder.AddSymbol(
            "f", text, 1, 3, SymbolBinding.Weak, SymbolType.Function, SymbolVisibility.Hidden);
        int undefined = builder.AddSymbol("größe");
        int absolute = builder.AddSymbol("abs", SHN_ABS, 0x1234);
        int common = builder.AddSymbol("c", SHN_COMMON, 16, 40, type: SymbolType.Object);
        int large = builder.AddSymbol("l", SHN_X86_64_LCOMMON, 32, 50, type: SymbolType.Object);

        ElfObject read = ElfObject.Read(builder.Build(), "a.o");

        Assert.Multiple(() =>
        {
            Assert.That(read.SymbolCount, Is.EqualTo(7));
            Assert.That(read.FirstGlobalSymbol, Is.EqualTo(defined));
            Assert.That(read.Symbol(0), Is.EqualTo(default(SymbolRecord)));
            Assert.That(Parts(read, local), Is.EqualTo(
                ("here", SymbolBinding.Local, SymbolType.Function, SymbolPlace.Section, text, 2ul, 1ul)));
            Assert.That(Parts(read, defined), Is.EqualTo(
                ("f", SymbolBinding.Weak, SymbolType.Function, SymbolPlace.Section, text, 1ul, 3ul)));
            Assert.That(read.Symbol(defined).Visibility, Is.EqualTo(SymbolVisibility.Hidden));
            Assert.That(Parts(read, undefined), Is.EqualTo(
                ("größe", SymbolBinding.Global, SymbolType.NoType, SymbolPlace.Undefined, 0, 0ul, 0ul)));
            Assert.That(Parts(read, absolute), Is.EqualTo(
                ("abs", SymbolBinding.Global, SymbolType.NoType, SymbolPlace.Absolute, 0, 0x1234ul, 0ul)));
            Assert.That(Parts(read, common), Is.EqualTo(
                ("c", SymbolBinding.Global, SymbolType.Object, SymbolPlace.Common, 0, 16ul, 40ul)));
            Assert.That(Parts(read, large), Is.EqualTo(
                ("l", SymbolBinding.Global, SymbolType.Object, SymbolPlace.LargeCommon, 0, 32ul, 50ul)));
        });
    }

    [TestCase(RelocationFormat.Rel)]
    [TestCase(RelocationFormat.Rela)]
    public void ReadsRelocations(RelocationFormat format)
    {
        ElfBuilder builder = new(is64Bit);
        int text = builder.AddCode(".text", new byte[64]);
        int symbol = builder.AddSymbol("f");
        builder.AddRelocation(text, 4, 2, symbol, -4, format);
        int section = builder.AddRelocation(text, 0xffff_fff0, 255, 0, int.MinValue, format);

        ElfObject read = ElfObject.Read(builder.Build(), "a.o");
        RelocationSection relocations = read.RelocationSections[0];
        List<RelocationRecord> records = [];
        foreach (RelocationRecord record in read.Relocations(relocations))
        {
            records.Add(record);
        }

        bool hasAddend = format == RelocationFormat.Rela;
        ReadOnlySpan<Rela64> entries = read.RelaEntries(relocations);
        Assert.That(entries.Length, Is.EqualTo(is64Bit && hasAddend ? 2 : 0));
        for (int i = 0; i < entries.Length; i++)
        {
            Assert.That(entries[i].ToRecord(), Is.EqualTo(records[i]));
        }

        Assert.That(relocations, Is.EqualTo(new RelocationSection(section, text, format, hasAddend, 2)));
        Assert.That(records, Is.EqualTo(new RelocationRecord[]
        {
            new(4, 2, (uint)symbol, hasAddend ? -4 : 0),
            new(0xffff_fff0, 255, 0, hasAddend ? int.MinValue : 0),
        }));
    }

    [TestCase(999, false)]
    [TestCase(1000, false)]
    [TestCase(1001, true)]
    [TestCase(5000, true)]
    public void LimitsTheLengthOfNames(int length, bool isRefused)
    {
        for (int before = 0; before < 1100; before += 50)
        {
            ElfBuilder builder = new(is64Bit);
            builder.AddSymbol(new string('a', before));
            builder.AddSymbol(new string('b', length));
            byte[] file = builder.Build();
            ReadLimits limits = new() { MaximumNameLength = 1000 };

            if (!isRefused && before <= 1000)
            {
                Assert.That(ElfObject.Read(file, "a.o", limits).SymbolCount, Is.EqualTo(3));
            }
            else
            {
                Assert.That(
                    () => ElfObject.Read(file, "a.o", limits),
                    Throws.TypeOf<LinkException>().With.Message.Contains("bytes exceeds the limit of 1000"));
            }
        }
    }

    [Test]
    public void ReadsGroups()
    {
        ElfBuilder builder = new(is64Bit);
        int a = builder.AddCode(".text.a", 1);
        int b = builder.AddCode(".text.b", 1);
        int c = builder.AddCode(".text.c", 1);
        int section = builder.AddSymbol("", b, binding: SymbolBinding.Local, type: SymbolType.Section);
        int named = builder.AddSymbol("sig", a);
        int first = builder.AddGroup(named, true, a, c);
        int second = builder.AddGroup(section, false, b);

        ElfObject read = ElfObject.Read(builder.Build(), "a.o");

        Assert.Multiple(() =>
        {
            Assert.That(read.Groups.ToArray(), Is.EqualTo(new SectionGroup[]
            {
                new(first, true, named, 2),
                new(second, false, section, 1),
            }));
            Assert.That(read.Members(read.Groups[0]).ToArray(), Is.EqualTo(new[] { a, c }));
            Assert.That(read.Members(read.Groups[1]).ToArray(), Is.EqualTo(new[] { b }));
            Assert.That(read.Signature(read.Groups[0]).SequenceEqual("sig"u8), Is.True);
            Assert.That(read.Signature(read.Groups[1]).SequenceEqual(".text.b"u8), Is.True);
            Assert.That(new[] { 0, a, b, c, first }.Select(read.GroupOf), Is.EqualTo(new[] { -1, 0, 1, 0, -1 }));
        });
    }

    private static (string, SymbolBinding, SymbolType, SymbolPlace, int, ulong, ulong) Parts(ElfObject read, int index)
    {
        SymbolRecord symbol = read.Symbol(index);
        return (read.SymbolNameText(index), symbol.Binding, symbol.Type, symbol.Place, symbol.Section, symbol.Value,
            symbol.Size);
    }
}
