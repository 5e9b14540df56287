using ElfLoader.Relocations;
using static ElfLoader.Tests.Relocations.FixtureTable;
using Machine = ElfLoader.Arch.Arm.Arm;
using Row = System.Collections.Generic.IReadOnlyDictionary<string, string>;

namespace ElfLoader.Tests.Arch.Arm;

/// <summary>The exact limits and one past them, with targets in either instruction set, against lld.</summary>
public sealed class ArmLimitsTests
{
    private const ulong Text = 0x1000_0000;

    private static readonly Row[] Rows = [.. Read("limits-arm.csv")];

    private enum Verdict
    {
        Equal,
        BothRefuse,
        BothTakeAVeneer,
        Unexplained,
    }

    [Test]
    public void EveryLimitIsLlds()
    {
        List<(Verdict Verdict, string Row)> results = [.. Rows.Select(row => (Judge(row, out string ours), $"{Describe(row)}: {ours}"))];

        Assert.That(results.Where(result => result.Verdict is Verdict.Unexplained).Select(result => result.Row), Is.Empty);
        Assert.That(results.CountBy(result => result.Verdict), Is.EquivalentTo(new Dictionary<Verdict, int>
        {
            [Verdict.Equal] = 421,
            [Verdict.BothRefuse] = 54,
            [Verdict.BothTakeAVeneer] = 37,
        }));
    }

    private static string Describe(Row row) => string.Join(' ', row.Values);

    private static Verdict Judge(Row row, out string ours)
    {
        Machine machine = Machine.Default;
        RelocationRule rule = machine.Relocations.Rules.Single(rule => rule.Name == "R_ARM_" + row["type"]);
        byte[] before = Convert.FromHexString(row["before"]);
        ulong s = Hex(row["S"]);
        var operands = new Operands
        {
            S = s,
            L = s,
            T = Hex(row["T"]),
            P = Hex(row["P"]),
            A = rule.ReadAddend(before),
            IsFunction = row["T"] is "1" || s % 2 is 0,
        };
        Assert.That(operands.A, Is.EqualTo(long.Parse(row["A"])), Describe(row));

        byte[] place = [.. before];
        RelocationOutcome outcome = machine.Relocations.Apply(rule, place, operands, out _);
        ours = outcome is RelocationOutcome.Applied ? Convert.ToHexStringLower(place) : outcome.ToString();
        if (ours == row["lld"])
        {
            return Verdict.Equal;
        }

        Assert.That(outcome is RelocationOutcome.Applied || place.SequenceEqual(before), Is.True, "A refused place stays.");
        if (outcome is RelocationOutcome.Applied)
        {
            return Verdict.Unexplained;
        }

        bool hasVeneer = machine.StubFor(rule, before, 0, operands) is not null;
        return row["lld"] is "range" ? (hasVeneer ? Verdict.Unexplained : Verdict.BothRefuse)
            : hasVeneer && GoesToThunk(machine, rule, row) ? Verdict.BothTakeAVeneer
            : Verdict.Unexplained;
    }

    /// <summary>Whether lld's branch goes to what it has put behind the places.</summary>
    private static bool GoesToThunk(Machine machine, RelocationRule rule, Row row)
    {
        byte[] code = Convert.FromHexString(row["lld"]);
        bool isThumb = rule.Name.Contains("THM", StringComparison.Ordinal);
        long origin = (long)Hex(row["P"]) + machine.BranchOrigin(rule);
        long landing = (isThumb && (code[3] & 0x10) is 0 && rule.Name.EndsWith("CALL", StringComparison.Ordinal) ? origin & ~3L : origin)
            + rule.Field.Read(code);
        return landing > (long)Text + (16L * (Rows.Length - 1)) && landing < (long)Text + 0x8000;
    }
}
