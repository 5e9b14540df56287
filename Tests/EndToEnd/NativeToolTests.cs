using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.EndToEnd;

/// <summary>
/// The tool as it is published for one kind of machine, compiled to native code ahead of time: there is no just-in-time
/// compiler in its process, and less of the system's libraries.
/// </summary>
[Category("EndToEnd")]
public sealed class NativeToolTests
{
    private static readonly string Tool = Path.Combine(Fixtures.Root, "artifacts", "native-tool", "elfload");
    private static readonly string ArmObject = Path.Combine(Fixtures.Root, "Tools", "elfload", "Running", "ArmStart.o");

    private static IEnumerable<TestCaseData> Commands =>
    [
        Line("--help"),
        Line("inspect", "--disassemble", Fixtures.Object("hello")),
        Line("inspect", "--symbols", "--relocations", "--json", Fixtures.Object("templates")),
        Line("inspect", "--disassemble", ArmObject),
        Line("explain", "--json", "--allow-undefined", Fixtures.Object("hello")),
        Line("explain", "--allow-undefined", Fixtures.Object("tls"), Fixtures.Object("tls2")),
        Line("link", "--allow-undefined", "--map", "-", "-o", "/dev/null", Fixtures.Object("templates"), Fixtures.Object("templates2")),
        Line("link", "-o", "/dev/null", Fixtures.Object("hello"), ArmObject),
        Line("run", Fixtures.Object("refused-undefined")),
        Line("run", "nothing-here.o"),
        Line("run", "--no-such-option"),
    ];

    [OneTimeSetUp]
    public void Publish() => _ = Command.Check(Path.Combine(Fixtures.Root, "eng", "publish-tool.sh"), []);

    [TestCaseSource(typeof(Fixtures), nameof(Fixtures.Programs))]
    public void RunsPrograms(FixtureProgram program)
    {
        CommandResult result =
            Command.Run(Tool, ["run", .. program.Objects.Select(Fixtures.Object), "--", .. program.Arguments]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Error, Is.Empty);
            Assert.That(result.Output, Is.EqualTo(Fixtures.ExpectedOutput(program.Name)));
            Assert.That(result.Status, Is.EqualTo(program.ExitStatus));
        }
    }

    [TestCaseSource(nameof(Commands))]
    public void SaysTheSame(string[] arguments)
    {
        CommandResult native = Command.Run(Tool, arguments);
        CommandResult managed = Command.Run("dotnet", [ElfloadCommand.Tool, .. arguments]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(native.Output, Is.EqualTo(managed.Output));
            Assert.That(native.Error, Is.EqualTo(managed.Error));
            Assert.That(native.Status, Is.EqualTo(managed.Status));
            Assert.That(native.Output + native.Error, Is.Not.Empty);
        }
    }

    private static TestCaseData Line(params string[] arguments) =>
        new TestCaseData([arguments]).SetArgDisplayNames(string.Join(' ', arguments.Select(word => Path.GetFileName(word))));
}
