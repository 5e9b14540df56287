using ElfLoader.Tests.EndToEnd;

namespace ElfLoader.Tests.Tools;

/// <summary>What people write by mistake, and what they are told: what is wrong, where, and what to do.</summary>
[Category("EndToEnd")]
[Parallelizable(ParallelScope.Children)]
public sealed class CommandLineMistakeTests
{
    private static readonly ToolPrograms Programs = new();

    [OneTimeSetUp]
    public void Compile()
    {
        _ = Programs.Compile("hello", "int main(void) { return 7; }");
        _ = Programs.Compile("arm", "int main(void) { return 0; }", "--target=armv7-linux-gnueabihf");
        _ = Programs.Write("text.txt", "hello\n");
        _ = Programs.Write("source.c", "int main(void) { return 0; }\n");
        Directory.CreateDirectory(Programs.Path("folder"));
    }

    [OneTimeTearDown]
    public void Remove() => Programs.Dispose();

    [TestCase("link hello.o --outptu out", 2, "there is no option '--outptu'; did you mean '--output'?")]
    [TestCase("link hello.o --outptu=out", 2, "there is no option '--outptu=out'; did you mean '--output'?")]
    [TestCase("--verison", 2, "there is no option '--verison'; did you mean '--version'?")]
    [TestCase("run --verison hello.o", 126, "there is no option '--verison'; arguments of the program stand behind '--'")]
    [TestCase("run --version", 126, "'--version' stands without a command: elfload --version")]
    [TestCase("--verbos link hello.o", 2, "there is no option '--verbos'; did you mean '--verbose'?")]
    [TestCase("--output out link hello.o", 2, "'--output' is an option of 'link': it stands behind the command's name")]
    [TestCase("--output out", 2, "'--output' is an option of commands, such as 'link': it stands behind their names")]
    [TestCase("lnik hello.o", 2, "there is no command 'lnik': did you mean 'link'?")]
    [TestCase("hello.o", 2, "there is no command 'hello.o': the commands are run, link, verify, explain, inspect, report; it is a file: to run it, elfload run FILE")]
    [TestCase("", 2, "no command is given: the commands are run, link, verify, explain, inspect, report; --help tells more")]
    [TestCase("help lnik", 2, "there is no command 'lnik': did you mean 'link'?")]
    [TestCase("link hello.o -lm -o out", 2, "there is no option '-lm': libraries are given as files: libm.a")]
    [TestCase("link hello.o -L/usr/lib -o out", 2, "there is no option '-L/usr/lib': libraries are given as files, with their folder: /usr/lib/libNAME.a")]
    [TestCase("link hello.o", 2, "--output FILE is needed: The executable to write")]
    [TestCase("report hello.o", 2, "--output FILE.html is needed: The page to write")]
    [TestCase("inspect", 2, "no INPUT is given")]
    [TestCase("link -o out", 2, "no INPUT is given")]
    [TestCase("link hello.o -o", 2, "--output: FILE is missing behind it")]
    [TestCase("link hello.o -o out --entry", 2, "--entry: NAME is missing behind it")]
    [TestCase("link hello.o -e main -o /dev/full", 1, "/dev/full: No space left on device")]
    [TestCase("link source.c -o out", 1, "source.c: +0x0: text, not an ELF file, and not a linker script that begins with GROUP or INPUT; compile it first: clang -c source.c")]
    [TestCase("run hello.o argument", 125, "argument: there is no such file; arguments of the program stand behind '--'")]
    [TestCase("run hello.o --flag", 126, "there is no option '--flag'; arguments of the program stand behind '--'")]
    [TestCase("run nofile.o", 125, "nofile.o: there is no such file")]
    [TestCase("run arm.o --runner nosuch", 125, "nosuch: no folder of the PATH has a program of this name, and --runner names it; qemu-arm comes with apt-get install qemu-user")]
    [TestCase("run arm.o --runner ./text.txt", 125, "./text.txt: this file may not be executed, and --runner names it; qemu-arm comes with apt-get install qemu-user")]
    [TestCase("run arm.o --runner ./nosuch", 125, "./nosuch: there is no such file, and --runner names it; qemu-arm comes with apt-get install qemu-user")]
    [TestCase("run arm.o --runner ./folder", 125, "./folder: this is a directory, not a program, and --runner names it; qemu-arm comes with apt-get install qemu-user")]
    [TestCase("link hello.o -e main -o folder", 1, "folder: this is a directory, not a file")]
    [TestCase("link hello.o -e main -o folder/", 1, "folder/: this is a directory, not a file")]
    [TestCase("link hello.o -e main -o nosuch/", 1, "nosuch/: this is a directory, not a file")]
    [TestCase("link hello.o -e main -o nosuch/deep/out", 1, "nosuch/deep/out: there is no folder '{0}/nosuch/deep'")]
    [TestCase("link hello.o -e main -o text.txt/out", 1, "text.txt/out: '{0}/text.txt' is a file, not a folder")]
    [TestCase("link hello.o -e main -o out --map folder", 1, "folder: this is a directory, not a file")]
    [TestCase("inspect hello.o --json=nosuch/out", 1, "nosuch/out: there is no folder '{0}/nosuch'")]
    public void IsTold(string arguments, int status, string expected)
    {
        CommandResult result = Invoke(arguments);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Error, Is.EqualTo($"elfload: error: {expected.Replace("{0}", Programs.Path("").TrimEnd('/'), StringComparison.Ordinal)}\n"));
            Assert.That(result.Status, Is.EqualTo(status));
        }
    }

    /// <summary>What the system says comes first.</summary>
    [Test]
    public void LibrariesByShortNamesAreTold() => Assert.That(
        Invoke("run hello.o -lnosuch").Error,
        Does.EndWith("; --library takes a file or a full name: libnosuch.so (libnosuch.so.6), or give libnosuch.a as an input\n"));

    [Test]
    public void ARunnerThatIsNotUsedIsTold()
    {
        CommandResult result = Invoke("run hello.o --runner nosuch");

        Assert.That((result.Status, result.Error), Is.EqualTo((7, "elfload: warning: --runner is not used: the objects are for this machine\n")));
    }

    /// <summary>A file of the runtime's own has the number of standard input then, and would be waited for.</summary>
    [TestCase("run -", 125)]
    [TestCase("link - -o out", 1)]
    [TestCase("inspect -", 1)]
    public void ClosedStandardInputIsTold(string arguments, int status)
    {
        CommandResult result = Command.Run("bash", ["-c", $"timeout 20 {Tool} {arguments} <&-"], Programs.Path(""));

        Assert.That((result.Status, result.Error), Is.EqualTo((status, "elfload: error: stdin: standard input is closed\n")));
    }

    [TestCase("help", "--help")]
    [TestCase("help run", "run --help")]
    [TestCase("help inspect", "inspect --help")]
    public void HelpIsACommand(string words, string option)
    {
        CommandResult help = Invoke(words);

        Assert.That((help.Status, help.Error), Is.EqualTo((0, "")));
        Assert.That(help.Output, Is.Not.Empty.And.EqualTo(Invoke(option).Output));
    }

    [TestCase("", "  --json[=<FILE>]      Write", "0    done", "1    the input", "2    the command line", "3    elfload")]
    [TestCase("link", "  --allow-undefined[=<ADDRESS>]           What", "0    done", "1    the input", "2    the command line", "3    elfload")]
    [TestCase("run", "  --allow-undefined[=<ADDRESS>]  What", "The program's own", "125  the input", "126  the command line", "127  elfload")]
    public void HelpShowsOptionalValuesAndStatuses(string command, params string[] lines)
    {
        string help = Invoke($"{command} --help".Trim()).Output;

        using (Assert.EnterMultipleScope())
        {
            foreach (string line in lines)
            {
                Assert.That(help, Does.Contain(line));
            }

            Assert.That(help, Does.Not.Contain("<="));
        }
    }

    private static string Tool => Environment.GetEnvironmentVariable("ELFLOAD") ?? $"dotnet {ElfloadCommand.Tool}";

    private static CommandResult Invoke(string arguments) => Command.Run("bash", ["-c", $"{Tool} {arguments}"], Programs.Path(""));
}
