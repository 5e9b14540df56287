using ElfLoader.Fuzz.Differential;
using ElfLoader.Tests.Arch.Arm;

namespace ElfLoader.Tests.Fuzzing;

/// <summary>
/// The mistakes of GNU ld, as the differential fuzzer works them out, against what GNU ld wrote (<c>arm-matrix.csv</c>): were
/// one worked out wrongly, differences would be taken for findings, or findings for a mistake of GNU ld's.
/// </summary>
public sealed class GnuArmTests
{
    private static readonly string[] Types =
    [
        "PREL31", "GOTOFF32", "THM_PC12", "THM_PC8", "THM_ALU_PREL_11_0", "ABS8", "ABS16", "ABS12", "THM_ABS5", "THM_JUMP6",
        "ALU_PC_G0", "ALU_PC_G0_NC", "ALU_PC_G1", "ALU_PC_G1_NC", "ALU_PC_G2", "LDR_PC_G1", "LDRS_PC_G0", "LDC_PC_G2",
    ];

    [TestCaseSource(nameof(Types))]
    public void EveryDifferentAnswerIsAMistakeThatIsKnownToTheByte(string type)
    {
        int differences = 0;
        foreach (ArmMatrixRow row in ArmMatrixRow.All.Where(row => row.Type == type && row.Target is not 'w'))
        {
            string ours = row.Apply(row.Operands());
            foreach ((char kind, string word) in row.Words("gnu").Where(answer => answer.Word is not "-"))
            {
                string answer = word is "=" ? row.Abi : word;
                if (answer == ours || (row.IsPcRelative && ours is "r" && answer == row.Abi))
                {
                    continue; // as ours, or beside the target, which is refused here only
                }

                byte[]? theirs = answer is "r" ? null : Convert.FromHexString(answer);
                differences++;
                Assert.That(GnuArm.Explain(row.Rule, row.Operands(), row.Before, theirs), Is.Not.EqualTo(Reason.Unexplained), $"{kind} {row}: {ours}");

                // Anything else is none of its mistakes.
                byte[] other = [.. theirs ?? row.Before];
                other[0] ^= 0x10;
                Assert.That(GnuArm.Explain(row.Rule, row.Operands(), row.Before, other), Is.EqualTo(Reason.Unexplained), $"{row}");
            }
        }

        bool hasMistake = type is not ("PREL31" or "ALU_PC_G0" or "LDR_PC_G1" or "LDRS_PC_G0" or "LDC_PC_G2");
        Assert.That(differences > 0 || !hasMistake, Is.True, "there are differences to explain");
    }
}
