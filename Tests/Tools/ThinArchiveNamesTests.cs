using System.Globalization;
using System.Text;
using ElfLoader.Tests.EndToEnd;

namespace ElfLoader.Tests.Tools;

/// <summary>Members of an archive whose names share their bytes cost no more than the file.</summary>
public sealed class ThinArchiveNamesTests
{
    private const int LongName = 1 << 20;
    private const int Many = 1000;
    private const long Budget = 64 << 20;

    [TestCase(true)]
    [TestCase(false)]
    public void AnArchiveOfManyLongNamesIsRefusedBeforeTheyAreMade(bool isShared)
    {
        using var folder = new TemporaryFolder();
        byte[] bytes = Archive(LongName, i => isShared ? 0 : i);
        File.WriteAllBytes(folder.File("thin.a"), bytes);
        InputFiles files = new();
        long before = GC.GetTotalAllocatedBytes(precise: true);

        LinkException exception = Assert.Throws<LinkException>(() =>
        {
            files.Add(folder.File("thin.a"));
            _ = files.NamedFiles.Sum(path => path.Length);
        });

        Assert.That(GC.GetTotalAllocatedBytes(precise: true) - before, Is.LessThan(Budget));
        Assert.That(exception.Errors.Single().Code, Is.EqualTo(LinkErrorCode.LimitExceeded));
        Assert.That(exception.Message, Does.Contain("members").And.Contain("16 times the file"));
    }

    /// <summary>Below the limit, names are not made where nobody asks for them.</summary>
    [Test]
    public void ReadingAnArchiveMakesNoNames()
    {
        const int length = 900;
        const int members = 20_000;
        using var folder = new TemporaryFolder();
        byte[] bytes = Archive(length, i => i % 2, members);
        File.WriteAllBytes(folder.File("thin.a"), bytes);
        InputFiles files = new();
        long before = GC.GetTotalAllocatedBytes(precise: true);

        files.Add(folder.File("thin.a"));

        Assert.That(GC.GetTotalAllocatedBytes(precise: true) - before, Is.LessThan(8L * bytes.Length));
        Assert.That(files.NamedFiles.Take(2), Is.EqualTo(new[]
        {
            folder.File(new string('n', length)), folder.File(new string('n', length - 1)),
        }));
        Assert.That(files.Archives[0].Members[^1].DistinctName, Does.EndWith($"n#{members / 2}"));
    }

    private static byte[] Archive(int nameLength, Func<int, int> offset, int members = Many)
    {
        StringBuilder text = new("!<thin>\n");
        text.Append(CultureInfo.InvariantCulture, $"{"//",-48}{nameLength + 2,-10}`\n");
        text.Append('n', nameLength).Append("/\n").Append('\n', nameLength & 1);
        for (int i = 0; i < members; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $"{$"/{offset(i)}",-16}{0,-12}{0,-6}{0,-6}{644,-8}{0,-10}`\n");
        }

        return Encoding.ASCII.GetBytes(text.ToString());
    }
}
