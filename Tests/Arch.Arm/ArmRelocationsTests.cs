using ElfLoader.Arch.Arm;
using ElfLoader.Relocations;
using ElfLoader.Tests.Relocations;
using static ElfLoader.Relocations.RelocationOutcome;
using Machine = ElfLoader.Arch.Arm.Arm;

namespace ElfLoader.Tests.Arch.Arm;

/// <summary>The table against AAELF32's, and single values worked out by hand or by an assembler.</summary>
public sealed class ArmRelocationsTests
{
    private static readonly RelocationTable Table = Machine.Default.Relocations;

#pragma warning disable format // columns
    /// <summary>Bytes before and after; those after that are instructions are llvm-mc's for the operand in the comment.</summary>
    private static readonly Fact[] Facts =
    [
        //  type                    before      S                       P            after       outcome
        new("R_ARM_ABS32",          "00000000", 0x0048_4000,            0,           "01404800") { T = 1 },
        new("R_ARM_ABS32",          "ffffffff", 0x0048_4000,            0,           "ff3f4800") { T = 1 },
        new("R_ARM_ABS32_NOI",      "00000000", 0x0048_4000,            0,           "00404800") { T = 1 },
        new("R_ARM_REL32",          "00000000", 0x0000_1000,            0x2000,      "00f0ffff"),
        new("R_ARM_REL32",          "00000000", 0x0000_1000,            0x2000,      "01f0ffff") { T = 1 },

        // The addend is 31 bits; bit 31 belongs to the table's reader. 0x7ffffff8 is -8.
        new("R_ARM_PREL31",         "f8ffff7f", 0x0000_1008,            0x2000,      "00f0ff7f"),
        new("R_ARM_PREL31",         "f8ffffff", 0x0000_1008,            0x2000,      "00f0ffff"),
        new("R_ARM_PREL31",         "00000080", 0x0000_3000,            0x2000,      "01100080") { T = 1 },
        new("R_ARM_PREL31",         "00000080", 0x4000_0000,            0,           "00000080", OutOfRange),

        // bl #8; b #-8; bleq #8; blx #2 (H) and blx #0 in place of bl; bl in place of blx
        new("R_ARM_CALL",           "feffffeb", 0x0000_1010,            0x1000,      "020000eb") { IsFunction = true },
        new("R_ARM_JUMP24",         "feffffea", 0x0000_1000,            0x1000,      "feffffea"),
        new("R_ARM_JUMP24",         "feffff0b", 0x0000_1010,            0x1000,      "0200000b") { IsFunction = true },
        new("R_ARM_CALL",           "feffffeb", 0x0000_100a,            0x1000,      "000000fb") { T = 1 },
        new("R_ARM_CALL",           "feffffeb", 0x0000_1008,            0x1000,      "000000fa") { T = 1 },
        new("R_ARM_CALL",           "fefffffa", 0x0000_1008,            0x1000,      "000000eb") { IsFunction = true },
        new("R_ARM_CALL",           "fefffffa", 0x0000_1008,            0x1000,      "000000fa"),
        new("R_ARM_CALL",           "feffff0b", 0x0000_1008,            0x1000,      "feffff0b", WrongInstructionSet) { T = 1 },
        new("R_ARM_JUMP24",         "feffffea", 0x0000_1008,            0x1000,      "feffffea", WrongInstructionSet) { T = 1 },
        new("R_ARM_CALL",           "feffffe3", 0x0000_1008,            0x1000,      "feffffe3", WrongInstruction),

        // movw r12, #0x1234; movt r0, #0x76ff; movt with the addend -4, without and with a borrow
        new("R_ARM_MOVW_ABS_NC",    "00c000e3", 0x76ff_1234,            0,           "34c201e3"),
        new("R_ARM_MOVW_ABS_NC",    "00c000e3", 0x76ff_1234,            0,           "35c201e3") { T = 1 },
        new("R_ARM_MOVT_ABS",       "000040e3", 0x76ff_1234,            0,           "ff0647e3"),
        new("R_ARM_MOVT_ABS",       "000040e3", 0x76ff_ffff,            0,           "ff0647e3") { T = 1 },
        new("R_ARM_MOVT_ABS",       "fc0f4fe3", 0x76ff_0008,            0,           "ff0647e3"),
        new("R_ARM_MOVT_ABS",       "fc0f4fe3", 0x76ff_0000,            0,           "fe0647e3"),
        new("R_ARM_MOVW_ABS_NC",    "000000ea", 0x76ff_1234,            0,           "000000ea", WrongInstruction),

        // movw r0, #0x1234; movw r0, #0x1235; movt r1, #0xabcd; prel
        new("R_ARM_THM_MOVW_ABS_NC", "40f20000", 0x0000_1234,           0,           "41f23420"),
        new("R_ARM_THM_MOVW_ABS_NC", "40f20000", 0x0000_1234,           0,           "41f23520") { T = 1 },
        new("R_ARM_THM_MOVT_ABS",   "c0f20001", 0xabcd_0000,            0,           "caf6cd31"),
        new("R_ARM_THM_MOVW_PREL_NC", "40f20000", 0x0000_2234,          0x1000,      "41f23420"),
        new("R_ARM_THM_MOVT_PREL",  "c0f20001", 0xabcd_1000,            0x1000,      "caf6cd31"),

        // bl #0x100000, #0xfffffe, #-0x1000000, one too far; bl for blx; blx for bl from 2 mod 4
        new("R_ARM_THM_CALL",       "fff7feff", 0x0110_0004,            0x0100_0000, "00f100f8") { T = 1 },
        new("R_ARM_THM_CALL",       "fff7feff", 0x0200_0002,            0x0100_0000, "fff3ffd7") { T = 1 },
        new("R_ARM_THM_CALL",       "fff7feff", 0x0000_0004,            0x0100_0000, "00f400d0") { T = 1 },
        new("R_ARM_THM_CALL",       "fff7feff", 0x0200_0004,            0x0100_0000, "fff7feff", OutOfRange) { T = 1 },
        new("R_ARM_THM_CALL",       "fff7feff", 0x0000_0002,            0x0100_0000, "fff7feff", OutOfRange) { T = 1 },
        new("R_ARM_THM_CALL",       "fff7feef", 0x0000_1008,            0x1000,      "00f002f8") { T = 1 },
        new("R_ARM_THM_CALL",       "fff7feff", 0x0000_1008,            0x1000,      "00f002e8") { IsFunction = true },
        new("R_ARM_THM_CALL",       "fff7feff", 0x0000_1008,            0x1002,      "00f002e8") { IsFunction = true },
        new("R_ARM_THM_CALL",       "fff7feff", 0x0000_1008,            0x1000,      "00f002f8"),

        // The addend has all 25 bits: +0xc00000 + 4; and JUMP19's all 21: +0x80000.
        new("R_ARM_THM_CALL",       "00f000d0", 0x0000_0000,            0x00c0_0000, "00f000f8") { T = 1 },
        new("R_ARM_THM_JUMP19",     "00f00088", 0x0000_0000,            0x0008_0000, "00f00080") { T = 1 },
        new("R_ARM_THM_JUMP19",     "3ff4feaf", 0x0008_0004,            0,           "00f00088") { T = 1 },
        new("R_ARM_THM_JUMP19",     "3ff4feaf", 0x0008_0004,            0,           "3ff4feaf", WrongInstructionSet) { IsFunction = true },
        new("R_ARM_THM_JUMP24",     "fff7febf", 0x0000_1004,            0x1000,      "00f000b8"),
        new("R_ARM_THM_JUMP24",     "fff7febf", 0x0000_1004,            0x1000,      "fff7febf", WrongInstructionSet) { IsFunction = true },

        // b #0; beq #-2 and their neighbours; cbz r0, #126 with the addend -4 and without; ldr r0, [pc, #1020]
        new("R_ARM_THM_JUMP11",     "fee7",     0x0000_1004,            0x1000,      "00e0") { T = 1 },
        new("R_ARM_THM_JUMP8",      "fed0",     0x0000_1002,            0x1000,      "ffd0") { T = 1 },
        new("R_ARM_THM_JUMP6",      "f0b3",     0x0000_1082,            0x1000,      "f8b3") { T = 1 },
        new("R_ARM_THM_JUMP6",      "00b1",     0x0000_1000,            0x1000,      "00b1") { T = 1 },
        new("R_ARM_THM_PC8",        "ff48",     0x0000_1400,            0x1000,      "ff48"),
        new("R_ARM_THM_PC8",        "ff48",     0x0000_1400,            0x1002,      "ff48"),
        new("R_ARM_THM_PC8",        "ff48",     0x0000_1404,            0x1000,      "ff48", OutOfRange),
        new("R_ARM_THM_PC8",        "ff48",     0x0000_1006,            0x1000,      "ff48", Misaligned),

        // ldr.w r1, [pc, #-52] from [pc, #0]; ldr r0, [pc, #-8]; adr.w r0 backwards
        new("R_ARM_THM_PC12",       "9ff80010", 0x003f_ffd0,            0x0040_0006, "1ff83410"),
        new("R_ARM_LDR_PC_G0",      "08001fe5", 0x0000_1000,            0x1000,      "08001fe5"),
        new("R_ARM_LDR_PC_G0",      "08001fe5", 0x0000_1010,            0x1000,      "08009fe5"),
        new("R_ARM_ABS12",          "040011e5", 0x0000_0234,            0,           "300291e5"),
        new("R_ARM_THM_ALU_PREL_11_0", "0ff20000", 0x0000_0f00,         0x1000,      "aff20010"),

        // Groups of 0x12345678: 0x48 << 22, 0xd1 << 14, rest 0x1678.
        new("R_ARM_ALU_PC_G0_NC",   "00008fe2", 0x1234_5678,            0,           "48058fe2"),
        new("R_ARM_ALU_PC_G1_NC",   "000080e2", 0x1234_5678,            0,           "d10980e2"),
        new("R_ARM_ALU_PC_G0",      "00008fe2", 0x0000_0101,            0,           "00008fe2", NotEncodable),
        new("R_ARM_ALU_PC_G0",      "00008fe2", 0x0000_0000,            0xff00,      "ff0c4fe2"),
        new("R_ARM_LDRS_PC_G0",     "b000dfe1", 0x0000_0100,            0,           "b000dfe1", OutOfRange),
        new("R_ARM_LDC_PC_G0",      "00219fed", 0x0000_0002,            0,           "00219fed", NotEncodable),

        // The old ones that add 20 + 8 + 12 bits in three instructions that are always the same.
        new("R_ARM_ALU_SBREL_27_20_CK", "000689e2", 0x0123_4567,        0,           "120689e2"),
        new("R_ARM_ALU_SBREL_19_12_NC", "000a80e2", 0x0123_4567,        0,           "340a80e2"),
        new("R_ARM_LDR_SBREL_11_0_NC",  "000090e5", 0x0123_4567,        0,           "670590e5"),

        // bl to what a linker provides; the address of a descriptor counts from the call's return address
        new("R_ARM_TLS_CALL",       "000000eb", 0x0000_1008,            0x1000,      "000000eb") { IsFunction = true },
        new("R_ARM_TLS_GOTDESC",    "04000000", 0,                      0x1004,      "fc0f0000") { G = 0x10, Got = 0x1ff0 },
        new("R_ARM_TLS_GOTDESC",    "05000000", 0,                      0x1004,      "fb0f0000") { G = 0x10, Got = 0x1ff0 },

        // bf that does not reach is dropped: nop.w
        new("R_ARM_THM_BF16",       "dff0ffe7", 0x0040_0100,            0x0040_0000, "c0f07fe0") { T = 1 },
        new("R_ARM_THM_BF16",       "dff0ffe7", 0x0050_0100,            0x0040_0000, "aff30080") { T = 1 },
    ];
#pragma warning restore format

    private static IEnumerable<TestCaseData> Cases =>
        Facts.Select(fact => new TestCaseData(fact).SetArgDisplayNames($"{fact.Type} {fact.Before} {fact.S:x} {fact.P:x} -> {fact.After}"));

    private static IEnumerable<TestCaseData> Specification =>
        FixtureTable.Read("arm.csv").Select(row => new TestCaseData(row).SetArgDisplayNames(row["name"]));

    [TestCaseSource(nameof(Specification))]
    public void RowSaysWhatTheAbiSays(IReadOnlyDictionary<string, string> row)
    {
        RelocationRule? rule = Table[uint.Parse(row["number"])];

        Assert.That(rule, Is.Not.Null);
        Assert.Multiple(() =>
        {
            Assert.That(rule!.Name, Is.EqualTo(row["name"]));
            Assert.That(rule.Use.ToString().ToLowerInvariant(), Is.EqualTo(row["use"]));
            Assert.That(rule.Refusal is null, Is.EqualTo(row["use"] is not "refused"));
            Assert.That(rule.Field.Size, Is.EqualTo(int.Parse(row["size"])));
            Assert.That(rule.Expression.ToString(), Is.EqualTo(row["expression"]));
            Assert.That(rule.Slot.ToString(), Is.EqualTo(row["slot"].Length is 0 ? "None" : row["slot"]));
            (string Minimum, string Maximum) limits = rule.Minimum is long.MinValue or int.MinValue
                ? ("", "")
                : (rule.Minimum.ToString(), rule.Maximum.ToString());
            Assert.That(limits, Is.EqualTo((row["minimum"], row["maximum"])));
        });
    }

    [Test]
    public void TableHasNoRowThatTheAbiHasNot() =>
        Assert.That(
            Table.Rules.Select(rule => rule.Name),
            Is.EquivalentTo(FixtureTable.Read("arm.csv").Select(row => row["name"])));

    [TestCaseSource(nameof(Cases))]
    public void PatchesThePlaceAsTheTableSays(Fact fact)
    {
        RelocationRule rule = Table.Rules.Single(rule => rule.Name == fact.Type);
        byte[] place = Convert.FromHexString(fact.Before);
        Operands operands = fact.Bind(rule.ReadAddend(place));

        RelocationOutcome outcome = Table.Apply(rule, place, operands, out _);
        Assert.That((Convert.ToHexStringLower(place), outcome), Is.EqualTo((fact.After, fact.Outcome)));

        // What BF has been turned to has forgotten its operands; all else takes a second value as the first.
        if (fact.After is not "aff30080")
        {
            Assert.That(Table.Apply(rule, place, operands, out _), Is.EqualTo(fact.Outcome));
            Assert.That(Convert.ToHexStringLower(place), Is.EqualTo(fact.After));
        }
    }

    [TestCase(0x28_0004UL, "80f200f8", Description = "+2.5 MiB")]
    [TestCase(0x40_0002UL, "fff3ffff", Description = "the farthest")]
    [TestCase(0x40_0004UL, null)]
    public void CallsBeforeThumb2ReachFourMebibytes(ulong s, string? after)
    {
        var machine = new Machine(new ArmOptions { Architecture = ArmArchitecture.FromBuildAttributes(2, '\0') });
        RelocationRule rule = machine.Relocations[ArmRelocationTypes.R_ARM_THM_CALL]!;
        byte[] place = Convert.FromHexString("fff7feff");

        RelocationOutcome outcome = machine.Relocations.Apply(
            rule, place, new Operands { S = s, L = s, A = rule.ReadAddend(place), T = 1 }, out _);

        Assert.That(outcome, Is.EqualTo(after is null ? OutOfRange : Applied));
        Assert.That(Convert.ToHexStringLower(place), Is.EqualTo(after ?? "fff7feff"));
    }

    [TestCase("1eff2fe1", "0ef0a0e1", Description = "bx lr")]
    [TestCase("13ff2f11", "03f0a011", Description = "bxne r3")]
    [TestCase("0ef0a0e1", "0ef0a0e1", Description = "again")]
    public void BxBecomesMovWhereAsked(string before, string after)
    {
        var machine = new Machine(new ArmOptions { RewritesBx = true });
        byte[] place = Convert.FromHexString(before);

        Assert.That(
            machine.Relocations.Apply(machine.Relocations[ArmRelocationTypes.R_ARM_V4BX]!, place, default, out _),
            Is.EqualTo(Applied));
        Assert.That(Convert.ToHexStringLower(place), Is.EqualTo(after));
    }

    public sealed record Fact(
        string Type, string Before, ulong S, ulong P, string After, RelocationOutcome Outcome = RelocationOutcome.Applied)
    {
        public ulong T { get; init; }

        public bool IsFunction { get; init; }

        public ulong G { get; init; }

        public ulong Got { get; init; }

        public Operands Bind(long addend) => new()
        {
            S = S,
            L = S,
            P = P,
            A = addend,
            T = T,
            IsFunction = IsFunction || T is 1,
            G = G,
            Got = Got,
        };
    }
}
