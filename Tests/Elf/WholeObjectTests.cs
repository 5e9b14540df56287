using ElfLoader.Elf;
using ElfLoader.Tests.Support;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Tests.Elf;

/// <summary>What objects say of themselves as a whole: build attributes and properties.</summary>
public sealed class WholeObjectTests
{
    /// <summary>
    /// Written by llvm-mc 19 for <c>.cpu cortex-m4</c>, <c>.eabi_attribute Tag_ABI_VFP_args, 1</c> and
    /// <c>.eabi_attribute Tag_CPU_raw_name, "raw"</c>.
    /// </summary>
    private const string CortexM4 = "41210000006165616269000117000000047261770005636f727465782d6d34001c01";

    /// <summary>Written by clang 14 with <c>-fcf-protection=full</c>.</summary>
    private const string FullProtection = "040000001000000005000000474e5500020000c0040000000300000000000000";

    /// <summary>Written by clang 14 with <c>-m32 -fcf-protection=branch</c>.</summary>
    private const string BranchProtection32 = "040000000c00000005000000474e5500020000c00400000001000000";

    [Test]
    public void ReadsBuildAttributes()
    {
        BuildAttributes read = ReadAttributes(CortexM4)!;

        Assert.Multiple(() =>
        {
            Assert.That(read.GetText(5), Is.EqualTo("cortex-m4"));
            Assert.That(read.GetText(4), Is.EqualTo("raw"));
            Assert.That(read.TryGetNumber(BuildAttributes.Tag_ABI_VFP_args, out ulong number), Is.True);
            Assert.That(number, Is.EqualTo(1));
            Assert.That(read.TryGetNumber(BuildAttributes.Tag_CPU_arch, out _), Is.False);
            Assert.That(read.TryGetNumber(5, out _), Is.False);
            Assert.That(read.GetText(BuildAttributes.Tag_ABI_VFP_args), Is.Null);
            Assert.That(read.Tags, Is.EquivalentTo(new uint[] { 4, 5, 28 }));
        });
    }

    /// <summary>
    /// By hand: vendor "x", section scope, Tag_compatibility, odd tag above 32, two-byte tag and value.
    /// </summary>
    [Test]
    public void ReadsBuildAttributesOfEveryShape()
    {
        BuildAttributes read = ReadAttributes(
            "41" + "08000000" + "7800" + "0102"
            + "26000000" + "616561626900" + "02" + "07000000" + "0105" + "01" + "15000000"
            + "2001676e7500" + "43322e303900" + "c600" + "8101")!;

        Assert.Multiple(() =>
        {
            Assert.That(read.TryGetNumber(32, out ulong compatible), Is.True);
            Assert.That(compatible, Is.EqualTo(1));
            Assert.That(read.GetText(32), Is.EqualTo("gnu"));
            Assert.That(read.GetText(67), Is.EqualTo("2.09"));
            Assert.That(read.TryGetNumber(70, out ulong wide), Is.True);
            Assert.That(wide, Is.EqualTo(129));
            Assert.That(read.Tags, Is.EquivalentTo(new uint[] { 32, 67, 70 }));
        });
    }

    [TestCase("")]
    [TestCase("42")]
    [TestCase("4121000000")]
    [TestCase("410300000061")]
    [TestCase("4105000000ff")]
    [TestCase("410f000000616561626900" + "01" + "06000000")]
    [TestCase("410f000000616561626900" + "01" + "04000000")]
    [TestCase("4110000000616561626900" + "01" + "06000000" + "1c")]
    [TestCase("4111000000616561626900" + "01" + "07000000" + "0561")]
    public void RefusesMalformedBuildAttributes(string hex) => Assert.That(
        () => ReadAttributes(hex),
        Throws.TypeOf<LinkException>().With.Message.EqualTo("a.o: .ARM.attributes: build attributes are malformed"));

    [Test]
    public void OtherMachinesHaveNoBuildAttributes() => Assert.That(ReadAttributes("42", EM_X86_64), Is.Null);

    [TestCase(FullProtection, true, 3ul)]
    [TestCase(BranchProtection32, false, 1ul)]
    [TestCase(BranchProtection32 + BranchProtection32, false, 1ul)]
    public void ReadsProperties(string hex, bool is64Bit, ulong expected)
    {
        GnuProperties read = ReadProperties(hex, is64Bit);

        Assert.That(read.TryGet(GnuProperties.GNU_PROPERTY_X86_FEATURE_1_AND, out ulong features), Is.True);
        Assert.That(features, Is.EqualTo(expected));
        Assert.That(read.Values, Has.Count.EqualTo(1));
    }

    /// <summary>Written by GNU as 2.40 with <c>-mx86-used-note=yes</c>: each value padded to eight bytes.</summary>
    [Test]
    public void ReadsSeveralPropertiesOfOneNote()
    {
        GnuProperties read = ReadProperties(
            "040000002000000005000000474e5500020001c0040000000000000000000000010001c0040000000100000000000000",
            is64Bit: true);

        Assert.That(read.Values, Is.EquivalentTo(new Dictionary<uint, ulong>
        {
            [GnuProperties.GNU_PROPERTY_X86_ISA_1_USED] = 0,
            [0xc001_0001] = 1,
        }));
    }

    /// <summary>By hand, from the table of "Program Property": eight bytes need no padding, four need four.</summary>
    [Test]
    public void ReadsAPropertyOfEightBytes()
    {
        GnuProperties read = ReadProperties(
            "040000002000000005000000474e550001000000080000000000100000000000020000c0040000000300000000000000",
            is64Bit: true);

        Assert.That(read.Values, Is.EquivalentTo(new Dictionary<uint, ulong>
        {
            [GnuProperties.GNU_PROPERTY_STACK_SIZE] = 0x10_0000,
            [GnuProperties.GNU_PROPERTY_X86_FEATURE_1_AND] = 3,
        }));
    }

    [TestCase("0400000010000000050000")]
    [TestCase("040000001000000005000000474e5500020000c0")]
    [TestCase("ffffffff1000000005000000474e5500020000c0040000000300000000000000")]
    [TestCase("04000000ffffffff05000000474e5500020000c0040000000300000000000000")]
    [TestCase("040000001000000005000000474e5500020000c0ffffffff0300000000000000")]
    [TestCase("040000000400000005000000474e5500020000c000000000")]
    public void RefusesMalformedProperties(string hex) => Assert.That(
        () => ReadProperties(hex, is64Bit: true),
        Throws.TypeOf<LinkException>().With.Message.EqualTo("a.o: .note.gnu.property: properties are malformed"));

    [TestCase("$a", MappingKind.Arm)]
    [TestCase("$t.7", MappingKind.Thumb)]
    [TestCase("$d.realdata", MappingKind.Data)]
    [TestCase("$d", MappingKind.Data)]
    [TestCase("$ab", MappingKind.None)]
    [TestCase("$", MappingKind.None)]
    [TestCase("$x", MappingKind.None)]
    [TestCase("a", MappingKind.None)]
    public void RecognisesMappingSymbols(string name, MappingKind expected)
    {
        ElfBuilder builder = new(is64Bit: false, EM_ARM);
        int text = builder.AddCode(".text", 0, 0, 0, 0);
        int local = builder.AddSymbol(name, text, binding: SymbolBinding.Local);
        int global = builder.AddSymbol(name, text);
        ElfObject read = ElfObject.Read(builder.Build(), "a.o");

        Assert.That(MappingSymbol.Detect(read.Symbol(local), read.SymbolName(local)), Is.EqualTo(expected));
        Assert.That(MappingSymbol.Detect(read.Symbol(global), read.SymbolName(global)), Is.EqualTo(MappingKind.None));
    }

    private static BuildAttributes? ReadAttributes(string hex, ushort machine = EM_ARM)
    {
        ElfBuilder builder = new(is64Bit: false, machine);
        builder.AddSection(".ARM.attributes", SHT_ARM_ATTRIBUTES, 0, Convert.FromHexString(hex));
        return ElfObject.Read(builder.Build(), "a.o").Attributes;
    }

    private static GnuProperties ReadProperties(string hex, bool is64Bit)
    {
        ElfBuilder builder = new(is64Bit);
        builder.AddSection(".note.gnu.property", SHT_NOTE, SHF_ALLOC, Convert.FromHexString(hex));
        return ElfObject.Read(builder.Build(), "a.o").Properties;
    }
}
