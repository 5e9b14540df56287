using System.Globalization;
using System.Numerics;
using static ElfLoader.Inspection.Operands.MachineOperand;

namespace ElfLoader.Inspection.Operands;

/// <summary>The words that operand forms are made of, and what they mean for an instruction.</summary>
/// <remarks>
/// <c>r</c> is a register, <c>p</c> the condition and the flags register that it reads, <c>s</c> the flags register that the
/// instruction may write. <c>i8</c> is the number in the lowest 8 bits, <c>i20-16</c> that of bits 20 to 16, <c>i4:12</c>
/// that of 4 bits from bit 16 with 12 bits from bit 0 below them. The other words are those of the switch.
/// </remarks>
internal static class ArmOperandWords
{
    // How LLVM numbers kinds of shift, and kinds of changes of a base register.
    private const uint Rrx = 5;
    private const int Before = 1;
    private const int After = 2;

    /// <summary>Adds what a word stands for.</summary>
    /// <param name="operands">Where to add it.</param>
    /// <param name="word">The word.</param>
    /// <param name="code">The instruction; in T32, the first halfword of two is above the second.</param>
    /// <param name="isThumb">Whether it is T32.</param>
    internal static void Add(List<MachineOperand> operands, string word, uint code, bool isThumb)
    {
        switch (word)
        {
            case "r" or "s":
                operands.Add(Register(word is "s" ? "flags" : null));
                break;
            case "rw": // of the base that is written back, where it is
                if ((code & 1u << 21) != 0)
                {
                    operands.Add(Register("written"));
                }

                break;
            case "p":
                uint condition = code >> 28;
                operands.Add(Immediate(condition, "condition"));
                operands.Add(Register("flags"));
                break;
            case "al":
                operands.Add(Immediate(14, "condition"));
                operands.Add(Register("flags"));
                break;
            case "list":
                AddRegisters(operands, BitOperations.PopCount(code & 0xffff));
                break;
            case "vlist":
                AddRegisters(operands, VectorNumbers.ListLength(code));
                break;
            case "list8":
                AddRegisters(operands, BitOperations.PopCount(code & 0xff));
                break;
            case "narrowlist":
                AddRegisters(operands, T32Numbers.NarrowListLength(code));
                break;
            default:
                long? special = isThumb ? T32Numbers.ValueOf(word, code) : VectorNumbers.ValueOf(word, code);
                operands.Add(Immediate(special ?? ValueOf(word, code)));
                break;
        }
    }

    private static void AddRegisters(List<MachineOperand> operands, int count)
    {
        for (int i = 0; i < count; i++)
        {
            operands.Add(Register("listed"));
        }
    }

    private static long ValueOf(string word, uint code) => word switch
    {
        // Shifts
        "st" => ShiftKind(code),
        "sh" => (Bits(code, 11, 7) << 3) | (ShiftKind(code) is 4 && Bits(code, 11, 7) is 0 ? Rrx : ShiftKind(code)),
        "sat" => Bits(code, 11, 7) | (Bits(code, 6, 6) << 5),
        "field" => ~(uint)(((1UL << ((int)Bits(code, 20, 16) + 1)) - 1) & ~((1UL << (int)Bits(code, 11, 7)) - 1)),

        // Offsets of loads and stores: addressing modes 2 and 3
        "s12" => IsUp(code) ? Bits(code, 11, 0) : unchecked(Bits(code, 11, 0) is 0 ? 0x8000_0000u : 0u - Bits(code, 11, 0)),
        "a2i" => Bits(code, 11, 0) | Down(code, 12) | (2 << 13) | (After << 16),
        "a2r" => Bits(code, 11, 7) | Down(code, 12) | (ShiftOf2(code) << 13),
        "a2rp" => Bits(code, 11, 7) | Down(code, 12) | (ShiftOf2(code) << 13) | (After << 16),
        "a3" => Offset3(code) | Down(code, 8) | (uint)(Index3(code) << 9),
        "t8" => Offset3(code) | (IsUp(code) ? 1u << 8 : 0),
        "up" => Bits(code, 23, 23),

        // Branches: distances from the instruction and 8
        "b24" => (int)(code << 8) >> 6,
        "b24h" => ((int)(code << 8) >> 6) + (2 * (int)Bits(code, 24, 24)),

        // Status registers
        "msr" => Bits(code, 19, 16) | (Bits(code, 22, 22) << 4),
        "banked" => Bits(code, 19, 16) | (Bits(code, 8, 8) << 4) | (Bits(code, 22, 22) << 5),
        "mode" => Bits(code, 24, 23) switch { 0 => 3, 1 => 1, 2 => 4, _ => 2 },
        _ when word[0] is 'i' => Number(word.AsSpan(1), code),
        _ => throw new InvalidOperationException($"'{word}' is no word of an operand form."),
    };

    /// <summary>A plain number: <c>8</c>, <c>20-16</c>, <c>4:12</c>; with <c>z</c> behind it, zero stands for 32.</summary>
    private static long Number(ReadOnlySpan<char> word, uint code)
    {
        if (word is [.., 'z'])
        {
            long number = Number(word[..^1], code);
            return number is 0 ? 32 : number;
        }

        if (word is "4:12") // imm4:imm12 of MOVW
        {
            return (Bits(code, 19, 16) << 12) | Bits(code, 11, 0);
        }

        if (word is "4:4") // imm4H:imm4L of VMOV
        {
            return (Bits(code, 19, 16) << 4) | Bits(code, 3, 0);
        }

        if (word is "12:4") // imm12:imm4 of BKPT
        {
            return (Bits(code, 19, 8) << 4) | Bits(code, 3, 0);
        }

        int dash = word.IndexOf('-');
        return dash < 0
            ? Bits(code, int.Parse(word, CultureInfo.InvariantCulture) - 1, 0)
            : Bits(code, int.Parse(word[..dash], CultureInfo.InvariantCulture), int.Parse(word[(dash + 1)..], CultureInfo.InvariantCulture));
    }

    private static uint Bits(uint code, int high, int low) => (code >> low) & (uint)((1UL << (high - low + 1)) - 1);

    private static bool IsUp(uint code) => (code & 1u << 23) != 0;

    private static uint Down(uint code, int bit) => IsUp(code) ? 0 : 1u << bit;

    private static uint ShiftKind(uint code) => Bits(code, 6, 5) switch { 0 => 2, 1 => 3, 2 => 1, _ => 4 };

    private static uint ShiftOf2(uint code) => ShiftKind(code) is 4 && Bits(code, 11, 7) is 0 ? Rrx : ShiftKind(code);

    private static uint Offset3(uint code) => Bits(code, 22, 22) is 0 ? 0 : (Bits(code, 11, 8) << 4) | Bits(code, 3, 0);

    private static int Index3(uint code) => Bits(code, 24, 24) is 0 ? After : Bits(code, 21, 21) is 0 ? 0 : Before;
}
