using System.Text.Json;
using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Tools;

/// <summary>What <c>elfload run</c> promises about options, statuses and streams.</summary>
[Category("EndToEnd")]
[Parallelizable(ParallelScope.All)]
public sealed class RunCommandTests
{
    private const int NotLoaded = 125;
    private const int WrongCommandLine = 126;

    private static readonly string Hello = Fixtures.Object("hello");

    /// <summary>Command lines that start nothing: status, what the message says, arguments.</summary>
    private static readonly object[][] Refusals =
    [
        [WrongCommandLine, "INPUT", new[] { "run" }],
        [WrongCommandLine, "there is no option '--bogus'", new[] { "run", Hello, "--bogus" }],
        [WrongCommandLine, "--entry", new[] { "run", Hello, "--entry" }],
        [WrongCommandLine, "NAME=ADDRESS", new[] { "run", Hello, "--define", "x" }],
        [WrongCommandLine, "'0x' is no address", new[] { "run", Hello, "--define", "x=0x" }],
        [WrongCommandLine, "is no address", new[] { "run", Hello, "--define", "x=18446744073709551616" }],
        [WrongCommandLine, "is no instruction set", new[] { "run", Hello, "--define", "x=1:mips" }],
        [WrongCommandLine, "which only ARM programs have", new[] { "run", Hello, "--define", "x=1:thumb" }],
        [WrongCommandLine, "two values", new[] { "run", Hello, "--define", "x=1", "--define", "x=2" }],
        [WrongCommandLine, "--allow-undefined: 'there'", new[] { "run", Hello, "--allow-undefined=there" }],
        [WrongCommandLine, "--json needs a file", new[] { "run", "--json", Hello }],
        [WrongCommandLine, "--map needs a file", new[] { "run", Hello, "--map", "-" }],
        [WrongCommandLine, "@/no/such/file", new[] { "run", "@/no/such/file" }],
        [NotLoaded, "/no/such/object.o: ", new[] { "run", "/no/such/object.o" }],
        [NotLoaded, "no-such-library.so: ", new[] { "run", Hello, "--library", "no-such-library.so" }],
        [NotLoaded, "no input defines the entry 'nothing'", new[] { "run", Hello, "--entry", "nothing" }],
        [NotLoaded, "hello.o: .text+0x1d: undefined symbol 'printf'", new[] { "run", "--no-host-symbols", Hello }],
    ];

    [TestCaseSource(nameof(Refusals))]
    public void RefusesWithoutStarting(int status, string message, string[] arguments)
    {
        CommandResult result = ElfloadCommand.Invoke(arguments);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Status, Is.EqualTo(status));
            Assert.That(result.Error, Does.StartWith("elfload: error: ").And.Contain(message));
            Assert.That(result.Output, Is.Empty, "standard output is the program's");
        }
    }

    [Test]
    public void GivesTheProgramAllThatFollowsTheDashes()
    {
        using var programs = new ToolPrograms();
        string program = programs.Compile("echo", """
            #include <stdio.h>
            int main(int argc, char **argv, char **envp)
            {
                for (int i = 0; i <= argc; i++) puts(argv[i] ? argv[i] : "(end)");
                return envp[0] == 0;
            }
            """);

        CommandResult result = ElfloadCommand.Invoke("run", program, "--", "--json", "@file", "--", "", "ä");

        Assert.That(
            result, Is.EqualTo(new CommandResult(0, $"{program}\n--json\n@file\n--\n\nä\n(end)\n", "")));
    }

    [Test]
    public void TakesArgumentsFromResponseFiles()
    {
        using var programs = new ToolPrograms();
        string inner = programs.Write("inner", "--define\nunused=0x10\n");
        string outer = programs.Write("outer", $"@{inner}\n\n{Hello}\n--\none word\n");

        CommandResult result = ElfloadCommand.Invoke("run", $"@{outer}", "@two");

        Assert.That(result, Is.EqualTo(new CommandResult(
            7, "hello from 2 arguments\n1: one word\n2: @two\nterminated: 1\n", "")));
    }

    [TestCase("--define", "place=0x123456789a", "123456789a")]
    [TestCase("--define", "place=42", "2a")]
    [TestCase("--allow-undefined=0x77", null, "77")]
    public void DefinesSymbols(string option, string? value, string expected)
    {
        using var programs = new ToolPrograms();
        string program = programs.Compile("place", """
            #include <stdio.h>
            extern char place[];
            int main(void) { printf("%lx\n", (long)place); return 0; }
            """, "-fPIC");

        CommandResult result = value is null
            ? ElfloadCommand.Invoke("run", option, program)
            : ElfloadCommand.Invoke("run", option, value, program);

        Assert.That(result, Is.EqualTo(new CommandResult(0, $"{expected}\n", "")));
    }

    [Test]
    public void ResolvesAgainstSharedLibraries([Values] bool isInput)
    {
        using var programs = new ToolPrograms();
        string library = programs.Build("libanswer.so", "int answer(void) { return 42; }", "-shared", "-fPIC");
        string program = programs.Compile("ask", "int answer(void); int main(void) { return answer(); }");

        CommandResult result = isInput
            ? ElfloadCommand.Invoke("run", program, library)
            : ElfloadCommand.Invoke("run", program, "--library", library);

        Assert.That(result, Is.EqualTo(new CommandResult(42, "", "")));
    }

    [TestCase("main", "-fvisibility=default", false)]
    [TestCase("main", "-fvisibility=hidden", false)]
    [TestCase("start_here", "-fvisibility=default", false)]
    [TestCase("main", "-fvisibility=default", true)]
    [TestCase("main", "-fvisibility=hidden", true)]
    public void FindsTheEntry(string name, string flag, bool isInArchive)
    {
        using var programs = new ToolPrograms();
        string program = programs.Compile("entry", $"int {name}(int argc, char **argv) {{ return 40 + argc; }}", flag);
        string input = isInArchive ? programs.Archive("libentry.a", program) : program;

        Assert.That(
            ElfloadCommand.Invoke("run", input, "--entry", name, "--", "x"), Is.EqualTo(new CommandResult(42, "", "")));
    }

    [Test]
    public void StartsAgainForThreadLocalStorageWithoutShowing()
    {
        using var programs = new ToolPrograms();
        string program = programs.Compile("tls", """
            #include <stdio.h>
            #include <stdlib.h>
            static __thread char room[30000] = { 3 };
            int main(int argc, char **argv)
            {
                const char *tunables = getenv("GLIBC_TUNABLES");
                printf("%d %s %d\n", room[argc - 2], argv[1], getenv("ELFLOAD_GLIBC_TUNABLES") != 0);
                return tunables != 0;
            }
            """, "-fPIE");

        CommandResult result = ElfloadCommand.Invoke("run", program, "--", "argument");

        bool isSet = Environment.GetEnvironmentVariable("GLIBC_TUNABLES") is not null;
        Assert.That(result, Is.EqualTo(new CommandResult(isSet ? 1 : 0, "3 argument 0\n", "")));
    }

    [Test]
    public void WritesErrorsAsObjects()
    {
        using var programs = new ToolPrograms();
        string file = programs.Path("errors.json");

        CommandResult result = ElfloadCommand.Invoke("run", $"--json={file}", "--no-host-symbols", Hello);

        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(file));
        JsonElement error = document.RootElement.GetProperty("errors")[0];
        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Status, Is.EqualTo(NotLoaded));
            Assert.That(error.GetProperty("code").GetString(), Is.EqualTo("undefined"));
            Assert.That(error.GetProperty("object").GetString(), Is.EqualTo("hello.o"));
            Assert.That(error.GetProperty("section").GetString(), Is.EqualTo(".text"));
            Assert.That(error.GetProperty("offset").GetString(), Is.EqualTo("0x1d"));
            Assert.That(error.GetProperty("symbol").GetString(), Is.EqualTo("printf"));
        }
    }

    [Test]
    public void WritesTheLinkMapOfTheProcess()
    {
        using var programs = new ToolPrograms();
        string file = programs.Path("map.json");
        string program = programs.Compile("where", """
            #include <stdio.h>
            int data[3] = { 1 };
            static int local;
            int main(void) { printf("0x%lx 0x%lx 0x%lx\n", (long)main, (long)data, (long)&local); return 0; }
            """);

        CommandResult result = ElfloadCommand.Invoke("run", "--map", file, program);

        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(file));
        JsonElement map = document.RootElement;
        Dictionary<string, string?> addresses = map.GetProperty("symbols").EnumerateArray().ToDictionary(
            symbol => symbol.GetProperty("name").GetString()!,
            symbol => symbol.GetProperty("address").GetString());
        JsonElement stub = map.GetProperty("stubs").EnumerateArray().Single();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Output, Is.EqualTo($"{addresses["main"]} {addresses["data"]} {addresses["local"]}\n"));
            Assert.That(map.GetProperty("machine").GetString(), Is.EqualTo("x86_64"));
            Assert.That(map.GetProperty("entry").GetString(), Is.EqualTo(addresses["main"]));
            Assert.That(stub.GetProperty("symbol").GetString(), Is.EqualTo("printf"));
            Assert.That(map.GetProperty("segments").EnumerateArray().Select(segment => segment.GetProperty("flags").GetString()),
                Is.EqualTo(["RX", "R", "R", "RW"]));
        }
    }
}
