using ElfLoader.Arch.X64;
using ElfLoader.Relocations;
using ElfLoader.Tests.Relocations;

namespace ElfLoader.Tests.Arch.X64;

/// <summary>The table against the psABI's, and single values worked out by hand.</summary>
public sealed class X64RelocationsTests
{
    private static IEnumerable<TestCaseData> Specification =>
        FixtureTable.Read("x86_64.csv").Select(row => new TestCaseData(row).SetArgDisplayNames(row["name"]));

    [TestCaseSource(nameof(Specification))]
    public void RowSaysWhatTheAbiSays(IReadOnlyDictionary<string, string> row)
    {
        RelocationRule? rule = X64Relocations.Table[uint.Parse(row["number"])];

        Assert.That(rule, Is.Not.Null);
        Assert.Multiple(() =>
        {
            Assert.That(rule!.Name, Is.EqualTo(row["name"]));
            Assert.That(Formula(rule), Is.EqualTo(Expected(row["expression"])));
            Assert.That(rule.Field.Size, Is.EqualTo(FieldSize(row["field"])));
            Assert.That(rule.Overflow, Is.EqualTo(row["overflow"] switch
            {
                "signed" => Overflow.Signed,
                "unsigned" => Overflow.Unsigned,
                "either" => Overflow.Either,
                _ => Overflow.Wraps,
            }));
            Assert.That(rule.Use, Is.EqualTo(row["class"] switch
            {
                "dynamic" => RelocationUse.Dynamic,
                _ when row["field"].StartsWith("none", StringComparison.Ordinal) => RelocationUse.Marker,
                _ => RelocationUse.Static,
            }));
            Assert.That(
                rule.Slot is GotSlot.Address,
                Is.EqualTo(row["needs"].Contains("slot of S", StringComparison.Ordinal)));
            Assert.That(rule.IsBranch, Is.EqualTo(row["expression"].StartsWith('L')));
        });
    }

    [Test]
    public void TableHasNoRowThatTheAbiHasNot() =>
        Assert.That(
            X64Relocations.Table.Rules.Select(rule => rule.Name),
            Is.EquivalentTo(FixtureTable.Read("x86_64.csv").Select(row => row["name"])));

    // before, S, A, P -> after; G = 0x18, GOT = 0x460000, Z = 24, TP = 0x440030, TLSBLOCK = 0x440000, L = 0x470010
    [TestCase("R_X86_64_64", 0x490000UL, 8L, 0x420001UL, "0800490000000000")]
    [TestCase("R_X86_64_64", 0UL, -1L, 0x420001UL, "ffffffffffffffff")]
    [TestCase("R_X86_64_PC32", 0x490000UL, -4L, 0x400003UL, "f9ff0800")]
    [TestCase("R_X86_64_PC32", 0x400000UL, -4L, 0x400003UL, "f9ffffff")]
    [TestCase("R_X86_64_PC32", 0x10UL, -4L, 0xffff_ffff_ffff_fff0UL, "1c000000", Description = "around the address space")]
    [TestCase("R_X86_64_PLT32", 0UL, -4L, 0x400001UL, "0b000700")]
    [TestCase("R_X86_64_32", 0xffff_fff0UL, 0xfL, 0UL, "ffffffff")]
    [TestCase("R_X86_64_32S", 0xffff_ffff_8000_0000UL, 0L, 0UL, "00000080")]
    [TestCase("R_X86_64_16", 0x1234UL, 16L, 0UL, "4412")]
    [TestCase("R_X86_64_16", 0x1234UL, -37428L, 0UL, "0080")]
    [TestCase("R_X86_64_8", 0x45UL, 186L, 0UL, "ff")]
    [TestCase("R_X86_64_8", 0x45UL, -197L, 0UL, "80")]
    [TestCase("R_X86_64_PC8", 0x400000UL, -1L, 0x400001UL, "fe")]
    [TestCase("R_X86_64_GOT32", 0UL, 4L, 0UL, "1c000000")]
    [TestCase("R_X86_64_GOTPCREL", 0UL, -4L, 0x400003UL, "11000600")]
    [TestCase("R_X86_64_GOTPC32", 0UL, -4L, 0x400003UL, "f9ff0500")]
    [TestCase("R_X86_64_GOTPC64", 0UL, 2L, 0x400009UL, "f9ff050000000000")]
    [TestCase("R_X86_64_GOTOFF64", 0x490000UL, 0L, 0UL, "0000030000000000")]
    [TestCase("R_X86_64_PLTOFF64", 0UL, 0L, 0UL, "1000010000000000")]
    [TestCase("R_X86_64_SIZE32", 0UL, -4L, 0UL, "14000000")]
    [TestCase("R_X86_64_SIZE64", 0UL, 0L, 0UL, "1800000000000000")]
    [TestCase("R_X86_64_TPOFF32", 0x440010UL, 0L, 0UL, "e0ffffff")]
    [TestCase("R_X86_64_TPOFF64", 0x440010UL, 4L, 0UL, "e4ffffffffffffff")]
    [TestCase("R_X86_64_DTPOFF32", 0x440010UL, 4L, 0UL, "14000000")]
    [TestCase("R_X86_64_DTPOFF64", 0x440010UL, 0L, 0UL, "1000000000000000")]
    [TestCase("R_X86_64_NONE", 0x440010UL, 0L, 0UL, "")]
    [TestCase("R_X86_64_TLSDESC_CALL", 0x440010UL, 0L, 0UL, "")]
    public void ValueIsWritten(string name, ulong s, long a, ulong p, string after)
    {
        RelocationRule rule = X64Relocations.Table.Rules.Single(rule => rule.Name == name);
        var operands = new Operands
        {
            S = s,
            A = a,
            P = p,
            G = 0x18,
            Got = 0x460000,
            L = 0x470010,
            Z = 24,
            Tp = 0x440030,
            TlsBlock = 0x440000,
        };
        byte[] place = Convert.FromHexString("aabbccddeeff00112233");
        byte[] expected = [.. Convert.FromHexString(after), .. place[(after.Length / 2)..]];

        Assert.That(X64Relocations.Table.Apply(rule, place, operands, out _), Is.EqualTo(RelocationOutcome.Applied));
        Assert.That(place, Is.EqualTo(expected));
    }

    // The psABI's limits, by hand.
    [TestCase("R_X86_64_PC32", -0x8000_0000L, 0x7fff_ffffL)]
    [TestCase("R_X86_64_PLT32", -0x8000_0000L, 0x7fff_ffffL)]
    [TestCase("R_X86_64_GOTPCREL", -0x8000_0000L, 0x7fff_ffffL)]
    [TestCase("R_X86_64_32S", -0x8000_0000L, 0x7fff_ffffL)]
    [TestCase("R_X86_64_32", 0L, 0xffff_ffffL)]
    [TestCase("R_X86_64_SIZE32", 0L, 0xffff_ffffL)]
    [TestCase("R_X86_64_16", -0x8000L, 0xffffL)]
    [TestCase("R_X86_64_PC16", -0x8000L, 0x7fffL)]
    [TestCase("R_X86_64_8", -0x80L, 0xffL)]
    [TestCase("R_X86_64_PC8", -0x80L, 0x7fL)]
    public void LimitsAreTheAbis(string name, long minimum, long maximum)
    {
        RelocationRule rule = X64Relocations.Table.Rules.Single(rule => rule.Name == name);

        Assert.That((rule.Minimum, rule.Maximum), Is.EqualTo((minimum, maximum)));
        Assert.That(rule.Admits(minimum) && rule.Admits(maximum), Is.True);
        Assert.That(rule.Admits(minimum - 1) || rule.Admits(maximum + 1), Is.False);
    }

    private static string Formula(RelocationRule rule) => rule.Expression.ToString().Replace("G + GOT", rule.Slot switch
    {
        GotSlot.TlsIndex => "GOT(dtpmod; dtpoff pair of S)",
        GotSlot.TlsModule => "GOT(dtpmod; 0 pair of this module)",
        GotSlot.TpOffset => "GOT(tpoff of S)",
        GotSlot.TlsDescriptor => "GOT(tls descriptor of S)",
        _ => "G + GOT",
    }, StringComparison.Ordinal);

    private static string Expected(string expression) => expression switch
    {
        // Done by the dynamic loader, not by storing a sum.
        "none" or "copy st_size bytes" or "module id of S" or "descriptor {fn; arg}" => "",
        "indirect (B + A)" => "B + A",
        _ => expression.Replace("TLSBLOCK(S)", "TLSBLOCK", StringComparison.Ordinal),
    };

    private static int FieldSize(string field) => field switch
    {
        "word8" => 1,
        "word16" => 2,
        "word32" => 4,
        "word64" => 8,
        _ => 0,
    };
}
