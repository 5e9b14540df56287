using System.Buffers.Binary;
using System.Numerics;
using ElfLoader.Relocations;

namespace ElfLoader.Arch.Arm;

/// <summary>A field of the types that have one instruction's place.</summary>
internal abstract class WholeInstruction : Field
{
    /// <inheritdoc/>
    public override int Size => sizeof(uint);

    /// <inheritdoc/>
    public override int LowBit => 0;

    /// <inheritdoc/>
    public override int HighBit => 31;
}

/// <summary>An instruction that is put at the place instead of the one there; the value does not matter.</summary>
/// <param name="halves">The instruction in Thumb, its first halfword the more significant.</param>
internal sealed class ThumbInstruction(uint halves) : WholeInstruction
{
    /// <inheritdoc/>
    public override long Read(ReadOnlySpan<byte> place) => 0;

    /// <inheritdoc/>
    public override void Write(Span<byte> place, long value) =>
        BinaryPrimitives.WriteUInt32LittleEndian(place, BitOperations.RotateLeft(halves, 16));
}

/// <summary>BX rN, which becomes MOV pc, rN where the processor has no BX (AAELF32, "Static Arm relocations", R_ARM_V4BX).</summary>
internal sealed class BxRewrite : WholeInstruction
{
    private const uint Mask = 0x0fff_fff0;
    private const uint Bx = 0x012f_ff10;
    private const uint MovPc = 0x01a0_f000;

    /// <inheritdoc/>
    public override bool Fits(ReadOnlySpan<byte> place) =>
        (BinaryPrimitives.ReadUInt32LittleEndian(place) & Mask) is Bx or MovPc;

    /// <inheritdoc/>
    public override long Read(ReadOnlySpan<byte> place) => 0;

    /// <inheritdoc/>
    public override void Write(Span<byte> place, long value)
    {
        uint instruction = BinaryPrimitives.ReadUInt32LittleEndian(place);
        BinaryPrimitives.WriteUInt32LittleEndian(place, (instruction & ~Mask) | MovPc);
    }
}

/// <summary>ADD of eight bits of the value from a certain one on, as three instructions that always are the same add them all.</summary>
/// <param name="lowBit">The lowest of the eight bits; even.</param>
internal sealed class AluByte(int lowBit) : WholeInstruction
{
    private const uint ImmediateMask = 0xfff;

    /// <inheritdoc/>
    public override int HighBit => lowBit + 7;

    /// <inheritdoc/>
    public override long Read(ReadOnlySpan<byte> place)
    {
        uint instruction = BinaryPrimitives.ReadUInt32LittleEndian(place);
        return BitOperations.RotateRight(instruction & 0xff, 2 * (int)((instruction >> 8) & 0xf));
    }

    /// <inheritdoc/>
    public override void Write(Span<byte> place, long value)
    {
        uint rotation = (uint)(32 - lowBit) / 2;
        uint instruction = BinaryPrimitives.ReadUInt32LittleEndian(place) & ~ImmediateMask;
        BinaryPrimitives.WriteUInt32LittleEndian(
            place, instruction | (rotation << 8) | (uint)((value >> lowBit) & 0xff));
    }
}
