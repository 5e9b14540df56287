using ElfLoader.Memory;
using ElfLoader.Tests.EndToEnd;

namespace ElfLoader.Tests.Memory;

/// <summary>The file for the profiler lies where anybody may have put one of its name.</summary>
public sealed class AppendOnlyFileTests
{
    [TestCase("ln victim map", "the file has other names, too")]
    [TestCase("mkfifo map", "it is no regular file")]
    [TestCase("touch map; chown 65534 map || touch not-root", "the file belongs to another user")]
    [TestCase("ln -s victim map", "")]
    public void RefusesAFileThatIsNotItsOwn(string made, string objection)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("victim"), "theirs");
        _ = Command.Run("bash", ["-c", made + " >/dev/null 2>&1"], folder.Path);
        if (File.Exists(folder.File("not-root")))
        {
            Assert.Ignore("only root can give files away");
        }

        Assert.That(
            () =>
            {
                using var file = new AppendOnlyFile(folder.File("map"));
                _ = file.TryWrite("ours"u8);
            },
            Throws.InstanceOf<Exception>().With.Message.Contains(objection));
        Assert.That(File.ReadAllText(folder.File("victim")), Is.EqualTo("theirs"));
    }

    [Test]
    public void AddsToAFileOfItsOwn()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("map"), "before\n");

        using (var file = new AppendOnlyFile(folder.File("map")))
        {
            Assert.That(file.TryWrite("after\n"u8), Is.True);
        }

        Assert.That(File.ReadAllText(folder.File("map")), Is.EqualTo("before\nafter\n"));
    }
}
