using ElfLoader.Tests.EndToEnd;

namespace ElfLoader.Tests.Fuzzing;

/// <summary>Calls to the system that fail: a short run; docs/fuzzing.md has the command of the long one.</summary>
public sealed class FaultsTests
{
    [Test]
    public void NothingButARefusalComesOfAFailingCall()
    {
        CommandResult result = Command.Run("dotnet", [FuzzCommandTests.Tool, "faults", "--processes", "12"]);

        Assert.That(result.Status, Is.Zero, result.Output + result.Error);
        Assert.That(result.Output, Does.Contain("findings: 0"));
    }
}
