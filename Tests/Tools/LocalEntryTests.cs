using ElfLoader.Tests.EndToEnd;

namespace ElfLoader.Tests.Tools;

/// <summary>A program may start at a function that its object keeps to itself, where there is only one of the name.</summary>
[Category("EndToEnd")]
[Parallelizable(ParallelScope.All)]
public sealed class LocalEntryTests
{
    /// <summary>Ends the process with a status, by the system call alone.</summary>
    private const string X64 = """
        __attribute__((used)) static int start_here(int argc, char **argv)
        {
            __asm__ volatile("syscall" : : "a"(231), "D"(41));
            return 0;
        }
        """;

    private const string Arm = """
        __attribute__((used)) static void start_here(void)
        {
            register int number __asm__("r7") = 248, status __asm__("r0") = 41;
            __asm__ volatile("svc #0" : : "r"(number), "r"(status));
        }
        """;

    private const string Main = "__attribute__((used)) static int start_here(int argc, char **argv) { return 40 + argc; }";

    [Test]
    public void RunCallsIt()
    {
        using var programs = new ToolPrograms();

        CommandResult result = ElfloadCommand.Invoke("run", programs.Compile("local", Main), "--entry", "start_here", "--", "x");

        Assert.That(result, Is.EqualTo(new CommandResult(42, "", "")));
    }

    [TestCase("x86_64-linux-gnu", X64, null)]
    [TestCase("armv7-linux-gnueabihf", Arm, "-marm")]
    [TestCase("armv7-linux-gnueabihf", Arm, "-mthumb")]
    public void LinkedProgramsStartThere(string target, string source, string? flag)
    {
        using var programs = new ToolPrograms();
        string[] flags = flag is null ? [] : [flag];
        string program = programs.Compile("local", source, ["-ffreestanding", "-fno-pic", $"--target={target}", .. flags]);
        string image = programs.Path("image");

        CommandResult linked = ElfloadCommand.Invoke("link", program, "-o", image, "--entry", "start_here");

        Assert.That(linked, Is.EqualTo(new CommandResult(0, "", "")));
        CommandResult ran = flag is null ? Command.Run(image, []) : Command.Run("qemu-arm", [image]);
        Assert.That(ran, Is.EqualTo(new CommandResult(41, "", "")));
    }

    [Test]
    public void AGlobalOneOfTheNamePrevails()
    {
        using var programs = new ToolPrograms();
        string local = programs.Compile("local", Main);
        string other = programs.Compile("other", "int start_here(void) { return 7; }");

        Assert.That(
            ElfloadCommand.Invoke("run", local, other, "--entry", "start_here"), Is.EqualTo(new CommandResult(7, "", "")));
    }

    [TestCase("run", 125)]
    [TestCase("link", 1)]
    [TestCase("verify", 1)]
    public void SeveralAreRefusedByName(string command, int status)
    {
        using var programs = new ToolPrograms();
        string[] objects = [programs.Compile("one", Main), programs.Compile("two", Main)];
        string[] output = command is "link" ? ["-o", programs.Path("image")] : [];

        CommandResult result = ElfloadCommand.Invoke([command, .. objects, "--entry", "start_here", .. output]);

        Assert.That(result, Is.EqualTo(new CommandResult(
            status, "", "elfload: error: one.o: the entry 'start_here' is a local symbol of more than one object: one.o, two.o\n")));
    }
}
