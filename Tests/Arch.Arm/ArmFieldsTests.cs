using System.Numerics;
using ElfLoader.Relocations;
using ElfLoader.Tests.Relocations;
using Machine = ElfLoader.Arch.Arm.Arm;

namespace ElfLoader.Tests.Arch.Arm;

/// <summary>Fields that hold a part of a value, not a run of its bits; and that all of them leave the rest alone.</summary>
public sealed class ArmFieldsTests
{
    private static readonly RelocationTable Table = Machine.Default.Relocations;

    private static readonly int[] Values =
    [
        0, 1, 0xff, 0x100, 0x101, 0x3fc, 0xff0, 0xfff, 0x1000, 0x1234_5678, 0x7fff_ffff, 0x7f00_0000, 0x00ff_00ff,
        -1, -0xff, -0x101, -0xfff, -0x1000, -0x1234_5678, int.MinValue, int.MinValue + 1,
    ];

    private static IEnumerable<TestCaseData> Groups =>
        from family in (string[])["PC", "SB"]
        from value in Values
        select new TestCaseData(family, value);

    private static IEnumerable<TestCaseData> Rules =>
        from rule in Table.Rules
        where rule.Field is BitField
        select new TestCaseData(rule).SetArgDisplayNames(rule.Name);

    /// <summary>What two ADD or SUB and a load add together is the value, whichever way it is cut.</summary>
    [TestCaseSource(nameof(Groups))]
    public void GroupsAddUpToTheValue(string family, int value)
    {
        foreach ((string load, string code) in ((string, string)[])[("LDR", "000090e5"), ("LDRS", "b000d0e1"), ("LDC", "002190ed")])
        {
            for (int alus = 0; alus < 3; alus++)
            {
                long sum = 0;
                for (int i = 0; i < alus; i++)
                {
                    sum += Written($"R_ARM_ALU_{family}_G{i}_NC", "000080e2", value)
                        ?? Written($"R_ARM_ALU_{family}_G{i}", "000080e2", value)!.Value;
                }

                // Either the rest fits and is right, or it is refused.
                long rest = value - sum;
                Assert.That(Math.Abs(rest), Is.LessThanOrEqualTo(Math.Abs((long)value)));
                (long greatest, long unit) = load switch { "LDR" => (4095, 1), "LDRS" => (255, 1), _ => (1020L, 4) };
                long? expected = Math.Abs(rest) <= greatest && rest % unit is 0 ? rest : null;
                Assert.That(Written($"R_ARM_{load}_{family}_G{alus}", code, value), Is.EqualTo(expected), $"{load} {alus}");
            }
        }
    }

    /// <summary>The last ADD or SUB is refused exactly if something is left after it.</summary>
    [TestCaseSource(nameof(Groups))]
    public void LastGroupLeavesNothing(string family, int value)
    {
        long sum = 0;
        for (int i = 0; i < 3; i++)
        {
            string name = $"R_ARM_ALU_{family}_G{i}";
            long? last = Written(name, "000080e2", value);
            Assert.That(last is not null, Is.EqualTo(last is { } group && sum + group == value), name);
            if (i < 2)
            {
                sum += Written(name + "_NC", "000080e2", value)!.Value;
                Assert.That(last is null, Is.EqualTo(sum != value), name);
            }
        }
    }

    [TestCaseSource(nameof(Rules))]
    public void BitsOutsideStay(RelocationRule rule)
    {
        var field = (BitField)rule.Field;
        foreach (long value in Enumerable.Range(0, 32).SelectMany<int, long>(bit => [1L << bit, -1L << bit, ~(1L << bit)]))
        {
            byte[] zeros = new byte[field.Size];
            byte[] ones = [.. Enumerable.Repeat((byte)0xff, field.Size)];
            field.Write(zeros, value);
            field.Write(ones, value);

            // The field's own bits are now the same in both, and the others are what they were.
            Assert.That(zeros.Zip(ones).Sum(pair => BitOperations.PopCount((uint)(pair.First & ~pair.Second))), Is.Zero);
            Assert.That(
                zeros.Zip(ones).Sum(pair => BitOperations.PopCount((uint)(pair.First ^ pair.Second))),
                Is.EqualTo((8 * field.Size) - BitOperations.PopCount(field.Mask)));
        }
    }

    /// <summary>What REL records of an object say must not change by applying them: the trap of MOVW and MOVT.</summary>
    [Test]
    public void ApplyingAgainElsewhereIsApplyingAfresh()
    {
        int count = 0;
        foreach (IReadOnlyDictionary<string, string> row in FixtureTable.Read("sites-arm.csv"))
        {
            RelocationRule rule = Table.Rules.Single(rule => rule.Name == "R_ARM_" + row["type"]);
            byte[] pristine = Convert.FromHexString(row["before"]);
            if (rule.Use is not RelocationUse.Static || pristine.Length is 0 || rule.Name.Contains("_BF", StringComparison.Ordinal))
            {
                continue;
            }

            ulong s = FixtureTable.Hex(row["S"]);
            var first = new Operands
            {
                S = s,
                L = s,
                T = FixtureTable.Hex(row["T"]),
                P = FixtureTable.Hex(row["P"]),
                A = rule.ReadAddend(pristine),
                IsFunction = true,
            };
            Operands second = first with { S = s + 0x10_0010, L = s + 0x10_0010, P = first.P + 0x10_0000 };
            byte[] moved = [.. pristine];
            byte[] fresh = [.. pristine];

            _ = Table.Apply(rule, moved, first, out _);
            RelocationOutcome outcome = Table.Apply(rule, fresh, second, out _);

            // A branch that could not be written the second time keeps the first one: the caller gives it a veneer.
            if (outcome is RelocationOutcome.Applied)
            {
                Assert.That(Table.Apply(rule, moved, second, out _), Is.EqualTo(RelocationOutcome.Applied));
                Assert.That(moved, Is.EqualTo(fresh), $"{row["recipe"]} {row["type"]}");
                count++;
            }
        }

        Assert.That(count, Is.GreaterThan(400));
    }

    /// <summary>The value that an instruction holds after a patch; null if it is refused or there is no such type.</summary>
    private static long? Written(string name, string code, int value)
    {
        RelocationRule? rule = Table.Rules.SingleOrDefault(rule => rule.Name == name);
        byte[] place = Convert.FromHexString(code);
        return rule is not null && Table.Apply(rule, place, new Operands { A = value }, out _) is RelocationOutcome.Applied
            ? rule.ReadAddend(place)
            : null;
    }
}
