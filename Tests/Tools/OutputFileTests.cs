using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Tools;

/// <summary>Files that commands write, and the streams: nothing is lost, nothing of others is changed, no fault is the tool's.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class OutputFileTests : IDisposable
{
    private const string Old = "what was there\n";

    private readonly TemporaryFolder _folder = new();

    public OutputFileTests()
    {
        File.WriteAllBytes(In("a.o"), Assembler.X64(
            """
            .text
            .globl _start, main
            _start: mov $42,%edi
             mov $60,%eax
             syscall
            main: xor %eax,%eax
             ret
            .data
            .quad main
            """).Bytes.ToArray());
        File.WriteAllText(In("checks"), "# elfload-check: 1 = 1\n");
        File.WriteAllText(In("arguments"), "a.o\n");
    }

    /// <summary>How the tool is started by a shell.</summary>
    private static string Tool => Environment.GetEnvironmentVariable("ELFLOAD") ?? $"dotnet '{ElfloadCommand.Tool}'";

    [Test]
    public void AFileBelowDevIsAFile()
    {
        string path = $"/dev/shm/elfload-test-{Guid.NewGuid()}";
        File.WriteAllText(path, new string('x', 100_000));
        try
        {
            CommandResult linked = Shell($"{Tool} link a.o -o {path}");

            Assert.That((linked.Status, linked.Error), Is.EqualTo((0, "")));
            Assert.That(Command.Run(path, []).Status, Is.EqualTo(42), "it is a program, and a whole one");
            Assert.That(new FileInfo(path).Length, Is.LessThan(100_000));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [TestCase("link a.o -o PIPE")]
    [TestCase("report a.o -o PIPE")]
    [TestCase("link a.o -o image --map PIPE")]
    [TestCase("verify a.o --check checks --json=PIPE")]
    [TestCase("inspect a.o --json=PIPE")]
    public void APipeStaysOneAndGetsAll(string command)
    {
        CommandResult written = Shell(
            $"mkfifo pipe; cat pipe > got & {Tool} {command.Replace("PIPE", "pipe", StringComparison.Ordinal)}; s=$?; [ -p pipe ] && wait; exit $s");
        CommandResult there = Shell($"{Tool} {command.Replace("PIPE", "expected", StringComparison.Ordinal)}; [ -p pipe ]");

        Assert.That((written.Status, written.Error), Is.EqualTo((0, "")));
        Assert.That(there.Status, Is.Zero, "the pipe is one");
        Assert.That(
            File.ReadAllText(In("got")).Replace("pipe", "expected", StringComparison.Ordinal),
            Is.EqualTo(File.ReadAllText(In("expected"))));
    }

    [TestCase("link a.o -o OUT")]
    [TestCase("report a.o -o OUT")]
    [TestCase("link a.o -o image --map OUT")]
    [TestCase("explain a.o --json=OUT")]
    [TestCase("inspect -s a.o --json=OUT")]
    public void WhatWasThereStaysWhenTheNewCannotBeWritten(string command)
    {
        // No file may have more than 1024 bytes. (Code of .NET itself is written to memory files, unless one forbids it.)
        Write("out", Old);
        CommandResult result = Shell(
            $"trap '' XFSZ; export DOTNET_EnableWriteXorExecute=0; ulimit -S -f 1; {Tool} "
            + command.Replace("OUT", "out", StringComparison.Ordinal).Replace(" a.o", " large.o", StringComparison.Ordinal),
            large: true);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Status, Is.EqualTo(command.StartsWith("run", StringComparison.Ordinal) ? 125 : 1), result.Error);
            Assert.That(result.Error, Does.Match(@"^elfload: error: (out|image): the file would be larger"));
            Assert.That(File.ReadAllText(In("out")), Is.EqualTo(Old));
            Assert.That(Directory.GetFiles(_folder.Path, "*.part"), Is.Empty);
        }
    }

    [TestCase("nowhere/out")]
    [TestCase(".")]
    public void WhatCannotBeWrittenIsAnOrdinaryFailure(string path)
    {
        CommandResult result = Shell($"{Tool} link a.o -o '{path}'");

        Assert.That(result.Status, Is.EqualTo(1));
        Assert.That(result.Error, Does.StartWith("elfload: error: ").And.Not.Contain("internal fault"));
    }

    [TestCase("link a.o -o a.o")]
    [TestCase("link a.o -o ./a.o")]
    [TestCase("link a.o -o link-to-a")]
    [TestCase("link a.o -o same-as-a")]
    [TestCase("link link-to-a -o a.o")]
    [TestCase("link @arguments -o arguments")]
    [TestCase("link a.o -o image --map a.o")]
    [TestCase("link a.o -o image --json=a.o")]
    [TestCase("report a.o -o a.o")]
    [TestCase("report a.o -o page --map a.o")]
    [TestCase("explain a.o --json=a.o")]
    [TestCase("inspect a.o --json=a.o")]
    [TestCase("verify a.o --check checks --map checks")]
    [TestCase("verify a.o --check checks --json=checks")]
    [TestCase("run --map a.o a.o")]
    [TestCase("link thin.a -e main -o a.o")]
    [TestCase("link script -e main -o a.o")]
    [TestCase("explain script --json=a.o")]
    [TestCase("run --map a.o thin.a")]
    [TestCase("link a.o -o both --map both")]
    [TestCase("report a.o -o both --json=both")]
    public void AnInputIsNotWrittenOver(string command)
    {
        byte[] input = File.ReadAllBytes(In("a.o"));
        CommandResult result = Shell(
            $"ln -s a.o link-to-a; ln a.o same-as-a; ar rcT thin.a a.o; echo 'INPUT(a.o)' > script; {Tool} {command}");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Status, Is.EqualTo(command.StartsWith("run", StringComparison.Ordinal) ? 126 : 2), result.Error);
            Assert.That(result.Error, Does.Match("^elfload: error: --(output|map|json): '.*' is (an input|what --)"));
            Assert.That(File.ReadAllBytes(In("a.o")), Is.EqualTo(input));
            Assert.That(File.ReadAllText(In("checks")), Does.StartWith("# elfload-check"));
            Assert.That(File.ReadAllText(In("arguments")), Is.EqualTo("a.o\n"));
        }
    }

    [TestCase("echo mine > out.$$.part")]
    [TestCase("echo mine > victim; ln -s victim out.$$.part")]
    public void AnUnfinishedFileOfSomebodyElseIsLeftAlone(string before)
    {
        CommandResult result = Shell($"{before}; exec {Tool} link a.o -o out");

        string part = Directory.GetFiles(_folder.Path, "out.*.part").Single();
        Assert.That((result.Status, result.Error), Is.EqualTo((0, "")));
        Assert.That(File.ReadAllText(part), Is.EqualTo("mine\n"));
        Assert.That(Command.Run(In("out"), []).Status, Is.EqualTo(42));
    }

    [Test]
    public void ALinkStaysOne()
    {
        Write("real", Old);
        CommandResult result = Shell($"ln -s real link; {Tool} report a.o -o link");

        Assert.That((result.Status, result.Error), Is.EqualTo((0, "")));
        Assert.That(new FileInfo(In("link")).LinkTarget, Is.EqualTo("real"));
        Assert.That(File.ReadAllText(In("real")), Does.StartWith("<!"));
    }

    [Test]
    public void NobodyElseMayReadWhatNobodyElseMightBefore()
    {
        Write("map", Old);
        CommandResult result = Shell($"chmod 600 map; {Tool} link a.o -o image --map map; stat -c %a map");

        Assert.That((result.Status, result.Output.Trim()), Is.EqualTo((0, "600")));
    }

    [TestCase("inspect a.o")]
    [TestCase("inspect -d a.o")]
    [TestCase("inspect a.o --json")]
    [TestCase("explain a.o")]
    [TestCase("explain a.o --json")]
    [TestCase("verify a.o --check checks")]
    [TestCase("verify a.o --check checks --json")]
    [TestCase("link a.o -o image --map -")]
    [TestCase("link a.o -o image --json")]
    [TestCase("link a.o -o /dev/stdout")]
    [TestCase("report a.o -o page --json")]
    [TestCase("--help")]
    [TestCase("link --help")]
    [TestCase("--version")]
    public void FullStandardOutputIsAnOrdinaryFailure(string command)
    {
        CommandResult result = Shell($"{Tool} {command} > /dev/full");

        Assert.That(result.Status, Is.EqualTo(1), result.Error);
        Assert.That(result.Error, Does.Match(@"^elfload: error: (standard output|/dev/stdout): .*\n$"), "told once, and no fault of the tool's");
    }

    [TestCase("inspect a.o")]
    [TestCase("link a.o -o image --json")]
    [TestCase("--help")]
    public void ClosedStandardOutputIsAnOrdinaryFailure(string command)
    {
        CommandResult result = Shell($"{Tool} {command} >&-");

        Assert.That(result.Status, Is.EqualTo(1), result.Error);
        Assert.That(result.Error, Does.Contain("elfload: error: standard output: ").And.Not.Contain("internal fault"));
    }

    [TestCase("link a.o -o image --map-section a.o,.text=1 2>/dev/full", 2)]
    [TestCase("inspect nothing.o 2>/dev/full", 1)]
    [TestCase("inspect nothing.o 2>&-", 1)]
    [TestCase("link a.o -e main -o image -v 2>/dev/full", 1)]
    [TestCase("link a.o -e main -o image -v 2>&-", 1)]
    [TestCase("link a.o -e main -o image 2>/dev/full", 0)]
    [TestCase("what 2>/dev/full", 2)]
    public void WhereNothingCanBeToldTheStatusTells(string command, int status)
    {
        CommandResult result = Shell($"{Tool} {command}");

        Assert.That(result.Status, Is.EqualTo(status), $"{result.Output}{result.Error}");
    }

    /// <summary>Escape, a C1 control, right-to-left override, isolate, line separator.</summary>
    [TestCase("inspect -s -S -r NAME")]
    [TestCase("inspect -s NAME --json")]
    [TestCase("explain NAME --allow-undefined")]
    [TestCase("explain NAME --allow-undefined --json")]
    [TestCase("link NAME --allow-undefined -o image --map - -v --progress")]
    [TestCase("link NAME -o image --json")]
    [TestCase("link NAME -o image")]
    [TestCase("link NAME NAME -o image -v")]
    [TestCase("verify NAME --check bad-checks --allow-undefined")]
    [TestCase("report NAME --allow-undefined -o page -v && cat page")]
    [TestCase("run NAME")]
    public void NoOutputHoldsWhatATerminalObeys(string command)
    {
        const string name = "x\x1b[31m\u009b\u202e\u2066\u2028y";
        var builder = new ElfBuilder();
        int data = builder.AddSection($".data.{name}", bytes: new byte[8], alignment: 8);
        builder.AddSymbol(name, data, 0, 8);
        builder.AddRelocation(data, 0, 1, builder.AddSymbol($"{name}missing")); // R_X86_64_64
        File.WriteAllBytes(In($"n\u202e\u001bame.o"), builder.Build());
        Write("bad-checks", $"# elfload-check: {name} = 1\n# elfload-check: *{{8}}what\u202e = 1\n");

        CommandResult result = Shell($"{Tool} {command.Replace("NAME", "n*ame.o", StringComparison.Ordinal)}");

        string text = result.Output + result.Error;
        Assert.That(text, Does.Contain("202e").IgnoreCase, "it is shown");
        Assert.That(text.IndexOfAny(['\x1b', '\u009b', '\u202e', '\u2066', '\u2028']), Is.Negative, text);
    }

    public void Dispose() => _folder.Dispose();

    private string In(string name) => _folder.File(name);

    private void Write(string name, string text) => File.WriteAllText(In(name), text);

    /// <summary>Runs commands in the folder.</summary>
    private CommandResult Shell(string commands, bool large = false)
    {
        if (large)
        {
            string symbols = string.Concat(Enumerable.Range(0, 200).Select(i => $".globl name_{i}\nname_{i}: .quad _start\n"));
            File.WriteAllBytes(In("large.o"), Assembler.X64($".globl _start, main\n_start: main: ret\n.data\n{symbols}").Bytes.ToArray());
        }

        return Command.Run("bash", ["-c", commands], _folder.Path);
    }
}
