using ElfLoader.Inspection.Checks;

namespace ElfLoader.Tests.Tools.Checks;

/// <summary>Which lines of a file are rules.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class CheckFileTests
{
    private static readonly TestCaseData[] Rows =
    [
        new("# rtdyld-check: a = b", new[] { "1:17 a = b" }),
        new("\n  # jitlink-check: a = b  \r\n// elfload-check: c = d\n", new[] { "2:20 a = b", "3:19 c = d" }),
        new("@ elfload-check:a = b\n; rtdyld-check: c = d\n/* rtdyld-check: e = f */", new[] { "1:17 a = b", "2:17 c = d", "3:18 e = f" }),
        new("rtdyld-check: a = b", new[] { "1:15 a = b" }),
        new("# rtdyld-check: a \\\n# rtdyld-check:   = b", new[] { "1:17 a = b" }),
        new("# rtdyld-check: a \\\n\n# jitlink-check: = b", new[] { "1:17 a = b" }),
        new("# rtdyld-check: a \\\n nop\n# rtdyld-check: c = d", new[] { "1:17 a ", "3:17 c = d" }),
        new("# rtdyld-check: a \\", new[] { "1:17 a " }),
        new("# rtdyld-check:\n# rtdyld-check:  \n", Array.Empty<string>()),
        new("call f # rtdyld-check: a = b\n# rtdyld-checks: a = b\n## rtdyld-check: a = b\n# RUN: tool -check-name=rtdyld-check: x", Array.Empty<string>()),
    ];

    [TestCaseSource(nameof(Rows))]
    public void RulesStandInLinesOfTheirOwn(string text, string[] expected) =>
        Assert.That(CheckFile.Parse(text, "t.s").Select(rule => $"{rule.Start} {rule.Text}"), Is.EqualTo(expected));

    [Test]
    public void OnlyThePrefixesGivenCount()
    {
        const string text = "# CHECK-a: 1 = 1\n# rtdyld-check: 2 = 2\n# CHECK-b: 3 = 3\n";

        Assert.That(
            CheckFile.Parse(text, "t.s", ["CHECK-a", "CHECK-b"]).Select(rule => rule.Text), Is.EqualTo(["1 = 1", "3 = 3"]));
    }

    [Test]
    public void PlacesInContinuedRulesAreThoseOfTheirLines()
    {
        CheckRule rule = CheckFile.Parse("# rtdyld-check: ab \\\n#   rtdyld-check:  = cd\n", "t.s")[0];

        using (Assert.EnterMultipleScope())
        {
            Assert.That(rule.Text, Is.EqualTo("ab = cd"));
            Assert.That(rule.PositionOf(1), Is.EqualTo(new CheckPosition(1, 18)));
            Assert.That(rule.PositionOf(rule.Text.IndexOf('c')), Is.EqualTo(new CheckPosition(2, 22)));
        }
    }

    [Test]
    public void AFileThatIsNotThereIsAnError() =>
        Assert.That(() => CheckFile.Read("/nowhere/t.s"), Throws.TypeOf<LinkException>());
}
