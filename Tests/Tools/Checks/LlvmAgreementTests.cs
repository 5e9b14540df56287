using ElfLoader.Inspection.Checks;
using ElfLoader.Tests.EndToEnd;

namespace ElfLoader.Tests.Tools.Checks;

/// <summary>
/// What holds for <c>elfload verify</c> holds for LLVM's two loaders, where they know the relocation type; and what is
/// wrong here is wrong there.
/// </summary>
[Parallelizable(ParallelScope.All)]
public sealed class LlvmAgreementTests
{
    private static readonly string[] SlabOptions =
        ["-noexec", "-slab-allocate=64Kb", "-slab-address=0x10000000", "-slab-page-size=4096"];

    private static IEnumerable<TestCaseData> JitLinkRows() =>
        from fixture in CheckFixture.All
        from prefix in fixture.JitLinkPrefixes
        select new TestCaseData(fixture, prefix) { TestName = $"JitLink({fixture}, {prefix})" };

    private static IEnumerable<TestCaseData> RuntimeDyldRows() =>
        from fixture in CheckFixture.All
        where fixture.Rules(["rtdyld-check"]).Count > 0
        select new TestCaseData(fixture) { TestName = $"RuntimeDyld({fixture})" };

    [TestCaseSource(nameof(JitLinkRows))]
    public void JitLinkAgrees(object row, string prefix)
    {
        var fixture = (CheckFixture)row;
        string input = fixture.Assemble();
        Agree(fixture, prefix, input, checks => Command.Run(
            "llvm-jitlink-19",
            [.. SlabOptions, $"-entry={fixture.AnySymbol}", $"-check={checks}", $"-check-name={prefix}", .. Definitions(fixture, "-abs"), input]));
    }

    [TestCaseSource(nameof(RuntimeDyldRows))]
    public void RuntimeDyldAgrees(object row)
    {
        var fixture = (CheckFixture)row;
        string input = fixture.Assemble();
        Agree(fixture, "rtdyld-check", input, checks => Command.Run(
            "llvm-rtdyld-19",
            [$"-triple={fixture.Triple}", "-verify", $"-check={checks}", .. Definitions(fixture, "-dummy-extern"), input]));
    }

    private static void Agree(CheckFixture fixture, string prefix, string input, Func<string, CommandResult> llvm)
    {
        IReadOnlyList<CheckRule> rules = fixture.Rules([prefix]);
        CommandResult right = llvm(fixture.Path);
        Assert.That(right.Status, Is.Zero, right.Error);

        // One of them is wrong, another one in each file.
        int wrong = fixture.Name.Length % rules.Count;
        string mutated = Path.Combine(Path.GetDirectoryName(input)!, $"{fixture.Name}-{Guid.NewGuid():N}.s");
        File.WriteAllLines(mutated, rules.Select((rule, i) => $"# {prefix}: {(i == wrong ? CheckFixture.Mutate(rule) : rule.Text)}"));
        using var checker = new ImageChecker(fixture.Link(input), fixture.LinkOptions().Definitions);
        CheckOutcome[] ours = [.. CheckFile.Read(mutated).Select(rule => checker.Check(rule).Outcome)];
        CommandResult theirs = llvm(mutated);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(ours, Is.EqualTo(rules.Select((_, i) => i == wrong ? CheckOutcome.Failed : CheckOutcome.Passed)));
            Assert.That(theirs.Status, Is.EqualTo(1), theirs.Error);
            Assert.That(theirs.Error, Does.Contain("is false"));
        }
    }

    private static IEnumerable<string> Definitions(CheckFixture fixture, string option) =>
        fixture.Definitions.Select(definition => $"{option}={definition.Split(':')[0]}");
}
