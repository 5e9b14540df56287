using ElfLoader.Arch.X64;
using ElfLoader.Relocations;

namespace ElfLoader.Tests.Relocations;

/// <summary>What must be true of every row of every architecture's table.</summary>
public sealed class RelocationTableProperties
{
    private static readonly Architecture[] Architectures = [X64.Instance];

    /// <summary>Values around every power of two, of either sign.</summary>
    private static readonly long[] Values =
    [
        .. Enumerable.Range(0, 64).SelectMany<int, long>(bit =>
            [1L << bit, (1L << bit) - 1, (1L << bit) + 1, -(1L << bit), -(1L << bit) - 1, -(1L << bit) + 1]),
        0x1234_5678_9abc_def0, -0x1234_5678_9abc_def0,
    ];

    private static IEnumerable<TestCaseData> Rules =>
        from architecture in Architectures
        from rule in architecture.Relocations.Rules
        select new TestCaseData(architecture.Relocations, rule).SetArgDisplayNames(rule.Name);

    private static IEnumerable<TestCaseData> CheckedRules => Rules.Where(
        data => data.Arguments[1] is RelocationRule { Overflow: not Overflow.Wraps });

    [TestCaseSource(nameof(Rules))]
    public void ASecondPatchForgetsTheFirst(RelocationTable table, RelocationRule rule)
    {
        byte[] once = Pristine();
        byte[] twice = Pristine();
        foreach (long value in Values.Where(rule.Admits))
        {
            rule.Field.Write(once, 0);
            Apply(table, rule, once, value);
            Apply(table, rule, twice, value);
            Assert.That(twice, Is.EqualTo(once), $"{value:x}");
        }
    }

    [TestCaseSource(nameof(Rules))]
    public void WhatIsWrittenIsReadBack(RelocationTable table, RelocationRule rule)
    {
        foreach (long value in Values.Where(rule.Admits))
        {
            byte[] place = Pristine();
            Apply(table, rule, place, value);
            long expected = rule.Expression == Expression.None || rule.Field.Size is 0 ? 0 : Kept(rule.Field, value);

            Assert.That(rule.Field.Read(place), Is.EqualTo(expected), $"{value:x}");
        }
    }

    [TestCaseSource(nameof(Rules))]
    public void BytesAroundTheFieldStay(RelocationTable table, RelocationRule rule)
    {
        foreach (long value in Values)
        {
            byte[] place = Pristine();
            Apply(table, rule, place, value);
            Assert.That(place[rule.Field.Size..], Is.EqualTo(Pristine()[rule.Field.Size..]), $"{value:x}");
        }
    }

    [TestCaseSource(nameof(CheckedRules))]
    public void TheLimitsFitAndOneBeyondChangesNothing(RelocationTable table, RelocationRule rule)
    {
        Assert.Multiple(() =>
        {
            Assert.That(Apply(table, rule, Pristine(), rule.Minimum), Is.EqualTo(RelocationOutcome.Applied));
            Assert.That(Apply(table, rule, Pristine(), rule.Maximum), Is.EqualTo(RelocationOutcome.Applied));
            foreach (long value in (long[])[rule.Minimum - 1, rule.Maximum + 1, long.MinValue, long.MaxValue])
            {
                byte[] place = Pristine();
                Assert.That(Apply(table, rule, place, value), Is.EqualTo(RelocationOutcome.OutOfRange), $"{value:x}");
                Assert.That(place, Is.EqualTo(Pristine()));
            }
        });
    }

    /// <summary>The expression's quick ways and its long way are one function.</summary>
    [TestCaseSource(nameof(Rules))]
    public void TheExpressionIsTheSumOfItsLetters(RelocationTable table, RelocationRule rule)
    {
        var operands = new Operands
        {
            S = 0x10_0000_0001,
            A = -0x20,
            P = 0x300_0000,
            G = 0x4000,
            Got = 0x5_0000_0000,
            L = 0x60_0000_0000_0000,
            Z = 0x70_0000,
            B = 0x800_0000_0000,
            Tp = 0x9000_0000,
            TlsBlock = 0xa00_0000_0000_0000,
        };
        long expected = 0;
        bool minus = false;
        foreach (string word in rule.Expression.ToString().Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            long letter = word switch
            {
                "S" => (long)operands.S,
                "A" => operands.A,
                "P" => (long)operands.P,
                "G" => (long)operands.G,
                "GOT" => (long)operands.Got,
                "L" => (long)operands.L,
                "Z" => (long)operands.Z,
                "B" => (long)operands.B,
                "TP" => (long)operands.Tp,
                "TLSBLOCK" => (long)operands.TlsBlock,
                _ => 0,
            };
            expected += minus ? -letter : letter;
            minus = word is "-";
        }

        Assert.That(table.Evaluate(rule, operands), Is.EqualTo(expected));
    }

    private static byte[] Pristine() =>
        [0x5a, 0xa5, 0x3c, 0xc3, 0x99, 0x66, 0x0f, 0xf0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99];

    /// <summary>The part of a value that a field stores, its sign extended.</summary>
    private static long Kept(Field field, long value)
    {
        int spare = 63 - field.HighBit;
        return ((value << spare) >> spare) & ~((1L << field.LowBit) - 1);
    }

    /// <summary>Applies a rule whose expression yields <paramref name="value"/>: all letters but one are zero.</summary>
    private static RelocationOutcome Apply(RelocationTable table, RelocationRule rule, byte[] place, long value)
    {
        var operands = new Operands { A = value };
        if (rule.Expression.ToString() is "S")
        {
            operands = new Operands { S = (ulong)value };
        }

        return table.Apply(rule, place, operands, out _);
    }
}
