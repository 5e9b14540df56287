using System.Text.RegularExpressions;
using ElfLoader.Tests.EndToEnd;

namespace ElfLoader.Tests.Fuzzing;

/// <summary>
/// A fuzzer that finds nothing proves nothing: with a fault planted in what it watches, it must say so, and reduce the mutant to
/// the one byte that the fault looks at (<c>PlantedFault.cs</c>). A crash and a hang end the worker, the others do not.
/// </summary>
[Parallelizable(ParallelScope.Children)]
internal sealed partial class PlantedFaultTests
{
    /// <summary>With it one of the first five hundred mutants has the fault; where the seeds change, it may have to.</summary>
    private const string Seed = "6";

    [TestCase("crash", "crash")]
    [TestCase("hang", "hang")]
    [TestCase("exception", "InvalidOperationException in PlantedFault.Meet")]
    [TestCase("leak", "open files")]
    public void AFaultIsFoundAndReduced(string fault, string kind)
    {
        using var folder = new TemporaryFolder();
        string output = folder.File("fuzz");
        FuzzSeeds.CopyTo(output);
        CommandResult result = Command.Run("env",
        [
            $"ELFLOADER_FUZZ_FAULT={fault}", "dotnet", FuzzCommandTests.Tool,
            "mutate", "--count", Count(fault), "--seed", Seed, "--plain", "--silence", "4", "--output", output,
        ]);

        Assert.That(result.Status, Is.EqualTo(1), result.Output + result.Error);
        Assert.That(result.Output, Does.Match($@"\d+ {Regex.Escape(kind)}\r?\n?"));
        string[] texts = Directory.GetFiles(Path.Combine(output, "findings"), "*.txt");
        Assert.That(texts, Is.Not.Empty);
        foreach (string text in texts)
        {
            string[] lines = File.ReadAllLines(text);
            Assert.That(lines[0], Is.EqualTo(kind));
            Assert.That(lines.Count(line => Change().IsMatch(line)), Is.EqualTo(1), string.Join('\n', lines));
            Assert.That(File.ReadAllBytes(Path.ChangeExtension(text, null)).AsSpan(9, 7).ContainsAnyExcept((byte)0), Is.True);
        }

        // What was found is not forgotten when the run goes on.
        CommandResult again = FuzzCommandTests.Invoke("mutate", "--count", "1", "--plain", "--output", output);
        Assert.That(again.Status, Is.EqualTo(1));
    }

    /// <summary>Open files are counted of two mutants in 16.</summary>
    private static string Count(string fault) => fault is "leak" ? "8000" : "500";

    [GeneratedRegex("^0x[0-9a-f]+: [0-9a-f]{2} is [0-9a-f]{2}$")]
    private static partial Regex Change();
}
