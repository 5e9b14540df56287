using ElfLoader.Relocations;
using static ElfLoader.Arch.Arm.ArmRelocationTypes;
using static ElfLoader.Relocations.Expression;

namespace ElfLoader.Arch.Arm;

/// <summary>
/// The forms of branches that depend on which instruction set the target is in (AAELF32, "Call and Jump relocations"):
/// what is written is decided by the target alone, never toggled.
/// </summary>
/// <remarks>
/// Of a symbol that is no function nothing is known: the branch stays what it is. A BL that is always executed and a BLX
/// become each other; a branch without link and one with a condition cannot, and neither can any before Armv5T or on
/// processors without A32: they go through a veneer.
/// </remarks>
internal sealed class ArmBranches
{
    private const int BlxPrefix = 0x7d; // [31:25]
    private const byte AlwaysBl = 0xeb; // [31:24]

    private static readonly RelocationRule Bl = new(R_ARM_CALL, ((L + A) | T) - P, ArmFields.Bl, Overflow.Signed);
    private static readonly RelocationRule Blx = Bl with { Field = ArmFields.Blx };
    private static readonly RelocationRule NotAnnounced = new(R_ARM_THM_BF16, None, new ThumbInstruction(0xf3af_8000)); // nop.w

    private readonly bool _hasBlx;
    private readonly RelocationRule _thumbBl;
    private readonly RelocationRule _thumbBlx;

    /// <summary>The forms for a processor.</summary>
    public ArmBranches(ArmArchitecture architecture)
    {
        bool isWide = architecture.HasWideBranches;
        _hasBlx = architecture.HasBlx;
        _thumbBl = new(
            R_ARM_THM_CALL,
            ((L + A) | T) - P,
            isWide ? ArmFields.ThumbBl : ArmFields.NarrowThumbBl,
            Overflow.Signed);

        // BLX counts from PC rounded down: its target is a multiple of four.
        _thumbBlx = new(
            R_ARM_THM_CALL,
            L + A - Pa,
            isWide ? ArmFields.ThumbBlx : ArmFields.NarrowThumbBlx,
            Overflow.Signed);
    }

    /// <summary>B, BL and BLX of A32 in a type that permits to write BLX for BL.</summary>
    public RelocationRule? Call(RelocationRule rule, ReadOnlySpan<byte> place, in Operands operands)
    {
        bool isBlx = place[3] >> 1 is BlxPrefix;
        if (operands.T is not 0)
        {
            return _hasBlx && (isBlx || place[3] is AlwaysBl) ? Blx : null;
        }

        return !isBlx ? rule : operands.IsFunction ? Bl : Blx;
    }

    /// <summary>B of A32, and BL with a condition.</summary>
    public static RelocationRule? Jump(RelocationRule rule, ReadOnlySpan<byte> place, in Operands operands) =>
        operands.T is not 0 ? null : rule;

    /// <summary>BL and BLX of Thumb.</summary>
    public RelocationRule? ThumbCall(RelocationRule rule, ReadOnlySpan<byte> place, in Operands operands)
    {
        bool isBl = (place[3] & 0x10) is not 0;
        return operands.T is not 0 ? _thumbBl
            : operands.IsFunction ? (_hasBlx ? _thumbBlx : null)
            : isBl ? _thumbBl : _thumbBlx;
    }

    /// <summary>Branches of Thumb that cannot leave it.</summary>
    public static RelocationRule? ThumbJump(RelocationRule rule, ReadOnlySpan<byte> place, in Operands operands) =>
        operands.T is 0 && operands.IsFunction ? null : rule;

    /// <summary>
    /// Branches announced in advance (Armv8.1-M): one that does not reach is only not announced, for the branch itself
    /// follows.
    /// </summary>
    public static RelocationRule? Announced(RelocationRule rule, ReadOnlySpan<byte> place, in Operands operands) =>
        rule.Admits((int)rule.Expression.Evaluate(operands)) ? rule : NotAnnounced;
}
