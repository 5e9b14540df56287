using System.Numerics;

namespace ElfLoader.Inspection.Operands;

/// <summary>The numbers in T32 instructions.</summary>
internal static class T32Numbers
{
    /// <summary>Zero to be taken away, which LLVM tells from zero to be added.</summary>
    private const long MinusZero = int.MinValue;

    /// <summary>What a word of <see cref="ArmOperandWords"/> means; null where it is none of these.</summary>
    internal static long? ValueOf(string word, uint code) => word switch
    {
        // 16 bits
        "words" => Bits(code, 7, 0) << 2,
        "near" => (Bits(code, 7, 3) << 1) | (Bits(code, 9, 9) << 6),
        "b8" => (sbyte)code * 2,
        "b11" => (int)(code << 21) >> 20,
        "block" => Block(Bits(code, 7, 4), Bits(code, 3, 0)),
        "imod" => Bits(code, 4, 4) + 2,

        // Branches: distances from the instruction and 4
        "b20" => (((int)(code << 5) >> 31) << 20) | (int)((Bits(code, 11, 11) << 19) | (Bits(code, 13, 13) << 18)
            | (Bits(code, 21, 16) << 12) | (Bits(code, 10, 0) << 1)),
        "b24" => LongBranch(code),

        // Immediates and shifts, imm3:imm2
        "i1:3:8" => Immediate12(code),
        "i4:1:3:8" => (Bits(code, 19, 16) << 12) | Immediate12(code),
        "modified" => Modified(Immediate12(code)),
        "back" => Immediate12(code) is 0 ? 0x8000_0000 : unchecked(0u - Immediate12(code)),
        "shift" => Shift(code),
        "sh32" => (Shift(code) << 3) | (Bits(code, 5, 4), Shift(code)) switch
        {
            (0, _) => 2u,
            (1, _) => 3u,
            (2, _) => 1u,
            (_, 0) => 5u,
            _ => 4u,
        },
        "saturated" => Shift(code) | (Bits(code, 21, 21) << 5),
        "t32field" => ~(uint)(((1UL << ((int)Bits(code, 4, 0) + 1)) - 1) & ~((1UL << (int)Shift(code)) - 1)),

        // Offsets
        "s12" => Signed(code, Bits(code, 11, 0)),
        "words8" => Signed(code, Bits(code, 7, 0) << 2),
        "back8" => Bits(code, 7, 0) is 0 ? MinusZero : -(long)Bits(code, 7, 0),
        "signed8" => Bits(code, 9, 9) is not 0 ? Bits(code, 7, 0) : Bits(code, 7, 0) is 0 ? MinusZero : -(long)Bits(code, 7, 0),

        // Status registers
        "t32msr" => Bits(code, 11, 8) | (Bits(code, 20, 20) << 4),
        "t32banked" => (Bits(code, 20, 20) << 5) | (Bits(code, 4, 4) << 4)
            | ((code & 1u << 21) is 0 ? Bits(code, 11, 8) : Bits(code, 19, 16)),
        _ => null,
    };

    /// <summary>
    /// The conditions of an IT block: in the instruction, bits above the lowest 1 repeat the condition's lowest bit where they
    /// mean "then"; LLVM has 0 for "then".
    /// </summary>
    private static uint Block(uint condition, uint mask) => (condition & 1) is 0 ? mask : mask ^ (0xe & ~((mask & (0u - mask)) * 2 - 1));

    /// <summary>The number of registers of PUSH and POP, which have a bit for LR or PC.</summary>
    internal static int NarrowListLength(uint code) => BitOperations.PopCount(Bits(code, 8, 0));

    /// <summary>S:I1:I2:imm10:imm11:0, where J1 and J2 are the complements of I1 and I2 exclusive-or S.</summary>
    private static long LongBranch(uint code)
    {
        uint sign = Bits(code, 26, 26);
        uint high = ~(Bits(code, 13, 13) ^ sign) & 1;
        uint low = ~(Bits(code, 11, 11) ^ sign) & 1;
        uint value = (sign << 24) | (high << 23) | (low << 22) | (Bits(code, 25, 16) << 12) | (Bits(code, 10, 0) << 1);
        return (int)(value << 7) >> 7;
    }

    private static uint Immediate12(uint code) => (Bits(code, 26, 26) << 11) | (Bits(code, 14, 12) << 8) | Bits(code, 7, 0);

    /// <summary>ThumbExpandImm.</summary>
    private static uint Modified(uint value)
    {
        uint low = value & 0xff;
        return (value >> 8) switch
        {
            0 => low,
            1 => low | low << 16,
            2 => low << 8 | low << 24,
            3 => low | low << 8 | low << 16 | low << 24,
            _ => BitOperations.RotateRight(0x80 | (value & 0x7f), (int)(value >> 7)),
        };
    }

    private static uint Shift(uint code) => (Bits(code, 14, 12) << 2) | Bits(code, 7, 6);

    private static long Signed(uint code, uint distance) =>
        Bits(code, 23, 23) is not 0 ? distance : distance is 0 ? MinusZero : -(long)distance;

    private static uint Bits(uint code, int high, int low) => (code >> low) & (uint)((1UL << (high - low + 1)) - 1);
}
