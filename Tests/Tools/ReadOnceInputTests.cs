using System.Text.Json;
using ElfLoader.Tests.EndToEnd;

namespace ElfLoader.Tests.Tools;

/// <summary>Inputs that can be read only once: each is opened once, read once, and waited for.</summary>
[Category("EndToEnd")]
[Parallelizable(ParallelScope.All)]
public sealed class ReadOnceInputTests
{
    private const string Answer = "int answer(void); int main(void) { return answer(); }";
    private const string Library = "int answer(void) { return 42; }";

    /// <summary>
    /// Ways to give $MAIN and $OTHER, which a shell reads; $RUN is the command with what goes before the inputs, $END what goes
    /// after.
    /// </summary>
    private static readonly string[] Ways =
    [
        "cat $MAIN | $RUN /dev/stdin $OTHER $END",
        "cat $MAIN | $RUN - $OTHER $END",
        "cat $OTHER | $RUN $MAIN - $END",
        "$RUN - $OTHER $END < $MAIN",
        "$RUN <(cat $MAIN) $OTHER $END",
        "$RUN <(cat $MAIN) <(cat $OTHER) $END",
        "cat $ARCHIVE | $RUN $MAIN - $END",
        "$RUN $MAIN <(sleep 0.3; cat $ARCHIVE) $END",
        "mkfifo one two; { cat $MAIN > one & cat $OTHER > two & }; $RUN one two $END",
        // In two pieces, the second late.
        "{ head -c 700 $MAIN; sleep 0.3; tail -c +701 $MAIN; } | $RUN - $OTHER $END",
    ];

    private static readonly (string Command, string End, int Status)[] Commands =
    [
        ("run", "", 42),
        ("link", "-e main -o image", 0),
        ("explain", "--symbol answer", 0),
        ("verify", "", 0),
        ("report", "-o page.html", 0),
    ];

    private static IEnumerable<TestCaseData> Lines()
    {
        foreach (string way in Ways)
        {
            yield return new TestCaseData(way, Commands[0].Command, Commands[0].End, Commands[0].Status);
        }

        foreach ((string command, string end, int status) in Commands[1..])
        {
            yield return new TestCaseData(Ways[1], command, end, status);
            yield return new TestCaseData(Ways[^2], command, end, status);
        }
    }

    [TestCaseSource(nameof(Lines))]
    public void AreReadOnceToTheEnd(string way, string command, string end, int status)
    {
        using var programs = new ToolPrograms();
        string main = programs.Compile("main", Answer);
        string other = programs.Compile("other", Library);

        CommandResult result = Shell(
            programs, way, $"{command}", end, $"MAIN={main}; OTHER={other}; ARCHIVE={programs.Archive("libother.a", other)}");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Error, Is.Empty);
            Assert.That(result.Status, Is.EqualTo(status));
        }
    }

    [TestCase("cat $MAIN | $RUN - $END", "-")]
    [TestCase("cat $MAIN | $RUN /dev/stdin $END", "/dev/stdin")]
    [TestCase("mkfifo one; { cat $MAIN > one & }; $RUN one $END", "one")]
    public void AreInspected(string way, string path)
    {
        using var programs = new ToolPrograms();

        CommandResult result = Shell(programs, way, "inspect", "--json", $"MAIN={programs.Compile("main", Answer)}");

        using JsonDocument document = JsonDocument.Parse(result.Output);
        JsonElement file = document.RootElement.GetProperty("files")[0];
        Assert.That((file.GetProperty("file").GetString(), file.GetProperty("kind").GetString()), Is.EqualTo((path, "object")));
    }

    [Test]
    public void ThePartOfStandardInputThatIsLeftIsRead()
    {
        using var programs = new ToolPrograms();
        string main = programs.Compile("main", "int main(void) { return 3; }");

        CommandResult result = Shell(
            programs, "{ echo line; cat $MAIN; } > file; { read -r first; $RUN - $END; } < file", "run", "", $"MAIN={main}");

        Assert.That(result, Is.EqualTo(new CommandResult(3, "", "")));
    }

    /// <summary>Room for thread-local storage at a fixed distance is had by starting again.</summary>
    [TestCase("cat $MAIN | $RUN $OTHER - $END")]
    [TestCase("cat $MAIN | $RUN /dev/stdin $OTHER $END")]
    [TestCase("mkfifo one two; { cat $MAIN > one & cat $OTHER > two & }; $RUN one two $END")]
    public void AreKeptForASecondStart(string way)
    {
        using var programs = new ToolPrograms();
        string main = programs.Compile("main", """
            #include <dirent.h>
            #include <stdlib.h>
            #include <string.h>
            static __thread char room[30000] = { 40 };
            int other(void);
            int main(int argc, char **argv)
            {
                char path[99], text[99];
                DIR *open = opendir("/proc/self/fd");
                for (struct dirent *entry; (entry = readdir(open));)
                {
                    memset(text, 0, sizeof text);
                    strcpy(path, "/proc/self/fd/");
                    if (readlink(strcat(path, entry->d_name), text, sizeof text - 1) > 0 && strstr(text, "memfd:input")) return 1;
                }
                return getenv("ELFLOAD_READ_INPUTS") ? 2 : room[argc - 1] + other();
            }
            """, "-fPIE", "-include", "unistd.h");
        string other = programs.Compile("other", "int other(void) { return 2; }");

        CommandResult result = Shell(programs, way, "run", "", $"MAIN={main}; OTHER={other}");

        Assert.That(result, Is.EqualTo(new CommandResult(42, "", "")));
    }

    [TestCase("$RUN - - $END", 126, "standard input, '-', is given twice and can be read only once")]
    [TestCase("$RUN - $END < /dev/null", 125, "stdin: ")]
    [TestCase("cat $SHARED | $RUN $MAIN - $END", 125, "this is a shared library, which the system's loader opens itself")]
    public void AreRefused(string way, int status, string message)
    {
        using var programs = new ToolPrograms();
        string main = programs.Compile("main", "int main(void) { return 3; }");
        string shared = programs.Build("libanswer.so", Library, "-shared", "-fPIC");

        CommandResult result = Shell(programs, way, "run", "", $"MAIN={main}; SHARED={shared}");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Error, Does.StartWith("elfload: error: ").And.Contain(message));
            Assert.That(result.Status, Is.EqualTo(status));
            Assert.That(result.Output, Is.Empty);
        }
    }

    [Test]
    public void WhatAScriptNamesIsLookedForInTheWorkingDirectoryToo()
    {
        using var programs = new ToolPrograms();
        programs.Compile("main", Answer);
        programs.Archive("libother.a", programs.Compile("other", Library));
        Directory.CreateDirectory(programs.Path("scripts"));
        programs.Write("scripts/script", "INPUT(main.o) GROUP(libother.a)\n");

        CommandResult result = Shell(programs, "$RUN scripts/script $END", "run", "", ":");
        CommandResult piped = Shell(programs, "cat scripts/script | $RUN - $END", "run", "", ":");

        Assert.That((result, piped), Is.EqualTo((new CommandResult(42, "", ""), new CommandResult(42, "", ""))));
    }

    private static CommandResult Shell(ToolPrograms programs, string way, string command, string end, string variables) => Command.Run(
        "timeout",
        ["30", "bash", "-c", $"{variables}; RUN='dotnet {ElfloadCommand.Tool} {command}'; END='{end}'; {way}"],
        programs.Path(""));
}
