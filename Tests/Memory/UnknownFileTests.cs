using ElfLoader.Memory;
using ElfLoader.Tests.EndToEnd;

namespace ElfLoader.Tests.Memory;

/// <summary>A file of which the system tells nothing may be anybody's.</summary>
[NonParallelizable]
public sealed class UnknownFileTests
{
    private const int NotImplemented = 38; // ENOSYS

    [Test]
    public void AFileThatCannotBeJudgedIsRefused()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("map"), "before");
        int thread = Environment.CurrentManagedThreadId;
        SystemFaults.Choose = call => call is "statx" && Environment.CurrentManagedThreadId == thread ? NotImplemented : 0;
        try
        {
            Assert.That(
                () => new AppendOnlyFile(folder.File("map")),
                Throws.InstanceOf<IOException>().With.Message.Contains("does not tell"));
        }
        finally
        {
            SystemFaults.Choose = null;
        }

        Assert.That(File.ReadAllText(folder.File("map")), Is.EqualTo("before"));
    }
}
