using System.Buffers.Binary;
using System.Numerics;
using ElfLoader.Arch.Arm;
using ElfLoader.Relocations;

namespace ElfLoader.Fuzz.Differential;

/// <summary>
/// What GNU ld 2.40 makes of a place for Arm where that is not what the ABI asks for: its mistakes, worked out to the byte.
/// It counts in 64 bits, so that a distance across the end of the address space is a long one.
/// </summary>
internal static class GnuArm
{
    /// <summary>The reason for what it did at a place.</summary>
    /// <param name="rule">The type, as the ABI describes it.</param>
    /// <param name="operands">The letters of the formula.</param>
    /// <param name="before">The place as the assembler left it.</param>
    /// <param name="theirs">What it wrote; null if it refused.</param>
    internal static Reason Explain(RelocationRule rule, in Operands operands, ReadOnlySpan<byte> before, byte[]? theirs)
    {
        byte[] zero = before.ToArray();
        if (rule.Expression.UsesStaticBase)
        {
            bool isApplied = Arm.Default.Relocations.Apply(rule, zero, operands with { B = 0 }, out _) is RelocationOutcome.Applied;
            if (isApplied ? theirs is not null && theirs.AsSpan().SequenceEqual(zero.AsSpan(0, theirs.Length)) : theirs is null)
            {
                return Reason.StaticBaseIsZero;
            }
        }

        foreach ((Reason reason, byte[]? bytes) in Mistakes(rule, operands, before.ToArray()))
        {
            if (bytes is null ? theirs is null : theirs is not null && theirs.AsSpan().SequenceEqual(bytes.AsSpan(0, theirs.Length)))
            {
                return reason;
            }
        }

        return Reason.Unexplained;
    }

    /// <summary>Whether it thinks that a branch reaches without a stub: it looks at the symbol, not at what the addend adds.</summary>
    internal static bool TakesNoStub(string type, in Operands operands)
    {
        long distance = (long)operands.S - (long)operands.P;
        (int bits, int origin) = type switch
        {
            "THM_CALL" or "THM_JUMP24" => (24, 4),
            "THM_JUMP19" => (20, 4),
            _ => (25, 8),
        };
        return type is "PC24" || (distance >= -(1L << bits) + origin && distance <= (1L << bits) + origin);
    }

    /// <summary>Where the stub must start that a branch was meant for: the addend, which belongs to the symbol, is added to the stub.</summary>
    /// <param name="type">The type.</param>
    /// <param name="operands">The letters of the formula.</param>
    /// <param name="landing">Where the branch lands.</param>
    /// <param name="exchanges">Whether it is Thumb's BLX, which counts from a multiple of four.</param>
    internal static IEnumerable<ulong> StubsMeant(string type, Operands operands, ulong landing, bool exchanges)
    {
        if (type is "PC24")
        {
            // elf32_arm_to_thumb_stub takes the addend from the distance where it should be added.
            return [(uint)(landing + (ulong)operands.A)];
        }

        long origin = type.StartsWith("THM", StringComparison.Ordinal) ? 4 : 8;
        ulong stub = (uint)(landing - (ulong)(operands.A + origin));
        return exchanges
            ? new[] { stub - 2, stub, stub + 2 }.Where(each =>
                landing == (uint)((operands.P & ~3UL) + 4 + (((each + (ulong)operands.A - operands.P) + 2) & ~3UL)))
            : [stub];
    }

    private static IEnumerable<(Reason Reason, byte[]? Bytes)> Mistakes(RelocationRule rule, Operands operands, byte[] before)
    {
        string type = rule.Name["R_ARM_".Length..];
        ulong rounded = operands.P & ~3UL;
        long end = (long)operands.S + operands.A;
        switch (type)
        {
            case "PREL31":
                long distance = end - (long)operands.P;
                yield return (Reason.ThumbBitAfterDistance, ((distance ^ (distance >> 1)) & (1 << 30)) is not 0
                    ? null
                    : Word(((uint)distance & 0x7fff_ffff) | (Word(before) & 0x8000_0000) | (uint)operands.T));
                break;
            case "GOTOFF32":
                yield return (Reason.AddendAddedToThumbBit, Word((uint)((operands.S | operands.T) + (ulong)operands.A - operands.Got)));
                break;
            case "THM_PC12" when end < (long)rounded:
                yield return (Reason.NegativeRefused, null);
                break;
            case "THM_CALL" when operands is { IsFunction: true, T: 0 }:
                yield return (Reason.CheckedBeforeRounding, CallOfArm(rule, end - (long)operands.P, before));
                break;
            case "THM_PC8":
                yield return (Reason.CutToFit, [(byte)(((ulong)end - rounded) >> 2), before[1]]);
                break;
            case "THM_ALU_PREL_11_0":
                yield return (Reason.ThumbBitAfterDistance, AddressOfThumb(end - (long)rounded, operands.T, before));
                break;
            case "PC24" when Math.Abs(end - (long)operands.P) > 1 << 25:
                yield return (Reason.DistanceNotWrapped, null);
                break;
            case ['L', 'D', 'R' or 'C', .., 'P', 'C', '_', 'G', _] when Wraps(operands):
                yield return (Reason.DistanceNotWrapped, Load(type, end - (long)operands.P, Word(before)));
                break;
            case ['A', 'L', 'U', '_', 'P' or 'S', 'C' or 'B', '_', ..]:
                if (type[4] is 'P' && Wraps(operands))
                {
                    yield return (Reason.DistanceNotWrapped, Add(type, operands, operands.A, before));
                }

                yield return (Reason.RotationMisread, Add(type, operands, Rotated(Word(before)), before));
                break;
            case "ABS8" or "ABS16":
                int bits = type is "ABS8" ? 8 : 16;
                ulong sum = operands.S + ((ulong)operands.A & ((1UL << bits) - 1));
                yield return (Reason.SignIgnored, sum >> bits is not 0 ? null : [(byte)sum, (byte)(sum >> 8)]);
                break;
            case "ABS12":
                ulong offset = operands.S + (Word(before) & 0xfff);
                yield return (Reason.SignIgnored, offset > 0xfff ? null : Word((Word(before) & ~0xfffU) | (uint)offset));
                break;
            case "THM_ABS5":
                ulong index = operands.S + ((Half(before) & 0x7e0UL) >> 6);
                yield return (Reason.FieldMisplaced, index > 0x1f ? null : Half((Half(before) & 0xf83fU) | (uint)index));
                break;
            case "THM_JUMP6":
                long field = (Half(before) & 0x2f8) << 1;
                long jump = ((long)operands.S + (((field & 0x200) >> 3) | ((field & 0xf8) >> 2)) - (long)operands.P) >> 1;
                yield return (Reason.FieldMisplaced, jump is < 0 or > 31 ? null : Half((Half(before) & ~0x2f8U) | ((uint)jump << 3)));
                break;
        }
    }

    private static bool Wraps(in Operands operands) => (long)operands.S + operands.A - (long)operands.P is < int.MinValue or > int.MaxValue;

    /// <summary>BL made BLX: the distance is checked, and only then rounded to what BLX counts.</summary>
    private static byte[]? CallOfArm(RelocationRule rule, long distance, byte[] before)
    {
        if (distance is < -(1 << 24) or >= 1 << 24)
        {
            return null;
        }

        byte[] code = [before[0], before[1], before[2], (byte)(before[3] & ~0x10)];
        rule.Field.Write(code, ((distance + 2) & 0xff_fffc) - (distance < 0 ? 1 << 24 : 0)); // the sign is that of before
        return code;
    }

    /// <summary>ADDW or SUBW: T is set in the magnitude of the distance.</summary>
    private static byte[]? AddressOfThumb(long distance, ulong t, byte[] before)
    {
        uint value = (uint)Math.Abs(distance);
        if (value > 0xfff)
        {
            return null;
        }

        value |= (uint)t;
        uint first = (Half(before) & 0xfb0f) | ((value & 0x800) >> 1) | (distance < 0 ? 0xa0U : 0);
        uint second = (Half(before.AsSpan(2)) & 0x8f00) | ((value & 0x700) << 4) | (value & 0xff);
        return [.. Half(first), .. Half(second)];
    }

    /// <summary>The eight bits of ADD or SUB, rotated as if words had 64.</summary>
    private static long Rotated(uint code)
    {
        ulong value = BitOperations.RotateRight((ulong)(code & 0xff), (int)((code >> 8) & 0xf) * 2);
        return (code & (1 << 23)) is not 0 ? (long)value : -(long)value;
    }

    /// <summary>ADD or SUB of one group of a number of 64 bits, of which it looks at 32 for the highest, and sign-extends the mask.</summary>
    private static byte[]? Add(string type, in Operands operands, long addend, byte[] before)
    {
        uint code = Word(before);
        ulong origin = type[4] is 'P' ? operands.P : operands.B;
        long value = ((long)operands.S - (long)origin + addend) | (long)operands.T;
        ulong rest = (ulong)Math.Abs(value);
        uint encoded = 0;
        for (int i = type["ALU_PC_G".Length] - '0'; i >= 0; i--)
        {
            encoded = Group(ref rest);
        }

        return rest is not 0 && !type.EndsWith("NC", StringComparison.Ordinal)
            ? null
            : Word((code & 0xff1f_f000) | (1U << (value < 0 ? 22 : 23)) | encoded);
    }

    /// <summary>A load or store of what the groups before leave.</summary>
    private static byte[]? Load(string type, long value, uint code)
    {
        ulong rest = (ulong)Math.Abs(value);
        for (int i = type[^1] - '0'; i > 0; i--)
        {
            _ = Group(ref rest);
        }

        uint low = (uint)rest;
        (ulong limit, uint kept, uint field) = type[2] is 'C' ? (0x400UL, 0xff7f_ff00, low >> 2)
            : type[3] is 'S' ? (0x100UL, 0xff7f_f0f0, ((low & 0xf0) << 4) | (low & 0xf))
            : (0x1000UL, 0xff7f_f000, low);
        return rest >= limit || (type[2] is 'C' && (rest & 3) is not 0) ? null : Word((code & kept) | (value < 0 ? 0 : 1U << 23) | field);
    }

    /// <summary>Takes a group off the rest, and encodes it.</summary>
    private static uint Group(ref ulong rest)
    {
        int shift = rest is 0 ? 0 : Math.Max(0, (BitOperations.Log2((uint)rest | 1) & ~1) - 6);
        ulong part = rest & (ulong)(0xff << shift); // with a sign
        rest &= ~part;
        return (uint)(part >> shift) | ((part <= 0xff ? 0U : (uint)(32 - shift) / 2) << 8);
    }

    private static uint Word(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt32LittleEndian(bytes);

    private static uint Half(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt16LittleEndian(bytes);

    private static byte[] Word(uint value) => [(byte)value, (byte)(value >> 8), (byte)(value >> 16), (byte)(value >> 24)];

    private static byte[] Half(uint value) => [(byte)value, (byte)(value >> 8)];
}
