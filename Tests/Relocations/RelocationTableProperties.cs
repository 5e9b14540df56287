using System.Buffers.Binary;
using System.Numerics;
using ElfLoader.Arch.Arm;
using ElfLoader.Arch.X64;
using ElfLoader.Relocations;

namespace ElfLoader.Tests.Relocations;

/// <summary>What must be true of every row of every architecture's table.</summary>
public sealed class RelocationTableProperties
{
    private static readonly Architecture[] Architectures = [X64.Instance, Arm.Default];

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
        where rule.Form is null || rule.Field.HighBit > 18 // a branch announced in advance takes any value
        select new TestCaseData(architecture.Relocations, rule).SetArgDisplayNames(rule.Name);

    /// <summary>Rules whose field holds all of a value, or a run of its bits; groups are in the tests of Arm's fields.</summary>
    private static IEnumerable<TestCaseData> WholeValueRules => Rules.Where(
        data => data.Arguments[1] is RelocationRule { Field: BitField } or RelocationRule { Field.Size: 0 }
            or RelocationRule { Overflow: Overflow.Encodable, Minimum: > int.MinValue });

    private static IEnumerable<TestCaseData> CheckedRules => Rules.Where(
        data => data.Arguments[1] is RelocationRule { Overflow: not Overflow.Wraps }
            and not RelocationRule { Overflow: Overflow.Encodable, Minimum: int.MinValue });

    [TestCaseSource(nameof(Rules))]
    public void ASecondPatchForgetsTheFirst(RelocationTable table, RelocationRule rule)
    {
        byte[] once = Pristine(rule);
        byte[] twice = Pristine(rule);
        foreach (long value in Aligned(rule).Where(rule.Admits))
        {
            once = Pristine(rule);
            Apply(table, rule, once, value);
            Apply(table, rule, twice, value);
            Assert.That(twice, Is.EqualTo(once), $"{value:x}");
        }
    }

    [TestCaseSource(nameof(WholeValueRules))]
    public void WhatIsWrittenIsReadBack(RelocationTable table, RelocationRule rule)
    {
        foreach (long value in Aligned(rule).Where(rule.Admits))
        {
            byte[] place = Pristine(rule);
            Apply(table, rule, place, value);
            long expected = rule.Expression == Expression.None || rule.Field.Size is 0 ? 0 : Kept(rule, value);

            Assert.That(rule.Field.Read(place), Is.EqualTo(expected), $"{value:x}");
        }
    }

    [TestCaseSource(nameof(Rules))]
    public void BytesAroundTheFieldStay(RelocationTable table, RelocationRule rule)
    {
        foreach (long value in Values)
        {
            byte[] place = Pristine(rule);
            Apply(table, rule, place, value);
            Assert.That(place[rule.Field.Size..], Is.EqualTo(Pristine(rule)[rule.Field.Size..]), $"{value:x}");
        }
    }

    [TestCaseSource(nameof(CheckedRules))]
    public void TheLimitsFitAndOneBeyondChangesNothing(RelocationTable table, RelocationRule rule)
    {
        Assert.Multiple(() =>
        {
            Assert.That(Apply(table, rule, Pristine(rule), rule.Minimum), Is.EqualTo(RelocationOutcome.Applied));
            Assert.That(Apply(table, rule, Pristine(rule), rule.Maximum), Is.EqualTo(RelocationOutcome.Applied));
            long step = 1L << rule.Field.LowBit;
            long[] beyond =
                [rule.Minimum - step, rule.Maximum + step, int.MinValue, int.MaxValue - step + 1, long.MinValue, long.MaxValue];
            foreach (long value in beyond.Where(value => !IsWithin(rule, table.Evaluate(rule, new Operands { A = value }))))
            {
                byte[] place = Pristine(rule);
                Assert.That(Apply(table, rule, place, value), Is.EqualTo(RelocationOutcome.OutOfRange), $"{value:x}");
                Assert.That(place, Is.EqualTo(Pristine(rule)));
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
            long letter = word.Trim('(', ')') switch
            {
                "S" => (long)operands.S,
                "A" => operands.A,
                "P" => (long)operands.P,
                "G" => (long)operands.G,
                "GOT" => (long)operands.Got,
                "L" => (long)operands.L,
                "Z" => (long)operands.Z,
                "B" => (long)operands.B,
                "Pa" => (long)operands.P,
                "TP" => (long)operands.Tp,
                "TLSBLOCK" => (long)operands.TlsBlock,
                _ => 0,
            };
            expected += minus ? -letter : letter;
            minus = word is "-";
        }

        bool is32Bit = rule.Name.StartsWith("R_ARM", StringComparison.Ordinal);
        Assert.That(table.Evaluate(rule, operands), Is.EqualTo(is32Bit ? (int)expected : expected));
    }

    /// <summary>The values, without the bits below the field's lowest where these must be zero.</summary>
    private static IEnumerable<long> Aligned(RelocationRule rule) =>
        rule.Overflow is Overflow.Wraps ? Values : Values.Select(value => value & -(1L << rule.Field.LowBit)).Distinct();

    /// <summary>Any bytes, but with the instruction that the rule is for, if it is for one.</summary>
    private static byte[] Pristine(RelocationRule rule)
    {
        byte[] bytes = [0x5a, 0xa5, 0x3c, 0xe3, 0x99, 0x66, 0x0f, 0xf0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99];
        if (rule.Field is BitField { OpcodeMask: not 0, Unit: Unit.Half } half)
        {
            uint word = BinaryPrimitives.ReadUInt16LittleEndian(bytes);
            BinaryPrimitives.WriteUInt16LittleEndian(bytes, (ushort)((word & ~half.OpcodeMask) | half.Opcode));
        }
        else if (rule.Field is BitField { OpcodeMask: not 0 } field)
        {
            int turn = field.Unit is Unit.ThumbPair ? 16 : 0;
            uint word = BitOperations.RotateLeft(BinaryPrimitives.ReadUInt32LittleEndian(bytes), turn);
            BinaryPrimitives.WriteUInt32LittleEndian(
                bytes, BitOperations.RotateLeft((word & ~field.OpcodeMask) | field.Opcode, turn));
        }
        else if (!rule.Field.Fits(bytes))
        {
            // add r0, r0, #0, which also is a load's "up"; for Thumb the same bits are add.w and ldr.w
            new byte[] { 0x00, 0xf2, 0x8f, 0xe2 }.CopyTo(bytes, 0);
        }

        if (rule.Name is "R_ARM_THM_CALL" or "R_ARM_THM_TLS_CALL")
        {
            bytes[3] |= 0x10; // BL, not BLX
        }

        return bytes;
    }

    /// <summary>The part of a value that a field stores, its sign extended unless that is what the field cannot do.</summary>
    private static long Kept(RelocationRule rule, long value)
    {
        Field field = rule.Field;
        int spare = 63 - field.HighBit;
        long kept = (value << spare) >> spare;
        if (field is BitField { IsUnsigned: true })
        {
            kept = (long)((ulong)(value << spare) >> spare);
        }

        return kept & ~((1L << field.LowBit) - 1);
    }

    private static bool IsWithin(RelocationRule rule, long value) => value >= rule.Minimum && value <= rule.Maximum;

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
