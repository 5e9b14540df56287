using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Tools;

/// <summary>Small files that name one another a hundred times each: refused before they cost much.</summary>
[Category("EndToEnd")]
[Platform("Linux")]
public sealed class RepeatedFilesTests
{
    private TemporaryFolder _folder = null!;
    private MeasuredCommand _measured = null!;

    [OneTimeSetUp]
    public void Write()
    {
        _folder = new TemporaryFolder();
        _measured = new MeasuredCommand(_folder);
        File.WriteAllBytes(_folder.File("empty.o"), new ElfBuilder().Build());
        for (int i = 0; i < 6; i++)
        {
            string next = i is 5 ? "empty.o" : $"s{i + 1}.ld";
            File.WriteAllText(_folder.File($"s{i}.ld"), $"INPUT({string.Join(' ', Enumerable.Repeat(next, 100))})");
            next = i is 5 ? _folder.File("empty.o") : $"@{_folder.File($"r{i + 1}")}";
            File.WriteAllLines(_folder.File($"r{i}"), Enumerable.Repeat(next, 100));
        }
    }

    [OneTimeTearDown]
    public void Delete() => _folder.Dispose();

    [TestCase("s0.ld", 1, "linker scripts name files of")]
    [TestCase("r0", 2, "response files name one another so often")]
    public void AreRefused(string file, int status, string reason)
    {
        string path = _folder.File(file);
        string command = $"link --output {_folder.File("image")}";
        (_, long least) = _measured.Run(command, _folder.File("empty.o"));

        (CommandResult result, long memory) = _measured.Run(command, status is 2 ? $"@{path}" : path);

        Assert.That(result.Status, Is.EqualTo(status), result.Error);
        Assert.That(result.Error, Does.Contain(reason));
        Assert.That(memory - least, Is.LessThanOrEqualTo((32 << 10) + (40 * new FileInfo(path).Length / 1024)), "kB");
    }
}
