using System.Text.Json;
using ElfLoader.Tests.EndToEnd;

namespace ElfLoader.Tests.Tools;

/// <summary>What <c>elfload run</c> promises about programs for ARM: options, statuses, streams, the start code.</summary>
[Category("EndToEnd")]
[Platform("Linux")]
[Parallelizable(ParallelScope.All)]
public sealed class ArmRunCommandTests
{
    private const int NotLoaded = 125;
    private const int WrongCommandLine = 126;

    private static readonly string[] Flags = ["--target=armv7-linux-gnueabihf", "-ffreestanding", "-mtp=soft"];

    /// <summary>System calls, and output of numbers.</summary>
    private const string Calls = """
        static int call(int number, int a, int b, int c)
        {
            register int r7 __asm__("r7") = number;
            register int r0 __asm__("r0") = a;
            register int r1 __asm__("r1") = b;
            register int r2 __asm__("r2") = c;
            __asm__ volatile("svc #0" : "+r"(r0) : "r"(r7), "r"(r1), "r"(r2) : "memory");
            return r0;
        }
        static void put(const char *text)
        {
            int count = 0;
            while (text[count]) count++;
            call(4, 1, (int)text, count);
        }
        static void put_hexadecimal(unsigned number)
        {
            char text[10] = "00000000\n";
            for (int i = 7; i >= 0; i--, number >>= 4) text[i] = "0123456789abcdef"[number & 15];
            put(text);
        }

        """;

    [Test]
    public void GivesTheProgramAllThatFollowsTheDashes()
    {
        using var programs = new ToolPrograms();
        string program = Compile(programs, "echo", """
            int main(int argc, char **argv, char **envp)
            {
                for (int i = 0; i <= argc; i++) { put(argv[i] ? argv[i] : "(end)"); put("\n"); }
                return envp[0] == 0;
            }
            """);

        CommandResult result = ElfloadCommand.Invoke("run", program, "--", "--json", "@file", "--", "", "ä");

        Assert.That(
            result, Is.EqualTo(new CommandResult(0, $"{program}\n--json\n@file\n--\n\nä\n(end)\n", "")));
    }

    [Test]
    public void RunsInitializersBeforeAndFinalizersAfter()
    {
        using var programs = new ToolPrograms();
        string program = Compile(programs, "order", """
            static void earliest(void) { put("earliest\n"); }
            __attribute__((section(".preinit_array"), used)) static void (*first)(void) = earliest;
            __attribute__((constructor(200))) static void early(void) { put("early\n"); }
            __attribute__((constructor)) static void late(int argc, char **argv) { put(argv[argc - 1]); put(" late\n"); }
            __attribute__((destructor)) static void after(void) { put("after\n"); }
            __attribute__((destructor(200))) static void last(void) { put("last\n"); }
            int main(void) { put("main\n"); return 300; }
            """);

        CommandResult result = ElfloadCommand.Invoke("run", program, "--", "argument");

        Assert.That(result, Is.EqualTo(new CommandResult(
            300 & 255, "earliest\nearly\nargument late\nmain\nafter\nlast\n", "")));
    }

    [Test]
    public void PreparesThreadLocalStorageAndIndirectFunctions([Values("-marm", "-mthumb")] string instructions)
    {
        using var programs = new ToolPrograms();
        string program = Compile(programs, "tls", """
            __thread int initialized = 5;
            __thread int zero[100];
            static __thread char aligned __attribute__((aligned(128))) = 1;
            static int forty(void) { return 40; }
            __attribute__((used)) static void *resolve(unsigned capabilities) { return capabilities ? forty : 0; }
            int picked(void) __attribute__((ifunc("resolve")));
            int main(void)
            {
                zero[99] += initialized + picked();
                return zero[99] + zero[0] + (((int)&aligned & 127) ? 100 : 0) - aligned;
            }
            """, instructions);

        Assert.That(ElfloadCommand.Invoke("run", program), Is.EqualTo(new CommandResult(44, "", "")));
    }

    [TestCase("main", false)]
    [TestCase("start_here", false)]
    [TestCase("main", true)]
    public void FindsTheEntry(string name, bool isInArchive)
    {
        using var programs = new ToolPrograms();
        string program = Compile(programs, "entry", $"int {name}(int argc, char **argv) {{ return 40 + argc; }}", "-mthumb");
        string input = isInArchive ? programs.Archive("libentry.a", program) : program;

        Assert.That(
            ElfloadCommand.Invoke("run", input, "--entry", name, "--", "x"), Is.EqualTo(new CommandResult(42, "", "")));
    }

    [TestCase(new string[0], 7)]
    [TestCase(new[] { "--entry", "_start" }, 7)]
    [TestCase(new[] { "--entry", "main" }, 42)]
    public void StartsWhereTheProgramSays(string[] options, int status)
    {
        using var programs = new ToolPrograms();
        string program = Compile(
            programs, "own", "void _start(void) { call(248, 7, 0, 0); } int main(int argc, char **argv) { return 41 + argc; }");

        Assert.That(
            ElfloadCommand.Invoke(["run", program, .. options]), Is.EqualTo(new CommandResult(status, "", "")));
    }

    [TestCase("*(volatile int *)8 = 1;", 128 + 11)]
    [TestCase("call(37, call(20, 0, 0, 0), 15, 0);", 128 + 15)]
    [TestCase("call(37, call(20, 0, 0, 0), 6, 0);", 128 + 6)]
    [TestCase("__builtin_trap();", 128 + 4)]
    [TestCase("call(248, 255, 0, 0);", 255)]
    public void EndsAsTheProgramDoes(string end, int status)
    {
        using var programs = new ToolPrograms();
        string program = Compile(programs, "end", $"int main(void) {{ {end} return 0; }}");

        Assert.That(ElfloadCommand.Invoke("run", program).Status, Is.EqualTo(status));
    }

    [Test]
    public void PassesStreamsThrough()
    {
        using var programs = new ToolPrograms();
        string program = Compile(programs, "copy", """
            int main(void)
            {
                char text[100];
                int count = call(3, 0, (int)text, sizeof text);
                call(4, 1, (int)text, count);
                return call(4, 2, (int)"error", 5);
            }
            """);

        CommandResult result = Command.Run("bash", ["-c", "printf input | dotnet \"$0\" run \"$1\"", ElfloadCommand.Tool, program]);

        Assert.That(result, Is.EqualTo(new CommandResult(5, "input", "error")));
    }

    /// <summary>.NET ignores the signal, and what it starts would, too.</summary>
    [Test]
    public void EndsWhenNobodyReads()
    {
        using var programs = new ToolPrograms();
        string program = Compile(programs, "endless", "int main(void) { for (;;) put(\"more\\n\"); }");

        CommandResult result = Command.Run(
            "env",
            [
                "--default-signal=PIPE", "bash", "-c", "dotnet \"$0\" run \"$1\" | head -n 2; exit ${PIPESTATUS[0]}",
                ElfloadCommand.Tool, program,
            ]);

        Assert.That(result, Is.EqualTo(new CommandResult(128 + 13, "more\nmore\n", "")));
    }

    [Test]
    public void DefinesSymbols()
    {
        using var programs = new ToolPrograms();
        string program = Compile(programs, "place", """
            extern char plain[]; extern int thumb(void); extern int arm(void); extern int missing(void);
            int main(void)
            {
                put_hexadecimal((unsigned)plain);
                put_hexadecimal((unsigned)thumb);
                put_hexadecimal((unsigned)arm);
                put_hexadecimal((unsigned)missing);
                return 0;
            }
            """);

        CommandResult result = ElfloadCommand.Invoke(
            "run", program, "--define", "plain=0x1234567", "--define", "thumb=0x8000:thumb", "--define", "arm=0x8000:arm",
            "--allow-undefined=0x77");

        Assert.That(result, Is.EqualTo(new CommandResult(0, "01234567\n00008001\n00008000\n00000077\n", "")));
    }

    [Test]
    public void TakesARunner()
    {
        using var programs = new ToolPrograms();
        string program = Compile(programs, "processor", """
            int main(int argc, char **argv)
            {
                int result = argc * 84;
                __asm__ volatile(".arch_extension idiv\n sdiv %0, %0, %1" : "+r"(result) : "r"(argc + 1));
                return result;
            }
            """);
        string script = programs.Write("runner", "#!/bin/sh\necho \"$1 $2\"\nshift 2\nqemu-arm \"$@\"\necho status $?\n");
        Command.Check("chmod", ["+x", script]);
        string quiet = Compile(programs, "quiet", "int main(int argc, char **argv) { return argc; }");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                ElfloadCommand.Invoke("run", "--runner", "qemu-arm -cpu cortex-a8", program).Status,
                Is.EqualTo(128 + 4),
                "this processor cannot divide");
            Assert.That(
                ElfloadCommand.Invoke("run", "--runner", "qemu-arm -cpu cortex-a15", program).Status, Is.EqualTo(42));
            Assert.That(
                ElfloadCommand.Invoke("run", "--runner", $"{script} one \"two words\"", quiet, "--", "x"),
                Is.EqualTo(new CommandResult(0, "one two words\nstatus 2\n", "")));
        }
    }

    [TestCase(NotLoaded, "qemu-arm: is not on the PATH", "apt-get install qemu-user")]
    [TestCase(NotLoaded, "no-such-runner: ", "apt-get install qemu-user", "--runner", "no-such-runner -x")]
    [TestCase(NotLoaded, "/no/such/runner: ", "apt-get install qemu-user", "--runner", "/no/such/runner")]
    [TestCase(WrongCommandLine, "--runner: ", "empty", "--runner", "")]
    [TestCase(WrongCommandLine, "--library", "libm.so.6", "--library", "libm.so.6")]
    [TestCase(WrongCommandLine, "--target1-abs", "contradict", "--target1-abs", "--target1-rel")]
    [TestCase(NotLoaded, "no input defines the entry 'nothing'", "", "--entry", "nothing")]
    public void RefusesWithoutStarting(int status, string message, string advice, params string[] options)
    {
        using var programs = new ToolPrograms();
        string program = Compile(programs, "never", "int main(void) { put(\"started\"); return 0; }");
        string dotnet = Environment.ProcessPath is { } path && Path.GetFileName(path) is "dotnet" ? path : Locate("dotnet");

        CommandResult result = Command.Run(
            "/usr/bin/env", ["PATH=/nowhere", dotnet, ElfloadCommand.Tool, "run", program, .. options]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Status, Is.EqualTo(status));
            Assert.That(result.Error, Does.StartWith("elfload: error: ").And.Contain(message).And.Contain(advice));
            Assert.That(result.Output, Is.Empty, "standard output is the program's");
        }
    }

    [Test]
    public void WarnsWhereTheCLibraryIsNotStarted()
    {
        using var programs = new ToolPrograms();
        string program = Compile(programs, "half", "int main(void) { return 3; }");

        CommandResult result = ElfloadCommand.Invoke("run", program, "/usr/arm-linux-gnueabihf/lib/libc.a");

        Assert.That(result.Status, Is.EqualTo(3));
        Assert.That(result.Error, Does.StartWith("elfload: warning: ").And.Contain("crt1.o"));
    }

    [Test]
    public void WritesTheLinkMapAndResults()
    {
        using var programs = new ToolPrograms();
        string map = programs.Path("map.json");
        string json = programs.Path("result.json");
        string program = Compile(programs, "where", """
            int data[3] = { 1 };
            int main(void) { put_hexadecimal((unsigned)main); put_hexadecimal((unsigned)data); return 0; }
            """, "-mthumb", "-fomit-frame-pointer");

        CommandResult result = ElfloadCommand.Invoke("run", "--map", map, $"--json={json}", program);

        using JsonDocument mapped = JsonDocument.Parse(File.ReadAllText(map));
        using JsonDocument report = JsonDocument.Parse(File.ReadAllText(json));
        Dictionary<string, ulong> addresses = mapped.RootElement.GetProperty("symbols").EnumerateArray()
            .Where(symbol => symbol.GetProperty("binding").GetString() is "global")
            .ToDictionary(
                symbol => symbol.GetProperty("name").GetString()!,
                symbol => Convert.ToUInt64(symbol.GetProperty("address").GetString(), 16));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Output, Is.EqualTo($"{addresses["main"] | 1:x8}\n{addresses["data"]:x8}\n"));
            Assert.That(mapped.RootElement.GetProperty("machine").GetString(), Is.EqualTo("arm"));
            Assert.That(mapped.RootElement.GetProperty("entry").GetString(), Is.EqualTo($"0x{addresses["_start"] | 1:x}"));
            Assert.That(
                mapped.RootElement.GetProperty("segments")[0].GetProperty("address").GetString(), Is.EqualTo("0x10000"));
            Assert.That(report.RootElement.GetProperty("machine").GetString(), Is.EqualTo("arm"));
            Assert.That(
                report.RootElement.GetProperty("entry").GetString(),
                Is.EqualTo(mapped.RootElement.GetProperty("entry").GetString()));
        }
    }

    private static string Compile(ToolPrograms programs, string name, string source, params string[] flags)
    {
        string text = programs.Write(name + ".c", Calls + source);
        string compiled = programs.Path(name + ".o");
        Command.Check("clang-19", ["-O1", "-w", .. Flags, .. flags, "-c", text, "-o", compiled]);
        return compiled;
    }

    private static string Locate(string program) => Environment.GetEnvironmentVariable("PATH")!.Split(':')
        .Select(folder => Path.Combine(folder, program)).First(File.Exists);
}
