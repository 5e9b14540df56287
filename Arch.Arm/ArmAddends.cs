using System.Buffers.Binary;
using ElfLoader.Relocations;

namespace ElfLoader.Arch.Arm;

/// <summary>
/// The addend of an unsigned 16-bit Thumb instruction, in which the bias of PC, -4, can be said: it is the number of
/// which all bits but the lowest ones are cut (AAELF32, "Addends and PC-bias compensation").
/// </summary>
internal sealed class BiasedAddend(BitField immediate) : AddendField
{
    private const int Bias = 4;

    /// <inheritdoc/>
    public override int Size => immediate.Size;

    /// <inheritdoc/>
    public override long Read(ReadOnlySpan<byte> place)
    {
        long mask = (2L << immediate.HighBit) - 1;
        return ((immediate.Read(place) + Bias) & mask) - Bias;
    }
}

/// <summary>An addend that is always the same, whatever the instruction holds.</summary>
internal sealed class FixedAddend(long value) : AddendField
{
    /// <inheritdoc/>
    public override int Size => sizeof(uint);

    /// <inheritdoc/>
    public override long Read(ReadOnlySpan<byte> place) => value;
}

/// <summary>
/// The addend of a distance to a TLS descriptor. It is the word's distance from the call, with bit 0 set where the call
/// is in Thumb; what is stored counts from the call's return address, to which the function called adds it.
/// </summary>
internal sealed class DescriptorAddend : AddendField
{
    private const long ArmReturn = 4;
    private const long ThumbReturn = 5;

    /// <inheritdoc/>
    public override int Size => sizeof(uint);

    /// <inheritdoc/>
    public override long Read(ReadOnlySpan<byte> place)
    {
        int word = BinaryPrimitives.ReadInt32LittleEndian(place);
        return (word & 1) is 0 ? word - ArmReturn : (word & ~1L) - ThumbReturn;
    }
}

/// <summary>A field that is only read: another one is written.</summary>
internal abstract class AddendField : Field
{
    /// <inheritdoc/>
    public override int LowBit => 0;

    /// <inheritdoc/>
    public override int HighBit => 31;

    /// <inheritdoc/>
    public override void Write(Span<byte> place, long value) =>
        throw new InvalidOperationException("The field is only read.");
}
