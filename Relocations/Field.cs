namespace ElfLoader.Relocations;

/// <summary>
/// Which bytes at the place a relocation owns, how a value is split over them, and how a REL addend is read back.
/// </summary>
/// <remarks>
/// Writing replaces every bit the field owns and depends on none of them, so a place can be patched again, with
/// another value, any number of times. All fields are immutable and may be used from any thread.
/// </remarks>
public abstract class Field
{
    /// <summary>No bytes at all: the field of a marker such as R_X86_64_NONE.</summary>
    public static Field None { get; } = new NoField();

    /// <summary>Number of bytes touched at the place.</summary>
    public abstract int Size { get; }

    /// <summary>Lowest bit of the value that is stored; bits below it are dropped, or must be zero.</summary>
    public abstract int LowBit { get; }

    /// <summary>Highest bit of the value that is stored: the sign bit of a signed field.</summary>
    public abstract int HighBit { get; }

    /// <summary>Whether the place holds the instruction this field belongs to; always so for data.</summary>
    public virtual bool Fits(ReadOnlySpan<byte> place) => true;

    /// <summary>
    /// The least and the greatest value that <see cref="CanHold"/> may accept: all that survive sign extension, where a
    /// field does not say otherwise.
    /// </summary>
    public virtual (long Minimum, long Maximum) Limits =>
        HighBit is 63 ? (long.MinValue, long.MaxValue) : (-(1L << HighBit), (1L << HighBit) - (1L << LowBit));

    /// <summary>Whether the field has an encoding for a value (<see cref="Overflow.Encodable"/>).</summary>
    public virtual bool CanHold(long value) => value >= Limits.Minimum && value <= Limits.Maximum;

    /// <summary>Reads the stored value, sign-extended from <see cref="HighBit"/> unless the field is unsigned.</summary>
    /// <param name="place">At least <see cref="Size"/> bytes, starting at P.</param>
    public abstract long Read(ReadOnlySpan<byte> place);

    /// <summary>Replaces the field's bits with those of <paramref name="value"/>; leaves all others alone.</summary>
    /// <param name="place">At least <see cref="Size"/> bytes, starting at P.</param>
    /// <param name="value">The value; bits outside <see cref="LowBit"/> to <see cref="HighBit"/> are dropped.</param>
    public abstract void Write(Span<byte> place, long value);

    private sealed class NoField : Field
    {
        public override int Size => 0;

        public override int LowBit => 0;

        public override int HighBit => 63;

        public override long Read(ReadOnlySpan<byte> place) => 0;

        public override void Write(Span<byte> place, long value)
        {
        }
    }
}
