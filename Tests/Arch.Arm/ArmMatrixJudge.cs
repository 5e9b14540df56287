using ElfLoader.Relocations;
using static ElfLoader.Tests.Arch.Arm.ArmMatrixReason;
using Machine = ElfLoader.Arch.Arm.Arm;

namespace ElfLoader.Tests.Arch.Arm;

/// <summary>Finds why a linker's answer differs from ours, by working out what its mistake gives.</summary>
internal static class ArmMatrixJudge
{
    /// <summary>Why the model's answer differs from ours.</summary>
    public static ArmMatrixReason JudgeModel(ArmMatrixRow row, string ours)
    {
        _ = row.Apply(Machine.Default, row.Operands(), out RelocationOutcome outcome);
        return IsBeside(row, ours, outcome) ? LandsBeside
            : IsExchanged(row, ours) ? Exchanged
            : row.Type is "PLT32_ABS" && row.Target is 't' ? NoThumbBit
            : Unexplained;
    }

    public static ArmMatrixReason Judge(ArmMatrixRow row, string witness, char kind, string word)
    {
        Operands operands = row.Operands();
        if (word is "-")
        {
            return NotSupported;
        }

        if (word.Split('@') is [string bytes, string slot])
        {
            operands.G = (uint)(Convert.ToUInt64(slot, 16) - ArmMatrixRow.Got);
            return row.Apply(operands) == bytes ? SlotOfLinker : Unexplained;
        }

        word = word is "=" ? row.Abi : word;
        string ours = row.Apply(Machine.Default, operands, out RelocationOutcome outcome);
        if (ours == word)
        {
            return word switch { "r" => BothRefuse, "v" => BothTakeAVeneer, _ => Equal };
        }

        if (IsBeside(row, ours, outcome))
        {
            return LandsBeside;
        }

        if (IsExchanged(row, ours))
        {
            return Exchanged;
        }

        if (row.Target is 'w')
        {
            ArmMatrixReason unrelated = witness is "lld" ? OfLld(row, operands, word) : OfGnu(row, operands, kind, word);
            if (unrelated is AddendCutShort or NotRangeChecked or FieldMisplaced or RotationMisread)
            {
                return unrelated;
            }

            Operands zero = operands with { S = 0, L = 0, T = 0, IsFunction = false };
            return word is "r" || IsNop(word) || row.Apply(zero) == word ? WeakIsZero
                : row.Type is "PREL31" or "CALL" or "THM_CALL" or "THM_PC8" ? WeakElsewhere
                : Unexplained;
        }

        if (ours != row.Abi)
        {
            return Unexplained;
        }

        ArmMatrixReason reason = witness is "lld" ? OfLld(row, operands, word) : OfGnu(row, operands, kind, word);
        return reason is not Unexplained ? reason
            : word is "v" && ours.Length > 1 ? VeneerBeforeTheLimit
            : ours is "v" && word is "r" ? NoVeneer
            : Unexplained;
    }

    /// <summary>A distance that is not a multiple of the instruction's unit, which the model cuts as linkers do.</summary>
    private static bool IsBeside(ArmMatrixRow row, string ours, RelocationOutcome outcome) => row.IsPcRelative
        && (outcome is RelocationOutcome.Misaligned || (ours is "v" && ours != row.Abi && row.Target is not 't'));

    private static bool IsExchanged(ArmMatrixRow row, string ours) =>
        row.Target is 't' && row.Type is "PC24" or "PLT32" && row.Abi is "v" && ours is not "v";

    private static bool IsNop(string bytes) => bytes is "00f020e3" or "00f02003" or "00f020f3" or "aff30080";

    private static ArmMatrixReason OfLld(ArmMatrixRow row, Operands operands, string word)
    {
        if (row.IsBranch)
        {
            int bits = row.Rule.Field.HighBit;
            long cut = operands.A << (64 - bits) >> (64 - bits);
            return cut != operands.A && row.Apply(operands with { A = cut }) is var other && (other == word || other is "r")
                ? AddendCutShort
                : Unexplained;
        }

        if (IsThumbBitInSum(row, operands, word))
        {
            return AddendAddedToThumbBit;
        }

        return row.Type is "THM_PC12" && row.Before[0] is 0xdf && (int)(operands.S + (ulong)operands.A - operands.P) < 4
            ? DirectionIgnored
            : Unexplained;
    }

    private static bool IsThumbBitInSum(ArmMatrixRow row, Operands operands, string word)
    {
        Operands sum = operands with { S = operands.S | operands.T, T = 0 };
        return row.Apply(sum) == word || row.Apply(sum with { A = sum.A - (((long)sum.S + sum.A) & 1) }) == word;
    }

    private static ArmMatrixReason OfGnu(ArmMatrixRow row, Operands operands, char kind, string word)
    {
        if (row.IsBranch)
        {
            bool isBlx = row.Type is "CALL" && row.Before[3] is 0xfa or 0xfb;
            return operands.A != (row.IsThumb ? -4 : -8) ? AddendNotPartOfTarget
                : kind is 's' && isBlx ? SectionIsArm
                : Unexplained;
        }

        if (row.Type.Contains("BREL", StringComparison.Ordinal) && row.Apply(operands with { B = 0 }) == word)
        {
            return StaticBaseIsZero;
        }

        int sum = (int)(operands.S + (ulong)operands.A - (row.IsPcRelative ? operands.P : 0));
        return row.Type switch
        {
            ['A', 'L', 'U', '_', ..] when (row.Before[1] & 0xf) is not 0 => RotationMisread,
            "ABS12" when operands.A < 0 || sum < 0 || (int)operands.S < 0 => DirectionIgnored,
            "THM_PC12" when word is "r" && sum < 4 => DirectionIgnored,
            "ABS8" or "ABS16" when word is "r" && (operands.A < 0 || sum < 0 || (int)operands.S < 0) => NegativeRefused,
            "GOTOFF32" when IsThumbBitInSum(row, operands, word) => AddendAddedToThumbBit,
            "THM_ABS5" or "THM_JUMP6" => FieldMisplaced,
            "THM_ALU_PREL_11_0" when operands.T is 1 && sum < 0 => ThumbBitAfterSign,
            "THM_BF16" or "THM_BF12" or "THM_BF18" or "THM_PC8" => NotRangeChecked,
            _ => Unexplained,
        };
    }
}
