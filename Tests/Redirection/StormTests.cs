using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Fuzzing;

namespace ElfLoader.Tests.Redirection;

/// <summary>
/// Eight threads that do everything at once to one library, in a process of their own. Takes a few seconds;
/// <c>ELFLOADER_STRESS_SECONDS=60</c> in the environment makes it long, and docs/reload.md has the command for native code.
/// </summary>
public sealed class StormTests
{
    [TestCase("plain")]
    [TestCase("redirectable")]
    public void EverythingAtOnce(string library)
    {
        string seconds = Environment.GetEnvironmentVariable("ELFLOADER_STRESS_SECONDS") ?? "4";

        CommandResult result = FuzzCommandTests.Invoke("storm", "--seconds", seconds, "--library", library);

        TestContext.Out.Write(result.Output);
        Assert.That(result.Status, Is.Zero, result.Output + result.Error);
        Assert.That(result.Output, Does.Contain("findings: 0"));
    }
}
