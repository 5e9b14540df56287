using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Tools;

/// <summary>Thin archives, linker scripts and response files of others, which choose files of the reader's.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class ExternalFilesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public ExternalFilesTests()
    {
        Directory.CreateDirectory(In("theirs/deeper"));
        byte[] value = Assembler.X64(".globl value\nvalue: mov $42,%eax\n ret").Bytes.ToArray();
        foreach (string name in (string[])["value.o", "theirs/value.o", "theirs/deeper/value.o"])
        {
            File.WriteAllBytes(In(name), value);
        }

        File.WriteAllBytes(In("main.o"), Assembler.X64(
            ".globl _start, main\nmain: sub $8,%rsp\n call value\n add $8,%rsp\n ret\n_start: call main\n mov %eax,%edi\n mov $60,%eax\n syscall")
            .Bytes.ToArray());
        Script("inside", "value.o");
        Script("deeper", "deeper/value.o");
        Script("above", "../value.o");
        Script("absolute", In("value.o"));
        Script("link", "out-of-here.o");
        Script("library", "-lc");
        Script("nested", "deeper/outwards");
        File.WriteAllText(In("theirs/deeper/outwards"), "INPUT(../value.o)");
        File.CreateSymbolicLink(In("theirs/out-of-here.o"), In("value.o"));
        File.CreateSymbolicLink(In("theirs/folder"), _folder.Path);
        Script("folder-link", "folder/value.o");
        Archive("inside.a", "value.o");
        Archive("deeper.a", "deeper/value.o");
        Archive("above.a", "../value.o");
        Archive("link.a", "out-of-here.o");
        File.WriteAllText(In("theirs/arguments"), "main.o\nvalue.o\n");
        File.WriteAllText(In("arguments"), "main.o\nvalue.o\n");
        File.WriteAllText(In("outer"), "@theirs/arguments\n");
        File.WriteAllText(In("theirs/outwards"), "@arguments\n");
        File.WriteAllText(In("theirs/writes"), "-o\nimage\n");
    }

    private static IEnumerable<TestCaseData> Inputs =>
        from row in ((string, bool)[])
        [
            ("theirs/inside", true), ("theirs/deeper", true), ("theirs/above", false), ("theirs/absolute", false),
            ("theirs/link", false), ("theirs/folder-link", false), ("theirs/nested", false),
            ("theirs/inside.a", true), ("theirs/deeper.a", true), ("theirs/above.a", false), ("theirs/link.a", false),
        ]
        select new TestCaseData("run", row.Item1, row.Item2);

    [TestCaseSource(nameof(Inputs))]
    [TestCase("link -o image", "theirs/above.a", false)]
    [TestCase("link -o image", "theirs/above", false)]
    [TestCase("link -o image", "theirs/inside.a", true)]
    public void MayBeForbidden(string command, string input, bool isAllowed)
    {
        CommandResult forbidden = Shell($"{command} --no-external-files main.o {(input is "theirs/deeper" ? "theirs/deeper.script" : input)}");

        using (Assert.EnterMultipleScope())
        {
            bool isRun = command is "run";
            Assert.That(forbidden.Status, Is.EqualTo(isAllowed ? (isRun ? 42 : 0) : isRun ? 125 : 1), forbidden.Error);
            Assert.That(forbidden.Error.Contains("no other may be read", StringComparison.Ordinal), Is.EqualTo(!isAllowed), forbidden.Error);
        }
    }

    [TestCase("theirs/above")]
    [TestCase("theirs/above.a")]
    [TestCase("theirs/link")]
    public void IsAllowedUnlessOneForbidsIt(string input) => Assert.That(Shell($"run main.o {input}").Status, Is.EqualTo(42));

    [Test]
    public void TheSystemsLibrariesAreExternalToo()
    {
        CommandResult result = Shell("run --no-external-files main.o value.o theirs/library");

        Assert.That(result.Status, Is.EqualTo(125));
        Assert.That(result.Error, Does.Contain("cannot find '-lc'"));
    }

    [TestCase("inspect --no-external-files theirs/above.a", 1)]
    [TestCase("inspect --no-external-files theirs/inside.a", 0)]
    [TestCase("inspect theirs/above.a", 0)]
    public void InspectDoesNotReadThemEither(string command, int status) =>
        Assert.That(Shell(command).Status, Is.EqualTo(status));

    [TestCase("link --no-external-files @arguments -o image", 0)]
    [TestCase("link --no-external-files @theirs/arguments -o image", 2)]
    [TestCase("link @theirs/arguments -o image", 0)]
    [TestCase("link --no-external-files @outer -o image", 2)]
    [TestCase("link --no-external-files @theirs/outwards -o image", 2)]
    [TestCase("link --no-external-files main.o value.o @theirs/writes", 2)]
    public void ResponseFilesNameFilesOfTheirFolder(string command, int status)
    {
        CommandResult result = Shell(command);

        Assert.That(result.Status, Is.EqualTo(status), result.Error);
        Assert.That(result.Error.Contains("is not in the folder of this file", StringComparison.Ordinal), Is.EqualTo(status is 2));
    }

    public void Dispose() => _folder.Dispose();

    private string In(string name) => _folder.File(name);

    private void Script(string name, string input) =>
        File.WriteAllText(In(name is "deeper" ? "theirs/deeper.script" : $"theirs/{name}"), $"INPUT({input})");

    private void Archive(string name, string member) =>
        Command.Check("ar", ["rcT", name, member], In("theirs"));

    private CommandResult Shell(string arguments) => Command.Run(
        "bash",
        ["-c", $"{Environment.GetEnvironmentVariable("ELFLOAD") ?? $"dotnet '{ElfloadCommand.Tool}'"} {arguments}"],
        _folder.Path);
}
