using System.Diagnostics;
using System.Text;
using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Tools;

/// <summary>What each command costs on files that broke something once: memory in proportion to the file, and short messages.</summary>
[Category("EndToEnd")]
[Platform("Linux")]
public sealed class HostileCostTests
{
    private const int LongestError = 4096;

    private TemporaryFolder _folder = null!;
    private MeasuredCommand _measured = null!;

    [OneTimeSetUp]
    public void Compile()
    {
        _folder = new TemporaryFolder();
        _measured = new MeasuredCommand(_folder);
        File.WriteAllBytes(_folder.File("empty.o"), new ElfBuilder().Build());
    }

    [OneTimeTearDown]
    public void Delete() => _folder.Dispose();

    [TestCase("inspect --sections --symbols --relocations --disassemble")]
    [TestCase("inspect --sections --symbols --relocations --disassemble --json")]
    [TestCase("link --allow-undefined --output FOLDER/image --map FOLDER/map.json")]
    [TestCase("verify --allow-undefined")]
    [TestCase("explain --allow-undefined")]
    [TestCase("report --allow-undefined --output FOLDER/page.html")]
    [TestCase("run --entry nothing")]
    public void CostsAreInProportionToTheFile(string command)
    {
        string words = command.Replace("FOLDER", _folder.Path, StringComparison.Ordinal);
        (_, long least) = _measured.Run(words, _folder.File("empty.o"));
        string[] files = Directory.GetFiles(Path.Combine(Fixtures.Folder, "hostile"));
        Assert.That(files, Is.Not.Empty);
        foreach (string file in files)
        {
            long start = Stopwatch.GetTimestamp();
            (CommandResult result, long memory) = _measured.Run(words, file);
            string what = $"{Path.GetFileName(file)}: {command.Split(' ')[0]}, {memory - least} kB more, {Stopwatch.GetElapsedTime(start).TotalSeconds:F2} s";
            TestContext.Out.WriteLine(what);

            Assert.That(result.Status, Is.AnyOf(0, 1, 125), $"{what}\n{result.Error}");
            Assert.That(memory - least, Is.LessThanOrEqualTo((32 << 10) + (40 * new FileInfo(file).Length / 1024)), what);
            Assert.That(result.Error.Split('\n').Max(Encoding.UTF8.GetByteCount), Is.LessThanOrEqualTo(LongestError), what);
        }
    }
}
