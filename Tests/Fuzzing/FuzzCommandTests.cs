using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Fuzzing;

/// <summary>Short runs of the fuzzers, and what they once found. docs/fuzzing.md has the commands of the long ones.</summary>
internal sealed partial class FuzzCommandTests
{
    /// <summary>The fuzzers' assembly.</summary>
    internal static readonly string Tool = Locate();

    [Test]
    public void MutantsBreakNoPromise()
    {
        using var folder = new TemporaryFolder();
        string output = folder.File("fuzz");
        FuzzSeeds.CopyTo(output);

        // In two parts, the second of which goes on where the first has stopped.
        _ = Invoke("mutate", "--count", "1000", "--seed", "20", "--output", output);
        CommandResult result = Invoke("mutate", "--count", "8000", "--seed", "20", "--output", output);

        Assert.That(result.Status, Is.Zero, result.Output + result.Error);
        Assert.That(result.Output, Does.Contain("findings: 0").And.Contain("8,000 mutants"));
        foreach (string machine in (string[])["x86_64", "arm"])
        {
            Match shares = Shares().Match(result.Output, result.Output.IndexOf(machine + ": 4,000", StringComparison.Ordinal));
            Assert.That(Percent(shares, 1), Is.InRange(30, 95), "mutants are too wild or too tame");
            Assert.That(Percent(shares, 2), Is.InRange(10, 80), "mutants are too wild or too tame");
        }

        // The lines are counted by the instrumented copy: were it not in use, nothing would guide the choice.
        Assert.That(Percent(Coverage().Match(result.Output), 1), Is.GreaterThan(70));
    }

    [TestCase("lld", "both", 2, 60)]
    [TestCase("gnu", "arm", 1, 45)]
    public void RandomObjectsAreLinkedAsByOthers(string oracle, string machine, int machines, double identical)
    {
        using var folder = new TemporaryFolder();

        CommandResult result = Invoke(
            "differential", "--count", "1600", "--seed", "20", "--oracle", oracle, "--machine", machine, "--output", folder.File("differential"));

        Assert.That(result.Status, Is.Zero, result.Output + result.Error);
        Assert.That(result.Output, Does.Not.Contain("Unexplained"));
        foreach (Match shares in Compared().Matches(result.Output))
        {
            Assert.That(Percent(shares, 1), Is.GreaterThan(identical), "most objects are the same, byte for byte");
            Assert.That(Percent(shares, 2), Is.LessThan(20), "refused by both");
        }

        Assert.That(Compared().Count(result.Output), Is.EqualTo(machines));
    }

    [Test]
    public void WhatWasFoundIsFoundNoMore()
    {
        string[] files = Directory.GetFiles(Path.Combine(Fixtures.Folder, "hostile"), "*.o");

        CommandResult result = Invoke(["check", .. files]);

        Assert.That(files, Has.Length.GreaterThan(3));
        Assert.That(result.Status, Is.Zero, result.Output + result.Error);
        Assert.That(
            result.Output,
            Does.Contain("'tls_word' is not thread-local"), "STT_TLS outside of a thread-local section");
    }

    internal static CommandResult Invoke(params string[] arguments) => Command.Run("dotnet", [Tool, .. arguments]);

    private static double Percent(Match match, int group) => double.Parse(match.Groups[group].ValueSpan, CultureInfo.InvariantCulture);

    private static string Locate()
    {
        // .../Tests/bin/CONFIGURATION/FRAMEWORK/ElfLoader.Tests.dll
        string framework = Path.GetDirectoryName(Assembly.GetExecutingAssembly().Location)!;
        string configuration = Path.GetDirectoryName(framework)!;
        return Path.Combine(
            Fixtures.Root, "Tools", "Fuzz", "bin", Path.GetFileName(configuration), Path.GetFileName(framework), "ElfLoader.Fuzz.dll");
    }

    [GeneratedRegex(@"reach relocation ([\d.]+) %, load ([\d.]+) %")]
    private static partial Regex Shares();

    [GeneratedRegex(@"line coverage of the engine: ([\d.]+) %")]
    private static partial Regex Coverage();

    [GeneratedRegex(@"objects, ([\d.]+) % identical, ([\d.]+) % refused by both")]
    private static partial Regex Compared();
}
