using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.EndToEnd;

/// <summary>Every program of <c>fixtures/programs.txt</c> runs as the system's linker made it run.</summary>
[Category("EndToEnd")]
[Parallelizable(ParallelScope.All)]
public sealed class FixtureProgramTests
{
    [TestCaseSource(typeof(Fixtures), nameof(Fixtures.Programs))]
    public void PrintsWhatTheNativelyLinkedProgramPrints(FixtureProgram program)
    {
        CommandResult result = ElfloadCommand.Run(program.Objects.Select(Fixtures.Object), program.Arguments);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Error, Is.Empty);
            Assert.That(result.Output, Is.EqualTo(Fixtures.ExpectedOutput(program.Name)));
            Assert.That(result.Status, Is.EqualTo(program.ExitStatus));
        }
    }
}
