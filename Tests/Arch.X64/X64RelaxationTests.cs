using ElfLoader.Relocations;
using ElfLoader.Tests.Relocations;
using static ElfLoader.Arch.X64.X64Relocations;

namespace ElfLoader.Tests.Arch.X64;

/// <summary>Rewritten code against the linkers', and all that must not be rewritten.</summary>
public sealed class X64RelaxationTests
{
    private const ulong Text = 0x400000;

    /// <summary>Where the linkers put the fixture's symbols; tls_var in terms of its block.</summary>
    private static readonly Dictionary<string, ulong> Addresses = new()
    {
        ["near_fn"] = 0x480000,
        ["near_data"] = 0x490000,
        ["small"] = 0x1234,
        ["tls_var"] = 0x10,
    };

    private static IEnumerable<TestCaseData> Linked =>
        FixtureTable.Read("relaxations.csv").Select(row => new TestCaseData(
            row["records"].Split(' '),
            row["before"],
            row["after"],
            Enum.Parse<RelaxationTraits>(row["traits"].Replace(' ', ','))).SetArgDisplayNames(row["case"]));

    [TestCaseSource(nameof(Linked))]
    public void CodeBecomesWhatLinkersMakeOfIt(string[] records, string before, string after, RelaxationTraits traits)
    {
        byte[] code = Convert.FromHexString(before);

        Relaxation result = Relax(code, records, traits);

        Assert.That(Convert.ToHexStringLower(code), Is.EqualTo(after));
        Assert.That(result, Is.EqualTo(new Relaxation(Applied: true, Consumed: records.Length - 1)));
    }

    /// <summary>What the field holds does not matter, nor what lies around the code.</summary>
    [TestCaseSource(nameof(Linked))]
    public void CodeIsRelaxedWhereverItStands(string[] records, string before, string after, RelaxationTraits traits)
    {
        byte[] code = [0xcc, 0xcc, .. Convert.FromHexString(before), 0xcc];
        string[] moved = [.. records.Select(record => Shift(record, 2))];

        Relax(code, moved, traits, Text - 2);

        Assert.That(Convert.ToHexStringLower(code), Is.EqualTo($"cccc{after}cc"));
    }

    /// <summary>Each byte that is no operand decides: with another one there the code stays, or is relaxed alike.</summary>
    [TestCaseSource(nameof(Linked))]
    public void NothingIsWrittenUnlessTheRelaxationIsApplied(
        string[] records, string before, string after, RelaxationTraits traits)
    {
        byte[] original = Convert.FromHexString(before);
        for (int i = 0; i < original.Length * 8; i++)
        {
            byte[] code = [.. original];
            code[i / 8] ^= (byte)(1 << (i % 8));
            byte[] mutant = [.. code];
            if (!Relax(code, records, traits).Applied)
            {
                Assert.That(code, Is.EqualTo(mutant), $"bit {i}");
            }
        }
    }

    [TestCaseSource(nameof(Linked))]
    public void WithoutTraitsNothingIsRelaxed(string[] records, string before, string after, RelaxationTraits traits) =>
        AssertDeclined(Convert.FromHexString(before), records, RelaxationTraits.None);

    [TestCaseSource(nameof(Linked))]
    public void AnotherAddendIsNotRelaxed(string[] records, string before, string after, RelaxationTraits traits) =>
        AssertDeclined(
            Convert.FromHexString(before),
            [records[0].Replace(":-4", ":0", StringComparison.Ordinal), .. records[1..]],
            traits);

    [TestCaseSource(nameof(Linked))]
    public void CutOffCodeIsNotRelaxed(string[] records, string before, string after, RelaxationTraits traits)
    {
        byte[] code = Convert.FromHexString(before);
        int field = Read(records[0]).Offset;
        for (int length = field + 4; length < code.Length; length++)
        {
            AssertDeclined(code[..length], records, traits);
        }

        for (int first = 1; first <= field; first++)
        {
            // jmp_notrack begins with a prefix that it can do without.
            bool isWhole = first is 1 && before.StartsWith("3eff", StringComparison.Ordinal);
            Relaxation result = Relax(code[first..], [.. records.Select(record => Shift(record, -first))], traits);
            Assert.That(result.Applied, Is.EqualTo(isWhole));
        }
    }

    [TestCaseSource(nameof(Linked))]
    public void SequenceNeedsItsCall(string[] records, string before, string after, RelaxationTraits traits)
    {
        if (records.Length > 1)
        {
            AssertDeclined(Convert.FromHexString(before), records[..1], traits);
            AssertDeclined(Convert.FromHexString(before), [records[0], Shift(records[1], 1)], traits);
            string otherType = "R_X86_64_64" + records[1][records[1].IndexOf('@')..];
            AssertDeclined(Convert.FromHexString(before), [records[0], otherType], traits);
        }
    }

    // S is given so that S + A - P, for jmp S + A - P + 1, is the last that fits or the first that does not.
    [TestCase(R_X86_64_GOTPCRELX, "ff1500000000", 2, 0x7fff_ffffL, "67e8ffffff7f")]
    [TestCase(R_X86_64_GOTPCRELX, "ff1500000000", 2, 0x8000_0000L, null)]
    [TestCase(R_X86_64_GOTPCRELX, "ff1500000000", 2, -0x8000_0000L, "67e800000080")]
    [TestCase(R_X86_64_GOTPCRELX, "ff1500000000", 2, -0x8000_0001L, null)]
    [TestCase(R_X86_64_GOTPCRELX, "ff2500000000", 2, 0x7fff_fffeL, "e9ffffff7f90")]
    [TestCase(R_X86_64_GOTPCRELX, "ff2500000000", 2, 0x7fff_ffffL, null)]
    [TestCase(R_X86_64_GOTPCRELX, "ff2500000000", 2, -0x8000_0001L, "e90000008090")]
    [TestCase(R_X86_64_GOTPCRELX, "ff2500000000", 2, -0x8000_0002L, null)]
    [TestCase(R_X86_64_REX_GOTPCRELX, "488b0500000000", 3, 0x7fff_ffffL, "488d05ffffff7f")]
    [TestCase(R_X86_64_REX_GOTPCRELX, "488b0500000000", 3, 0x8000_0000L, null)]
    [TestCase(R_X86_64_CODE_4_GOTPCRELX, "d5488b0500000000", 4, 0x100L, "d5488d0500010000")]
    public void DistanceMustFit(uint type, string before, int offset, long distance, string? after)
    {
        const ulong Place = 0x7f00_0000_0000;
        var operands = new Operands { S = Place + 4 + (ulong)distance, A = -4, P = Place };
        AssertBecomes(type, before, offset, operands, RelaxationTraits.BindsDirectly | RelaxationTraits.FixedAddress, after);
    }

    // 64-bit instructions extend the sign of their immediate; 32-bit ones need only the lower half.
    [TestCase(R_X86_64_REX_GOTPCRELX, "488b0500000000", 3, 0x7fff_ffffUL, "48c7c0ffffff7f")]
    [TestCase(R_X86_64_REX_GOTPCRELX, "488b0500000000", 3, 0x8000_0000UL, null)]
    [TestCase(R_X86_64_REX_GOTPCRELX, "488b0500000000", 3, 0xffff_ffff_8000_0000UL, "48c7c000000080")]
    [TestCase(R_X86_64_REX_GOTPCRELX, "488b0500000000", 3, 0xffff_ffff_7fff_ffffUL, null)]
    [TestCase(R_X86_64_REX_GOTPCRELX, "448b0500000000", 3, 0xffff_ffffUL, "41c7c0ffffffff")]
    [TestCase(R_X86_64_GOTPCRELX, "8b0500000000", 2, 0xffff_ffffUL, "c7c0ffffffff")]
    [TestCase(R_X86_64_GOTPCRELX, "8b0500000000", 2, 0x1_0000_0000UL, null)]
    [TestCase(R_X86_64_GOTPCRELX, "668b0500000000", 3, 0x1234UL, null, Description = "mov to %ax")]
    [TestCase(R_X86_64_REX_GOTPCRELX, "66448b0500000000", 4, 0x1234UL, null)]
    [TestCase(R_X86_64_GOTPCRELX, "66ff1500000000", 3, 0x1234UL, null, Description = "data16 call")]
    [TestCase(R_X86_64_GOTPCRELX, "6648ff1500000000", 4, 0x1234UL, null, Description = "call of a TLS sequence")]
    [TestCase(R_X86_64_GOTPCRELX, "ff3500000000", 2, 0x1234UL, null, Description = "push")]
    [TestCase(R_X86_64_REX_GOTPCRELX, "488d0500000000", 3, 0x1234UL, null, Description = "lea")]
    [TestCase(R_X86_64_REX_GOTPCRELX, "48890500000000", 3, 0x1234UL, null, Description = "store")]
    [TestCase(R_X86_64_REX_GOTPCRELX, "488b8000000000", 3, 0x1234UL, null, Description = "base register")]
    [TestCase(R_X86_64_REX_GOTPCRELX, "908b0500000000", 3, 0x1234UL, null, Description = "no REX prefix")]
    [TestCase(R_X86_64_REX_GOTPCRELX, "d5488b0500000000", 4, 0x1234UL, null, Description = "mov to %r16")]
    [TestCase(R_X86_64_GOTPCREL, "488b0500000000", 3, 0x1234UL, null, Description = "a type that may not be relaxed")]
    [TestCase(R_X86_64_CODE_5_GOTPCRELX, "62488b0500000000", 4, 0x1234UL, null)]
    [TestCase(R_X86_64_CODE_4_GOTPCRELX, "d5488b0500000000", 4, 0x1234UL, "d518c7c034120000", Description = "mov to %r16")]
    [TestCase(R_X86_64_CODE_4_GOTPCRELX, "d54c030d00000000", 4, 0x1234UL, "d51981c134120000", Description = "add to %r25")]
    [TestCase(R_X86_64_CODE_4_GOTPCRELX, "d5c8af0500000000", 4, 0x1234UL, null, Description = "opcode map 1: imul")]
    public void NumberBecomesAnImmediate(uint type, string before, int offset, ulong number, string? after)
    {
        var operands = new Operands { S = number, A = -4, P = 0x7f00_0000_0000 };
        AssertBecomes(type, before, offset, operands, RelaxationTraits.BindsDirectly | RelaxationTraits.Absolute, after);
    }

    [TestCase(R_X86_64_GOTTPOFF, "488b0500000000", 3, -0x8000_0000L, "48c7c000000080")]
    [TestCase(R_X86_64_GOTTPOFF, "488b0500000000", 3, -0x8000_0001L, null)]
    [TestCase(R_X86_64_GOTTPOFF, "d54c030500000000", 4, -0x20L, null, Description = "add to %r24")]
    [TestCase(R_X86_64_GOTTPOFF, "483b0500000000", 3, -0x20L, null, Description = "cmp")]
    [TestCase(R_X86_64_GOTTPOFF, "448b0500000000", 3, -0x20L, null, Description = "mov to %r8d")]
    [TestCase(R_X86_64_CODE_4_GOTTPOFF, "d5488b0500000000", 4, -0x20L, "d518c7c0e0ffffff", Description = "mov to %r16")]
    [TestCase(R_X86_64_CODE_4_GOTTPOFF, "d54c030500000000", 4, -0x20L, "d51981c0e0ffffff", Description = "add to %r24")]
    [TestCase(R_X86_64_CODE_6_GOTTPOFF, "62f4fc08030500000000", 6, -0x20L, null)]
    public void OffsetBecomesAnImmediate(uint type, string before, int offset, long tpOffset, string? after)
    {
        var operands = new Operands { S = 0x10, A = -4, P = Text, Tp = 0x10 - (ulong)tpOffset };
        AssertBecomes(type, before, offset, operands, RelaxationTraits.StaticTls, after);
    }

    private static void AssertBecomes(
        uint type, string before, int offset, Operands operands, RelaxationTraits traits, string? after)
    {
        byte[] code = Convert.FromHexString(before);
        RelocationRule rule = Table[type]!;
        Relaxation result = rule.MayRelax
            ? ElfLoader.Arch.X64.X64.Instance.TryRelax(rule, code, offset, operands, traits, null, 0)
            : Relaxation.Declined;

        Assert.That(Convert.ToHexStringLower(code), Is.EqualTo(after ?? before));
        Assert.That(result.Applied, Is.EqualTo(after is not null));
    }

    private static void AssertDeclined(byte[] code, string[] records, RelaxationTraits traits)
    {
        byte[] before = [.. code];
        Assert.That(Relax(code, records, traits), Is.EqualTo(Relaxation.Declined));
        Assert.That(code, Is.EqualTo(before));
    }

    private static Relaxation Relax(byte[] code, string[] records, RelaxationTraits traits, ulong address = Text)
    {
        (RelocationRule rule, int offset, string symbol, long addend) = Read(records[0]);
        var operands = new Operands
        {
            S = Addresses[symbol],
            A = addend,
            P = address + (ulong)offset,
            Tp = 0x30,
            TlsBlock = 0,
        };
        (RelocationRule? following, int followingOffset) = records.Length > 1
            ? (Read(records[1]).Rule, Read(records[1]).Offset)
            : ((RelocationRule?)null, 0);
        return ElfLoader.Arch.X64.X64.Instance.TryRelax(rule, code, offset, operands, traits, following, followingOffset);
    }

    /// <summary>Reads <c>TYPE@OFFSET:SYMBOL:ADDEND</c>.</summary>
    private static (RelocationRule Rule, int Offset, string Symbol, long Addend) Read(string record)
    {
        string[] parts = record.Split('@', ':');
        return (Table.Rules.Single(rule => rule.Name == parts[0]), int.Parse(parts[1]), parts[2], long.Parse(parts[3]));
    }

    private static string Shift(string record, int by)
    {
        string[] parts = record.Split('@', ':');
        return $"{parts[0]}@{int.Parse(parts[1]) + by}:{parts[2]}:{parts[3]}";
    }
}
