using ElfLoader.Relocations;

namespace ElfLoader.Arch.Arm;

/// <summary>
/// An offset kept as a magnitude and a direction, add or subtract (the bit U of loads; ADD or SUB of ADR), of which
/// ADD or SUB instructions before may have taken the upper parts (AAELF32, "Group relocations").
/// </summary>
internal sealed class SignedMagnitude : Field
{
    private readonly BitField _magnitude;
    private readonly BitField _direction;
    private readonly int _plus;
    private readonly int _minus;
    private readonly int _group;

    /// <summary>Describes a field.</summary>
    /// <param name="magnitude">Where the magnitude goes.</param>
    /// <param name="direction">Where the direction goes.</param>
    /// <param name="plus">What stands there for values from zero on.</param>
    /// <param name="minus">What stands there for values below zero.</param>
    /// <param name="group">How many ADD or SUB instructions take parts of the value before.</param>
    public SignedMagnitude(BitField magnitude, BitField direction, int plus, int minus, int group = 0)
    {
        _magnitude = magnitude;
        _direction = direction;
        _plus = plus;
        _minus = minus;
        _group = group;
    }

    /// <inheritdoc/>
    public override int Size => _magnitude.Size;

    /// <summary>Zero: what is not a multiple of the unit cannot be encoded, rather than being cut.</summary>
    public override int LowBit => 0;

    /// <summary>The sign bit of the greatest value.</summary>
    public override int HighBit => _group is 0 ? _magnitude.HighBit + 1 : 31;

    /// <inheritdoc/>
    public override (long Minimum, long Maximum) Limits =>
        _group is 0 ? (-Greatest, Greatest) : (int.MinValue, int.MaxValue);

    private long Greatest => (2L << _magnitude.HighBit) - (1L << _magnitude.LowBit);

    /// <inheritdoc/>
    public override bool Fits(ReadOnlySpan<byte> place)
    {
        long direction = _direction.Read(place);
        return direction == _plus || direction == _minus;
    }

    /// <inheritdoc/>
    public override bool CanHold(long value)
    {
        uint rest = AluGroup.Residual(Magnitude(value), _group);
        return base.CanHold(value) && rest <= Greatest && (rest & ((1u << _magnitude.LowBit) - 1)) is 0;
    }

    /// <inheritdoc/>
    public override long Read(ReadOnlySpan<byte> place)
    {
        long magnitude = _magnitude.Read(place);
        return _direction.Read(place) == _minus ? -magnitude : magnitude;
    }

    /// <inheritdoc/>
    public override void Write(Span<byte> place, long value)
    {
        _magnitude.Write(place, AluGroup.Residual(Magnitude(value), _group));
        _direction.Write(place, value < 0 ? _minus : _plus);
    }

    private static uint Magnitude(long value) => (uint)Math.Abs((long)(int)value);
}
