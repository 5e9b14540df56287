using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using ElfLoader.Memory;

namespace ElfLoader.Tests;

/// <summary>One is not several, in any message.</summary>
public sealed partial class CountTextTests
{
    private static readonly string Root = Path.GetDirectoryName(Path.GetDirectoryName(ThisFile()))!;

    /// <summary>Numbers that stand in the source and are more than one; and one behind "of", where English has the plural for one, too.</summary>
    private static readonly string[] Constants =
    [
        "MaximumDepth", "int.MaxValue", "LargestBlock", "Shim.MaximumModules", "FileHeader.IdentSize", "HeaderSize",
        "TClass.CompressionHeaderSize", "Array.MaxLength", "sizeof(ulong)", "TimesTheFile", "file.Count()",
    ];

    [TestCase(0, "byte", "", "0 bytes")]
    [TestCase(1, "byte", "", "1 byte")]
    [TestCase(2, "byte", "", "2 bytes")]
    [TestCase(-1, "byte", "", "-1 bytes")]
    [TestCase(1, "entry", "", "1 entry")]
    [TestCase(3, "entry", "", "3 entries")]
    [TestCase(1234, "byte", "N0", "1,234 bytes")]
    public void NumbersHaveTheirWord(int count, string singular, string format, string expected) =>
        Assert.That(CountText.Of(count, singular, format), Is.EqualTo(expected));

    [Test]
    public void LargeNumbersAreNotCutOff() => Assert.That(CountText.Of(ulong.MaxValue, "byte"), Is.EqualTo("18446744073709551615 bytes"));

    /// <summary>Strings of the product put no number before a word in the plural by themselves.</summary>
    [Test]
    public void NoMessageCountsByItself()
    {
        string[] folders = ["Memory", "Relocations", "Arch.Arm", "Arch.X64", "Loader", "Tools/elfload", "Tools/Inspection"];
        List<string> found = [];
        int files = 0;
        foreach (string file in folders.SelectMany(folder => Directory.EnumerateFiles(Path.Combine(Root, folder), "*.cs", SearchOption.AllDirectories))
            .Where(file => !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal)))
        {
            files++;
            found.AddRange(
                from line in File.ReadLines(file)
                where !line.TrimStart().StartsWith('/')
                from match in Counted().Matches(line)
                where !Constants.Contains(match.Groups["number"].Value)
                select $"{Path.GetRelativePath(Root, file)}: {match.Value}");
        }

        Assert.That(files, Is.GreaterThan(300));
        Assert.That(found, Is.Empty);
    }

    /// <summary>The test itself finds what it is for.</summary>
    [TestCase("$\"it has {length} bytes\"", true)]
    [TestCase("$\"it has {length:N0} bytes\"", true)]
    [TestCase("$\"{a.Length} entries do not fit\"", true)]
    [TestCase("$\"{CountText.Of(a.Length, \"byte\")} of them\"", false)]
    [TestCase("$\"symbol {index} is in section {section} of {count}\"", false)]
    public void CountsAreFound(string line, bool expected) => Assert.That(Counted().IsMatch(line), Is.EqualTo(expected));

    [GeneratedRegex("""
        \{(?<number>[^{}"\s][^{}"]*?)(:N0)?\}[ ](bytes|characters|bits|pages|words|sections|symbols|members|files|names|objects|relocations|units|entries
        |checks|records|threads|times|references|libraries|archives|segments|slots|stubs|arguments|levels|steps|errors|lines|groups|parts|fields
        |variables|destructors|headers|section[ ]headers|types|patches|places|instructions|versions|modules|ranges|options|functions|inputs|calls)\b
        """, RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex Counted();

    private static string ThisFile([CallerFilePath] string path = "") => path;
}
