using ElfLoader.Tests.EndToEnd;

namespace ElfLoader.Tests.Tools;

/// <summary>
/// <c>elfload run</c> calls a function of a program for ARM that its object keeps to itself, by the rule of <c>elfload link</c>.
/// </summary>
[Category("EndToEnd")]
[Platform("Linux")]
[Parallelizable(ParallelScope.All)]
public sealed class ArmLocalEntryTests
{
    private const string Main = "__attribute__((used)) static int start_here(int argc, char **argv) { return 40 + argc; }";

    // Assemblers leave a label without a type.
    private const string Untyped = """
        __asm__(".text\n.arm\nstart_here: mov r0, #42\nbx lr\n");
        """;

    [TestCase(Main, "-marm")]
    [TestCase(Main, "-mthumb")]
    [TestCase(Untyped, "-marm")]
    public void IsCalled(string source, string set)
    {
        using var programs = new ToolPrograms();

        CommandResult result = ElfloadCommand.Invoke("run", Compile(programs, "local", source, set), "--entry", "start_here", "--", "x");

        Assert.That(result, Is.EqualTo(new CommandResult(42, "", "")));
    }

    [Test]
    public void IsCalledBesideAnEntryOfTheProgram()
    {
        using var programs = new ToolPrograms();
        string start = Compile(programs, "start", "void _start(void) { for (;;) { } }", "-mthumb");

        CommandResult result = ElfloadCommand.Invoke(
            "run", Compile(programs, "local", Main, "-mthumb"), start, "--entry", "start_here", "--", "x");

        Assert.That(result, Is.EqualTo(new CommandResult(42, "", "")));
    }

    [Test]
    public void AGlobalOneOfTheNamePrevails()
    {
        using var programs = new ToolPrograms();
        string[] objects =
        [
            Compile(programs, "local", Main, "-mthumb"), Compile(programs, "other", "int start_here(void) { return 7; }", "-marm"),
        ];

        Assert.That(
            ElfloadCommand.Invoke(["run", .. objects, "--entry", "start_here"]), Is.EqualTo(new CommandResult(7, "", "")));
    }

    [Test]
    public void SeveralAreRefusedByName()
    {
        using var programs = new ToolPrograms();
        string[] objects = [Compile(programs, "one", Main, "-marm"), Compile(programs, "two", Main, "-mthumb")];

        CommandResult result = ElfloadCommand.Invoke(["run", .. objects, "--entry", "start_here"]);

        Assert.That(result, Is.EqualTo(new CommandResult(
            125, "", "elfload: error: one.o: the entry 'start_here' is a local symbol of more than one object: one.o, two.o\n")));
    }

    [Test]
    public void ReferencesOfOthersAreNotBoundToIt()
    {
        using var programs = new ToolPrograms();
        string[] objects =
        [
            Compile(programs, "local", "__attribute__((used)) static int helper(void) { return 1; }", "-marm"),
            Compile(programs, "user", "int helper(void); int main(void) { return helper(); }", "-marm"),
        ];

        CommandResult result = ElfloadCommand.Invoke(["run", .. objects]);

        Assert.That(result.Status, Is.EqualTo(125));
        Assert.That(result.Error, Does.Contain("undefined symbol 'helper'"));
    }

    private static string Compile(ToolPrograms programs, string name, string source, string set) =>
        programs.Compile(name, source, ["-ffreestanding", "-fno-pic", "--target=armv7-linux-gnueabihf", set]);
}
