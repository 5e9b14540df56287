using ElfLoader.Relocations;

namespace ElfLoader.Arch.Arm;

/// <summary>Where the instructions of A32 and T32 keep their immediate operands (Arm Architecture Reference Manual).</summary>
internal static class ArmFields
{
    private const uint Add = 4;
    private const uint Sub = 2;

    /// <summary>B, BL, BLX: imm24:00. The condition stays; it is 0b1111 in BLX.</summary>
    public static readonly BitField Branch = new(Unit.Word, new BitRun(2, 0, 24))
    {
        Opcode = 0x0a00_0000,
        OpcodeMask = 0x0e00_0000,
    };

    /// <summary>BL that always calls, whatever was there.</summary>
    public static readonly BitField Bl = new(Unit.Word, new BitRun(2, 0, 24))
    {
        Opcode = 0xeb00_0000,
        OpcodeMask = 0xff00_0000,
        WritesOpcode = true,
    };

    /// <summary>BLX A2: imm24:H:0, whatever was there.</summary>
    public static readonly BitField Blx = new(Unit.Word, new BitRun(2, 0, 24), new BitRun(1, 24, 1))
    {
        Opcode = 0xfa00_0000,
        OpcodeMask = 0xfe00_0000,
        WritesOpcode = true,
    };

    /// <summary>MOVW A2: imm4:imm12 in [19:16], [11:0].</summary>
    public static readonly BitField Movw = new(Unit.Word, new BitRun(0, 0, 12), new BitRun(12, 16, 4))
    {
        Opcode = 0x0300_0000,
        OpcodeMask = 0x0ff0_0000,
    };

    /// <summary>MOVT A1: as MOVW, holding the upper half of the value.</summary>
    public static readonly BitField Movt = Movw.Shifted(16, opcode: 0x0340_0000);

    /// <summary>A table entry of exception handling: bit 31 is not part of it.</summary>
    public static readonly BitField Word31 = new(Unit.Word, new BitRun(0, 0, 31));

    /// <summary>LDR, STR, LDRB, STRB: U in [23], imm12.</summary>
    public static readonly SignedMagnitude Load = LoadGroup(0);

    /// <summary>imm12 of LDR by itself.</summary>
    public static readonly BitField LoadBits = new(Unit.Word, new BitRun(0, 0, 12)) { IsUnsigned = true };

    /// <summary>MOVW T3: imm4:i:imm3:imm8 in first [3:0], [10], second [14:12], [7:0].</summary>
    public static readonly BitField ThumbMovw = new(
        Unit.ThumbPair, new BitRun(0, 0, 8), new BitRun(8, 12, 3), new BitRun(11, 26, 1), new BitRun(12, 16, 4))
    {
        Opcode = 0xf240_0000,
        OpcodeMask = 0xfbf0_8000,
    };

    /// <summary>MOVT T1: as MOVW T3, holding the upper half of the value.</summary>
    public static readonly BitField ThumbMovt = ThumbMovw.Shifted(16, opcode: 0xf2c0_0000);

    /// <summary>BL T1 and BLX T2 where J1 and J2 exist: S:I1:I2:imm10:imm11:0.</summary>
    public static readonly BitField ThumbCall = Wide(0xf000_c000, 0xf800_c000, lowBit: 1);

    /// <summary>BL T1.</summary>
    public static readonly BitField ThumbBl = Wide(0xf000_d000, 0xf800_d000, lowBit: 1, writesOpcode: true);

    /// <summary>BLX T2: S:I1:I2:imm10H:imm10L:00.</summary>
    public static readonly BitField ThumbBlx = Wide(0xf000_c000, 0xf800_d001, lowBit: 2, writesOpcode: true);

    /// <summary>B.W T4.</summary>
    public static readonly BitField ThumbBranch = Wide(0xf000_9000, 0xf800_d000, lowBit: 1);

    /// <summary>BL and BLX before Thumb-2: S:imm10:imm11:0.</summary>
    public static readonly BitField NarrowThumbCall = Narrow(0xf000_c000, 0xf800_c000, lowBit: 1, writesOpcode: false);

    /// <summary>BL before Thumb-2.</summary>
    public static readonly BitField NarrowThumbBl = Narrow(0xf000_f800, 0xf800_f800, lowBit: 1, writesOpcode: true);

    /// <summary>BLX before Thumb-2.</summary>
    public static readonly BitField NarrowThumbBlx = Narrow(0xf000_e800, 0xf800_f801, lowBit: 2, writesOpcode: true);

    /// <summary>B&lt;c&gt;.W T3: S:J2:J1:imm6:imm11:0, J1 and J2 as they are.</summary>
    public static readonly BitField ThumbConditional = new(
        Unit.ThumbPair,
        new BitRun(1, 0, 11), new BitRun(12, 16, 6), new BitRun(18, 13, 1), new BitRun(19, 11, 1), new BitRun(20, 26, 1))
    {
        Opcode = 0xf000_8000,
        OpcodeMask = 0xf800_d000,
    };

    /// <summary>B T2.</summary>
    public static readonly BitField ThumbJump11 = new(Unit.Half, new BitRun(1, 0, 11))
    {
        Opcode = 0xe000,
        OpcodeMask = 0xf800,
    };

    /// <summary>B&lt;c&gt; T1.</summary>
    public static readonly BitField ThumbJump8 = new(Unit.Half, new BitRun(1, 0, 8))
    {
        Opcode = 0xd000,
        OpcodeMask = 0xf000,
    };

    /// <summary>CBZ, CBNZ: i:imm5:0 in [9], [7:3].</summary>
    public static readonly BitField ThumbJump6 = new(Unit.Half, new BitRun(1, 3, 5), new BitRun(6, 9, 1))
    {
        Opcode = 0xb100,
        OpcodeMask = 0xf500,
        IsUnsigned = true,
    };

    /// <summary>LDR T1 from a base register: imm5:00.</summary>
    public static readonly BitField ThumbLoad5 = new(Unit.Half, new BitRun(2, 6, 5)) { IsUnsigned = true };

    /// <summary>LDR T1 from PC, ADR T1: imm8:00.</summary>
    public static readonly BitField ThumbLiteral8 = new(Unit.Half, new BitRun(2, 0, 8)) { IsUnsigned = true };

    /// <summary>LDR.W from a base register: imm12.</summary>
    public static readonly BitField ThumbLoad12 = new(Unit.ThumbPair, new BitRun(0, 0, 12)) { IsUnsigned = true };

    /// <summary>LDR.W and its kin from PC: U in first [7], imm12.</summary>
    public static readonly SignedMagnitude ThumbLiteral12 = new(
        ThumbLoad12, new BitField(Unit.ThumbPair, new BitRun(0, 23, 1)) { IsUnsigned = true }, plus: 1, minus: 0);

    /// <summary>ADR.W: ADD T4 or SUB T4, which differ in first [7] and [5]; i:imm3:imm8.</summary>
    public static readonly SignedMagnitude ThumbAdr = new(
        new BitField(Unit.ThumbPair, new BitRun(0, 0, 8), new BitRun(8, 12, 3), new BitRun(11, 26, 1)) { IsUnsigned = true },
        new BitField(Unit.ThumbPair, new BitRun(0, 20, 4)) { IsUnsigned = true },
        plus: 0b0000,
        minus: 0b1010);

    /// <summary>imm8 of a 16-bit MOVS or ADDS.</summary>
    public static readonly BitField ThumbImmediate8 = new(Unit.Half, new BitRun(0, 0, 8)) { IsUnsigned = true };

    /// <summary>LDR, STR, LDRB, STRB of what a number of ADD or SUB before it leave of the value.</summary>
    public static SignedMagnitude LoadGroup(int group) =>
        new(new BitField(Unit.Word, new BitRun(0, 0, 12)) { IsUnsigned = true }, UpBit(), plus: 1, minus: 0, group);

    /// <summary>LDRD, LDRH, LDRSB, LDRSH and stores: U in [23], imm4H:imm4L.</summary>
    public static SignedMagnitude LoadSignedGroup(int group) => new(
        new BitField(Unit.Word, new BitRun(0, 0, 4), new BitRun(4, 8, 4)) { IsUnsigned = true },
        UpBit(), plus: 1, minus: 0, group);

    /// <summary>LDC, STC, VLDR, VSTR: U in [23], imm8:00.</summary>
    public static SignedMagnitude LoadCoprocessorGroup(int group) =>
        new(new BitField(Unit.Word, new BitRun(2, 0, 8)) { IsUnsigned = true }, UpBit(), plus: 1, minus: 0, group);

    /// <summary>ADD, SUB: opcode in [24:21], a byte and its rotation in [11:0].</summary>
    public static AluGroup Alu(int group, bool isLast) =>
        new(new BitField(Unit.Word, new BitRun(0, 21, 4)) { IsUnsigned = true }, (int)Add, (int)Sub, group, isLast);

    /// <summary>One byte of the value in the immediate of a 16-bit MOVS or ADDS.</summary>
    public static BitField ThumbByte(int number) => new(Unit.Half, new BitRun(8 * number, 0, 8));

    /// <summary>
    /// BF, BFX, BFL, BFCSEL: immA:immC:immB:0 in first [16+width:16], second [11], [10:1]; immB comes before immC.
    /// </summary>
    public static BitField BranchFuture(int bits) => new(
        Unit.ThumbPair, new BitRun(1, 11, 1), new BitRun(2, 1, 10), new BitRun(12, 16, bits - 12));

    private static BitField UpBit() => new(Unit.Word, new BitRun(0, 23, 1)) { IsUnsigned = true };

    private static BitField Wide(uint opcode, uint mask, int lowBit, bool writesOpcode = false) => new(
        Unit.ThumbPair,
        new BitRun(lowBit, lowBit - 1, 12 - lowBit), new BitRun(12, 16, 10),
        new BitRun(22, 11, 1), new BitRun(23, 13, 1), new BitRun(24, 26, 1))
    {
        Opcode = opcode,
        OpcodeMask = mask,
        WritesOpcode = writesOpcode,
        Involution = SwapJ,
    };

    private static BitField Narrow(uint opcode, uint mask, int lowBit, bool writesOpcode) => new(
        Unit.ThumbPair,
        new BitRun(lowBit, lowBit - 1, 12 - lowBit), new BitRun(12, 16, 10), new BitRun(22, 26, 1))
    {
        Opcode = opcode,
        OpcodeMask = mask,
        WritesOpcode = writesOpcode,
    };

    /// <summary>J = NOT(I XOR S), for bits 23 and 22: flips both unless S, bit 24, is set. Its own inverse.</summary>
    private static ulong SwapJ(ulong value) => (value & 1UL << 24) is 0 ? value ^ 3UL << 22 : value;
}
