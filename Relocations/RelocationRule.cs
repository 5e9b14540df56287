using System.Runtime.CompilerServices;

namespace ElfLoader.Relocations;

/// <summary>Which results of an expression a field accepts.</summary>
public enum Overflow
{
    /// <summary>Any; excess bits are dropped.</summary>
    Wraps,

    /// <summary>Those that survive sign extension.</summary>
    Signed,

    /// <summary>Those that survive zero extension.</summary>
    Unsigned,

    /// <summary>Those that survive either.</summary>
    Either,

    /// <summary>Those the field can encode, by <see cref="Field.CanHold"/>.</summary>
    Encodable,
}

/// <summary>What a relocation wants to find in the GOT at <c>G</c>.</summary>
public enum GotSlot
{
    /// <summary>Nothing; it may still want the GOT's address.</summary>
    None,

    /// <summary>The symbol's address: one word.</summary>
    Address,

    /// <summary>The symbol's offset from the thread pointer: one word (initial exec).</summary>
    TpOffset,

    /// <summary>A TLS index {module, offset of the symbol}: two words (general dynamic).</summary>
    TlsIndex,

    /// <summary>A TLS index {module, 0}: two words, one for all local symbols (local dynamic).</summary>
    TlsModule,

    /// <summary>A TLS descriptor {resolver, argument}: two words.</summary>
    TlsDescriptor,
}

/// <summary>How far a type belongs into a relocatable object.</summary>
public enum RelocationUse
{
    /// <summary>Compilers and assemblers emit it.</summary>
    Static,

    /// <summary>Only linkers emit it, for the dynamic loader: in a relocatable object it is an error.</summary>
    Dynamic,

    /// <summary>It changes no byte: a marker, a dependency, or a note for the linker's garbage collection.</summary>
    Marker,

    /// <summary>
    /// It has a number and a name, but no meaning here: withdrawn by the ABI, or private to a platform. In a relocatable
    /// object it is an error; <see cref="RelocationRule.Refusal"/> says why.
    /// </summary>
    Refused,
}

/// <summary>What came of applying one relocation.</summary>
public enum RelocationOutcome
{
    /// <summary>The place was patched.</summary>
    Applied,

    /// <summary>The value does not fit the field; the place is untouched.</summary>
    OutOfRange,

    /// <summary>The value has bits below the field's lowest; the place is untouched.</summary>
    Misaligned,

    /// <summary>The place holds another instruction than the relocation is for; it is untouched.</summary>
    WrongInstruction,

    /// <summary>The value is within the field's limits, but no encoding stands for it; the place is untouched.</summary>
    NotEncodable,

    /// <summary>
    /// The branch cannot enter the instruction set that its target is in: it needs a stub. The place is untouched.
    /// </summary>
    WrongInstructionSet,
}

/// <summary>
/// Picks the row that stands for another one at a certain place, where one type has several forms (AAELF32: BL or BLX, by
/// the target's instruction set). Null where the branch cannot enter the target's instruction set.
/// </summary>
/// <param name="rule">The row of the type; it may stand for itself.</param>
/// <param name="place">The bytes at the place: the instruction.</param>
/// <param name="operands">Addresses; S, T and whether the symbol is a function.</param>
public delegate RelocationRule? RelocationForm(RelocationRule rule, ReadOnlySpan<byte> place, in Operands operands);

/// <summary>One row of a psABI relocation table.</summary>
/// <param name="Type">Number in the low bits of <c>r_info</c>.</param>
/// <param name="Expression">What to compute.</param>
/// <param name="Field">Where the result goes.</param>
/// <param name="Overflow">Which results fit.</param>
/// <param name="Slot">What the GOT must hold for it.</param>
/// <param name="Name">The psABI's name, taken from the source text of <paramref name="Type"/>.</param>
public sealed record RelocationRule(
    uint Type,
    Expression Expression,
    Field Field,
    Overflow Overflow = Overflow.Wraps,
    GotSlot Slot = GotSlot.None,
    [CallerArgumentExpression(nameof(Type))] string Name = "")
{
    /// <summary>Where a REL addend is read, if not from <see cref="Field"/>.</summary>
    public Field? Addend { get; init; }

    /// <summary>Whether the type belongs into a relocatable object.</summary>
    public RelocationUse Use { get; init; }

    /// <summary>Why objects may not use the type (<see cref="RelocationUse.Refused"/>): the end of a sentence.</summary>
    public string? Refusal { get; init; }

    /// <summary>
    /// Picks the row to apply, if the type has several forms; this row's own field then serves to read the addend and to
    /// tell whether the instruction is one the type is for.
    /// </summary>
    public RelocationForm? Form { get; init; }

    /// <summary>
    /// Whether <see cref="Architecture.TryRelax"/> may rewrite the instructions around the place.
    /// </summary>
    public bool MayRelax { get; init; }

    /// <summary>
    /// Whether the place calls <see cref="Architecture.TlsCall"/> rather than the symbol, which is the thread-local variable
    /// that is asked for.
    /// </summary>
    public bool CallsTlsDescriptor { get; init; }

    /// <summary>
    /// Whether the place is the operand of a jump or call, so that a stub or veneer may stand for the symbol.
    /// </summary>
    public bool IsBranch => Expression.AllowsStub;

    /// <summary>The least value that fits.</summary>
    public long Minimum => Overflow is Overflow.Wraps || (Field.HighBit is 63 && Overflow is not Overflow.Unsigned)
        ? long.MinValue
        : Overflow is Overflow.Encodable ? Field.Limits.Minimum
        : Overflow is Overflow.Unsigned ? 0 : -(1L << Field.HighBit);

    /// <summary>The greatest value that fits.</summary>
    public long Maximum => Overflow is Overflow.Wraps || Field.HighBit is 63
        ? long.MaxValue
        : Overflow is Overflow.Encodable ? Field.Limits.Maximum
        : (Overflow is Overflow.Signed ? 1L << Field.HighBit : 2L << Field.HighBit) - (1L << Field.LowBit);

    /// <summary>Reads the addend a REL record leaves in the bytes; call once, before the first patch.</summary>
    public long ReadAddend(ReadOnlySpan<byte> place) => (Addend ?? Field).Read(place);

    /// <summary>Whether <paramref name="value"/> fits the field.</summary>
    public bool Admits(long value)
    {
        int spare = 63 - Field.HighBit;
        return Overflow switch
        {
            Overflow.Wraps => true,
            Overflow.Encodable => Field.CanHold(value),
            Overflow.Signed => (value << spare) >> spare == value,
            Overflow.Unsigned => (value << spare) >>> spare == value,
            _ => (value << spare) >> spare == value || (value << spare) >>> spare == value,
        };
    }
}
