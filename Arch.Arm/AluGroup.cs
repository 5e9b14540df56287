using System.Buffers.Binary;
using System.Numerics;
using ElfLoader.Relocations;

namespace ElfLoader.Arch.Arm;

/// <summary>
/// One of several ADD or SUB instructions that together add an offset (AAELF32, "Group relocations"): the group G0 is
/// the eight bits from the most significant one down, at an even place, G1 the next eight of what is left, and so on.
/// </summary>
internal sealed class AluGroup : Field
{
    private const uint ImmediateMask = 0xfff;

    private readonly BitField _opcode;
    private readonly int _add;
    private readonly int _subtract;
    private readonly int _group;
    private readonly bool _isLast;

    /// <summary>Describes a field.</summary>
    /// <param name="opcode">Where the opcode is.</param>
    /// <param name="add">The opcode for values from zero on.</param>
    /// <param name="subtract">The opcode for values below zero.</param>
    /// <param name="group">The group's number.</param>
    /// <param name="isLast">Whether nothing may be left of the value after it.</param>
    public AluGroup(BitField opcode, int add, int subtract, int group, bool isLast)
    {
        _opcode = opcode;
        _add = add;
        _subtract = subtract;
        _group = group;
        _isLast = isLast;
    }

    /// <inheritdoc/>
    public override int Size => sizeof(uint);

    /// <inheritdoc/>
    public override int LowBit => 0;

    /// <inheritdoc/>
    public override int HighBit => 31;

    /// <summary>What is left of a magnitude when a number of groups have been taken.</summary>
    public static uint Residual(uint magnitude, int groups)
    {
        for (; groups > 0; groups--)
        {
            magnitude &= ~(0xffu << Shift(magnitude));
        }

        return magnitude;
    }

    /// <inheritdoc/>
    public override bool CanHold(long value) => base.CanHold(value) && (!_isLast || Residual(Magnitude(value), _group + 1) is 0);

    /// <inheritdoc/>
    public override bool Fits(ReadOnlySpan<byte> place)
    {
        long opcode = _opcode.Read(place);
        return opcode == _add || opcode == _subtract;
    }

    /// <inheritdoc/>
    public override long Read(ReadOnlySpan<byte> place)
    {
        uint instruction = BinaryPrimitives.ReadUInt32LittleEndian(place);
        long magnitude = BitOperations.RotateRight(instruction & 0xff, 2 * (int)((instruction >> 8) & 0xf));
        return _opcode.Read(place) == _subtract ? -magnitude : magnitude;
    }

    /// <inheritdoc/>
    public override void Write(Span<byte> place, long value)
    {
        uint rest = Residual(Magnitude(value), _group);
        int shift = Shift(rest);
        uint rotation = (uint)((32 - shift) / 2) & 0xf;
        uint immediate = (rotation << 8) | ((rest >> shift) & 0xff);
        uint instruction = BinaryPrimitives.ReadUInt32LittleEndian(place) & ~ImmediateMask;
        BinaryPrimitives.WriteUInt32LittleEndian(place, instruction | immediate);
        _opcode.Write(place, (int)value < 0 ? _subtract : _add);
    }

    /// <summary>Where the eight bits from the most significant one down begin: at an even place.</summary>
    private static int Shift(uint value) => Math.Max(0, (32 - BitOperations.LeadingZeroCount(value) - 7) / 2 * 2);

    private static uint Magnitude(long value) => (uint)Math.Abs((long)(int)value);
}
