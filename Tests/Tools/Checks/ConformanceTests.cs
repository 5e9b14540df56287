using ElfLoader.Inspection.Checks;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Tools.Checks;

/// <summary>
/// A file with checks for each relocation type: the values are those of the ABI's formula, and each check fails if they
/// are others.
/// </summary>
[Parallelizable(ParallelScope.All)]
public sealed class ConformanceTests
{
    [TestCaseSource(typeof(CheckFixture), nameof(CheckFixture.All))]
    public void ChecksHoldAndWrongOnesDoNot(object row)
    {
        var fixture = (CheckFixture)row;
        LinkedImage image = fixture.Link(fixture.Assemble());
        using var checker = new ImageChecker(image, fixture.LinkOptions().Definitions);
        IReadOnlyList<CheckRule> rules = fixture.Rules();

        Assert.That(rules, Is.Not.Empty);
        using (Assert.EnterMultipleScope())
        {
            foreach (CheckRule rule in rules)
            {
                CheckResult right = checker.Check(rule);
                Assert.That(
                    right.Outcome,
                    Is.EqualTo(CheckOutcome.Passed),
                    $"{rule.Text}: {right.Problem} 0x{right.Left:x} 0x{right.Right:x} {string.Join("; ", right.Places)}");
                CheckResult wrong = checker.Check(new CheckRule(rule.File, CheckFixture.Mutate(rule), rule.Start));
                Assert.That(wrong.Outcome, Is.EqualTo(CheckOutcome.Failed), wrong.Rule.Text);
                Assert.That(wrong.Right, Is.EqualTo(unchecked(right.Right + 1)));
            }
        }
    }

    [TestCase("x64", "x86_64.csv", "class", "R_X86_64_")]
    [TestCase("arm", "arm.csv", "use", "R_ARM_")]
    public void EveryTypeHasAFile(string folder, string table, string use, string prefix)
    {
        HashSet<string> files = [.. CheckFixture.In(folder).Select(fixture => prefix + fixture.Name)];
        string[] header = [];
        List<string> types = [];
        foreach (string[] row in File.ReadLines(Path.Combine(Fixtures.Folder, "relocations", table)).Select(line => line.Split(',')))
        {
            if (header.Length is 0)
            {
                header = row;
            }
            else if (row[Array.IndexOf(header, use)] is not ("dynamic" or "refused"))
            {
                types.Add(row[Array.IndexOf(header, "name")]);
            }
        }

        Assert.That(files, Is.EquivalentTo(types));
    }
}
