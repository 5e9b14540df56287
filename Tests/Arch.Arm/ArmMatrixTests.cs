using ElfLoader.Relocations;
using static ElfLoader.Tests.Arch.Arm.ArmMatrixReason;
using Machine = ElfLoader.Arch.Arm.Arm;

namespace ElfLoader.Tests.Arch.Arm;

/// <summary>
/// Every static type, with addends, values at the limits and one past them and all kinds of targets and symbols: the
/// table against a model written from the ABI's text and against two linkers at the same addresses.
/// </summary>
public sealed class ArmMatrixTests
{
    /// <summary>How often each relation is known to be right, over both linkers and all kinds of symbols.</summary>
    private static readonly Dictionary<ArmMatrixReason, int> Known = new()
    {
        [Equal] = 30387,
        [BothRefuse] = 4113,
        [BothTakeAVeneer] = 3877,
        [SlotOfLinker] = 567,
        [NotSupported] = 8883,
        [Exchanged] = 216,
        [VeneerBeforeTheLimit] = 45,
        [NoVeneer] = 106,
        [LandsBeside] = 1994,
        [AddendAddedToThumbBit] = 927,
        [AddendCutShort] = 326,
        [AddendNotPartOfTarget] = 1909,
        [RotationMisread] = 894,
        [DirectionIgnored] = 302,
        [NegativeRefused] = 228,
        [NotRangeChecked] = 255,
        [StaticBaseIsZero] = 488,
        [FieldMisplaced] = 328,
        [ThumbBitAfterSign] = 18,
        [SectionIsArm] = 9,
        [WeakIsZero] = 205,
        [WeakElsewhere] = 17,
    };

    /// <summary>Types of TLS descriptors, whose calls linkers send to functions of their own: see the sites.</summary>
    private static readonly string[] Elsewhere = ["R_ARM_TLS_GOTDESC", "R_ARM_TLS_CALL", "R_ARM_THM_TLS_CALL"];

    [Test]
    public void EveryStaticTypeHasRows() => Assert.That(
        ArmMatrixRow.All.Select(row => row.Rule.Name).Distinct().Concat(Elsewhere),
        Is.EquivalentTo(Machine.Default.Relocations.Rules.Where(rule => rule.Use is RelocationUse.Static).Select(rule => rule.Name)));

    [Test]
    public void AddendsAreReadAsTheAssemblerWroteThem()
    {
        foreach (ArmMatrixRow row in ArmMatrixRow.All)
        {
            Assert.That(row.Rule.ReadAddend(row.Before), Is.EqualTo(row.Addend), $"{row}");
        }
    }

    [Test]
    public void EveryAnswerIsTheLinkersOrDiffersForAKnownReason()
    {
        List<(ArmMatrixReason Reason, string Row)> results =
        [
            .. from row in ArmMatrixRow.All
               from witness in (string[])["lld", "gnu"]
               from answer in row.Words(witness)
               select (ArmMatrixJudge.Judge(row, witness, answer.Kind, answer.Word), $"{witness} {answer.Kind} {row}: {row.Apply(row.Operands())}"),
        ];

        Assert.That(results.Where(result => result.Reason is Unexplained).Select(result => result.Row), Is.Empty);
        Assert.That(results.CountBy(result => result.Reason), Is.EquivalentTo(Known));
    }

    /// <summary>Also of types that no linker has.</summary>
    [Test]
    public void EveryAnswerIsTheModelsOrDiffersForAKnownReason()
    {
        List<(ArmMatrixReason Reason, string Row)> results =
        [
            .. from row in ArmMatrixRow.All
               let ours = row.Apply(row.Operands())
               where ours != row.Abi
               select (ArmMatrixJudge.JudgeModel(row, ours), $"{row}: {ours}"),
        ];

        Assert.That(results.Where(result => result.Reason is Unexplained).Select(result => result.Row), Is.Empty);
        Assert.That(results.CountBy(result => result.Reason), Is.EquivalentTo(new Dictionary<ArmMatrixReason, int>
        {
            [LandsBeside] = 295,
            [Exchanged] = 36,
            [NoThumbBit] = 20,
        }));
    }

    /// <summary>What was patched for other addresses is patched as if it had never been.</summary>
    [Test]
    public void ApplyingAgainIsApplyingForTheFirstTime()
    {
        int count = 0;
        foreach (ArmMatrixRow row in ArmMatrixRow.All)
        {
            Operands first = row.Operands();
            Operands second = first with { S = first.S + 0x1_0004, L = first.L + 0x1_0004, P = first.P + 0x1_0000, Got = first.Got + 8 };
            byte[] fresh = [.. row.Before];
            byte[] again = [.. row.Before];
            RelocationTable table = Machine.Default.Relocations;
            if (table.Apply(row.Rule, again, first, out _) is RelocationOutcome.Applied
                && table.Apply(row.Rule, fresh, second, out _) is RelocationOutcome.Applied
                && !row.Type.StartsWith("THM_BF", StringComparison.Ordinal))
            {
                Assert.That(table.Apply(row.Rule, again, second, out _), Is.EqualTo(RelocationOutcome.Applied), $"{row}");
                Assert.That(again, Is.EqualTo(fresh), $"{row}");
                count++;
            }
        }

        Assert.That(count, Is.GreaterThan(4000));
    }
}
