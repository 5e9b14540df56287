using System.Text.Json;
using ElfLoader.Tests.EndToEnd;

namespace ElfLoader.Tests.Tools.Checks;

/// <summary><c>elfload verify</c>: what it takes, says and returns.</summary>
[Category("EndToEnd")]
[Parallelizable(ParallelScope.All)]
public sealed class VerifyCommandTests
{
    private const string First = """
        .globl first
        .type first, @function
        first: callq second
        callq far
        .size first, .-first
        # rtdyld-check: decode_operand(first, 0) = second - next_pc(first)
        # jitlink-check: decode_operand(first + 5, 0) = stub_addr(a.o, far) - first - 10
        # elfload-check: *{8}(got_addr(a.o/.text, far)) = far
        """;

    private const string Second = """
        .globl second
        .type second, @function
        second: leaq label(%rip), %rax
        .size second, .-second
        .data
        .globl label
        label: .quad first
        # rtdyld-check: *{8}label = \
        # rtdyld-check:             first
        # rtdyld-check: section_addr(b.o, .data) = label
        """;

    private static readonly string[] Far = ["--define", "far=0x7fff00000000"];

    private static readonly TestCaseData[] Samples =
    [
        .. new[] { "x64/PLT32", "x64/TLSLD", "arm/CALL", "arm/THM_CALL", "arm/GOTOFF12", "features/arm-exception-index", "features/x64-debug-frame" }
            .Select(name => new TestCaseData(name)),
    ];

    [TestCaseSource(nameof(Samples))]
    public void FilesOfTheFixturesPass(string name)
    {
        CheckFixture fixture = CheckFixture.All.Single(candidate => candidate.ToString() == name);

        CommandResult result = ElfloadCommand.Invoke(
            ["verify", fixture.Assemble(), "--check", fixture.Path, .. fixture.Definitions.SelectMany(text => (string[])["--define", text]), .. fixture.Options]);

        Assert.That(
            result, Is.EqualTo(new CommandResult(0, $"{fixture.Path}: {fixture.Rules().Count} of {fixture.Rules().Count} checks passed\n", "")));
    }

    [Test]
    public void SeveralObjectsArchivesAndFilesOfChecks()
    {
        using var files = new Sources();
        string a = files.Object("a", First);
        string b = files.Object("b", Second);
        string archive = files.Folder.File("b.a");
        Command.Check("ar", ["rc", archive, b]);

        CommandResult objects = ElfloadCommand.Invoke(["verify", a, b, "--check", files["a.s"], "-c", files["b.s"], .. Far]);
        CommandResult member = ElfloadCommand.Invoke(["verify", a, archive, "--check", files["b.s"], .. Far]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(objects.Output, Is.EqualTo($"{files["a.s"]}: 3 of 3 checks passed\n{files["b.s"]}: 2 of 2 checks passed\n"));
            Assert.That(objects.Status, Is.Zero);
            Assert.That(member.Status, Is.Zero, member.Error);
        }
    }

    [Test]
    public void AFailingCheckShowsBothValuesTheBytesAndTheInstruction()
    {
        using var files = new Sources();
        string a = files.Object("a", First + "\n# rtdyld-check: decode_operand(first + 5, 0) = 3 \n# rtdyld-check: *{2}(first + 6) = 7\n");
        string b = files.Object("b", Second);

        CommandResult result = ElfloadCommand.Invoke(["verify", a, b, "--check", files["a.s"], "--base", "0x10000", .. Far]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Status, Is.EqualTo(1));
            Assert.That(result.Output, Is.EqualTo($"{files["a.s"]}: 3 of 5 checks passed\n"));
            Assert.That(result.Error, Is.EqualTo($"""
                elfload: error: {files["a.s"]}:10:17: 'decode_operand(first + 5, 0) = 3' is false: 0x6 is not 0x3
                    0x11005 first+0x5 (a.o: .text+0x5): e8 06 00 00 00    call 0x11010
                elfload: error: {files["a.s"]}:11:17: '*{"{2}"}(first + 6) = 7' is false: 0x6 is not 0x7
                    0x11005 first+0x5 (a.o: .text+0x5): e8 06 00 00 00    call 0x11010

                """));
        }
    }

    [Test]
    public void AMalformedCheckTellsItsPlace()
    {
        using var files = new Sources();
        string a = files.Object("a", "f: ret\n    # elfload-check: f = \\\n    # elfload-check:   (f + \n");

        CommandResult result = ElfloadCommand.Invoke(["verify", a, "--check", files["a.s"]]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Status, Is.EqualTo(1));
            Assert.That(result.Error, Does.StartWith(
                $"elfload: error: {files["a.s"]}:4:28: expected '(', '*', a symbol or a number, found the end of the expression (in 'f = (f +')\n"));
        }
    }

    [Test]
    public void ResultsAreJsonToo()
    {
        using var files = new Sources();
        string a = files.Object("a", "f: ret\n# x: f = f\n# x: f = f + 1\n# x: f = g\n# y: 1 = 1\n");

        CommandResult result = ElfloadCommand.Invoke(["verify", a, "--check", files["a.s"], "--check-prefix", "x", "--check-prefix=y", "--json"]);
        JsonElement json = JsonDocument.Parse(result.Output).RootElement;
        JsonElement[] checks = [.. json.GetProperty("checks").EnumerateArray()];

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Status, Is.EqualTo(1));
            Assert.That(json.GetProperty("machine").GetString(), Is.EqualTo("x86_64"));
            Assert.That(json.GetProperty("passed").GetInt32(), Is.EqualTo(2));
            Assert.That(json.GetProperty("failed").GetInt32(), Is.EqualTo(2));
            Assert.That(json.GetProperty("errors").GetArrayLength(), Is.EqualTo(2));
            Assert.That(checks.Select(check => check.GetProperty("result").GetString()), Is.EqualTo(["passed", "failed", "error", "passed"]));
            Assert.That(checks[1].GetProperty("right").GetString(), Is.EqualTo("0x401001"));
            Assert.That(checks[2].GetProperty("line").GetInt32(), Is.EqualTo(5));
            Assert.That(checks[2].GetProperty("problem").GetString(), Is.EqualTo("there is no symbol 'g'"));
        }
    }

    [Test]
    public void WithoutChecksItLinks()
    {
        using var files = new Sources();
        string a = files.Object("a", First);
        string map = files.Folder.File("map.json");

        CommandResult undefined = ElfloadCommand.Invoke("verify", a);
        CommandResult linked = ElfloadCommand.Invoke("verify", a, "--allow-undefined", "--map", map);
        CommandResult noEntry = ElfloadCommand.Invoke("verify", a, "--allow-undefined", "--entry", "nowhere");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(undefined.Status, Is.EqualTo(1));
            Assert.That(undefined.Error, Does.Contain("second"));
            Assert.That(linked, Is.EqualTo(new CommandResult(0, "", "")));
            Assert.That(File.ReadAllText(map), Does.Contain("\"name\": \"first\""));
            Assert.That(noEntry.Status, Is.EqualTo(1));
        }
    }

    [Test]
    public void FilesWithoutChecksAndFilesThatAreNotThereFail()
    {
        using var files = new Sources();
        string a = files.Object("a", "f: ret\n# rtdyld-check: f = f\n");

        CommandResult none = ElfloadCommand.Invoke("verify", a, "--check", files["a.s"], "--check-prefix", "other");
        CommandResult missing = ElfloadCommand.Invoke("verify", a, "--check", "/nowhere/a.s");
        CommandResult contradiction = ElfloadCommand.Invoke("verify", a, "--json", "--map", "-");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(none.Status, Is.EqualTo(1));
            Assert.That(none.Error, Does.Contain("a.s: holds no check: no line starts with '# other:'"));
            Assert.That(missing.Status, Is.EqualTo(1));
            Assert.That(contradiction.Status, Is.EqualTo(2));
        }
    }

    /// <summary>Sources, and objects made of them.</summary>
    private sealed class Sources : IDisposable
    {
        internal TemporaryFolder Folder { get; } = new();

        internal string this[string name] => Folder.File(name);

        internal string Object(string name, string source)
        {
            File.WriteAllText(this[$"{name}.s"], $".text\n{source}\n");
            string path = this[$"{name}.o"];
            Command.Check("llvm-mc-19", ["-triple=x86_64-linux-gnu", "-filetype=obj", this[$"{name}.s"], "-o", path]);
            return path;
        }

        public void Dispose() => Folder.Dispose();
    }
}
