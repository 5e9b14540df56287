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
        _ = Programs.Compile("narrow", "int data = 7; int *place(void) { return &data; }", "-fno-pic");
        foreach (string extension in (string[])["i", "ii", "S", "s", "cc", "mm"])
        {
            _ = Programs.Write($"source.{extension}", "int main(void) { return 0; }\n");
        }

        _ = Programs.Write("self", "@self\n");
        _ = Programs.Write("one", "hello.o\n@two\n");
        _ = Programs.Write("two", "@one\n");
        File.CreateSymbolicLink(Programs.Path("loop"), "loop");
        _ = Programs.Build("program", "int main(void) { return 0; }", "-pie", "-fPIE");
        _ = Programs.Compile("host", "int host_value = 7; int main(void) { return 0; }");
        _ = Programs.Build("plug.so", "extern int host_value; int *place = &host_value;", "-shared", "-fPIC");
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
    [TestCase("run hello.o -e ''", 126, "--entry: its value is empty")]
    [TestCase("run hello.o -u ''", 126, "--undefined: its value is empty")]
    [TestCase("run hello.o --library ''", 126, "--library: its value is empty")]
    [TestCase("run hello.o --library=", 126, "--library: FILE is missing behind it")]
    [TestCase("run hello.o --map ''", 126, "--map: its value is empty")]
    [TestCase("run hello.o --json=", 126, "--json: its value is empty")]
    [TestCase("run hello.o --runner ''", 126, "--runner: its value is empty")]
    [TestCase("run hello.o --define ''", 126, "--define: its value is empty")]
    [TestCase("run arm.o -e ''", 126, "--entry: its value is empty")]
    [TestCase("inspect hello.o --json=", 2, "--json: its value is empty")]
    [TestCase("inspect hello.o --json ''", 2, "an input has no name")]
    [TestCase("explain hello.o --allow-undefined=", 2, "--allow-undefined: its value is empty")]
    [TestCase("verify hello.o --check ''", 2, "--check: its value is empty")]
    [TestCase("verify hello.o --check-prefix ''", 2, "--check-prefix: its value is empty")]
    [TestCase("link hello.o -o out -u ''", 2, "--undefined: its value is empty")]
    [TestCase("link hello.o -o ''", 2, "--output: its value is empty")]
    [TestCase("link hello.o -o out --base ''", 2, "--base: its value is empty")]
    [TestCase("link hello.o -o out --map-section ''", 2, "--map-section: its value is empty")]
    [TestCase("link hello.o -e main -o -", 2, "--output: '-' is not taken for standard output here: give /dev/stdout, or ./- for a file of that name")]
    [TestCase("report hello.o -o -", 2, "--output: '-' is not taken for standard output here: give /dev/stdout, or ./- for a file of that name")]
    [TestCase("run hello.o -D main=5", 125, "hello.o: 'main' is defined already by --define")]
    [TestCase("link hello.o -D main=5 -o out", 1, "hello.o: 'main' is defined already by the caller's definitions (--define)")]
    [TestCase("run @self", 126, "@self: this response file names itself")]
    [TestCase("link @one -o out", 2, "@one: this response file names itself, through @two")]
    [TestCase("run loop", 125, "loop: Too many levels of symbolic links")]
    [TestCase("inspect loop", 1, "loop: Too many levels of symbolic links")]
    [TestCase("run @loop", 126, "@loop: Too many levels of symbolic links")]
    [TestCase("link hello.o -e main -o loop", 1, "loop: Too many levels of symbolic links")]
    [TestCase("run program", 125, "{0}/program: cannot dynamically load position-independent executable; a program is run by itself: inputs are objects, archives, shared libraries")]
    [TestCase("run host.o --library ./plug.so", 125, "./plug.so: undefined symbol: host_value; host.o defines it, but libraries do not see what loaded objects define: give the library as an object or an archive")]
    public void IsTold(string arguments, int status, string expected)
    {
        CommandResult result = Invoke(arguments);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Error, Is.EqualTo($"elfload: error: {expected.Replace("{0}", Programs.Path("").TrimEnd('/'), StringComparison.Ordinal)}\n"));
            Assert.That(result.Status, Is.EqualTo(status));
        }
    }

    [TestCase("i")]
    [TestCase("ii")]
    [TestCase("S")]
    [TestCase("s")]
    [TestCase("cc")]
    [TestCase("mm")]
    public void SourcesAreToBeCompiled(string extension) => Assert.That(
        Invoke($"link source.{extension} -o out").Error, Does.EndWith($"; compile it first: clang -c source.{extension}\n"));

    [Test]
    public void CodeOfNarrowAddressesIsToldWhereItMayLie()
    {
        CommandResult high = Invoke("link narrow.o -e place -o out --base 0x200000000");
        CommandResult low = Invoke("link narrow.o -e place -o out --base 0x20000000");

        Assert.That((high.Status, low), Is.EqualTo((1, new CommandResult(0, "", ""))));
        Assert.That(high.Error, Does.EndWith(
            " and 0xffffffff; this code holds addresses in 32 bits: compile with -fPIC or -mcmodel=large, or link for lower addresses (--base)\n"));
    }

    [Test]
    public void AProgramWithoutStartFilesIsToldOf()
    {
        CommandResult main = Invoke("link hello.o -o out");
        CommandResult other = Invoke("link narrow.o -o out");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(main, Is.EqualTo(new CommandResult(0, "", "elfload: warning: nothing defines the entry symbol '_start': the image has entry 0; "
                + "'main' is defined: start files (crt1.o) have what calls it with its arguments, and ends the program when it returns; "
                + "to start in it without that, name it as the entry (--entry main)\n")));
            Assert.That(other.Error, Is.EqualTo("elfload: warning: nothing defines the entry symbol '_start': the image has entry 0\n"));
        }
    }

    /// <summary>Their first bytes show that they are none.</summary>
    [TestCase("run /dev/zero", 125, "zero: +0x0: not an ELF file: it does not begin with 7f 45 4c 46")]
    [TestCase("run - < /dev/zero", 125, "stdin: +0x0: not an ELF file: it does not begin with 7f 45 4c 46")]
    [TestCase("link /dev/zero -o out", 1, "zero: +0x0: not an ELF file: it does not begin with 7f 45 4c 46")]
    [TestCase("inspect /dev/zero", 1, "zero: +0x0: not an ELF file: it does not begin with 7f 45 4c 46")]
    public void InputsWithoutEndAreRefusedByTheirBeginning(string arguments, int status, string expected)
    {
        CommandResult result = Command.Run("bash", ["-c", $"timeout 20 {Tool} {arguments}"], Programs.Path(""));

        Assert.That((result.Status, result.Error), Is.EqualTo((status, $"elfload: error: {expected}\n")));
    }

    /// <summary>What is written into it is lost: the status tells so, and there is nobody who wants a message.</summary>
    [TestCase("inspect hello.o")]
    [TestCase("explain hello.o --json")]
    [TestCase("link hello.o -e main -o piped --map -")]
    [TestCase("link hello.o -e main -o /dev/stdout")]
    [TestCase("link hello.o -e main -o piped --json")]
    [TestCase("--help")]
    public void APipeThatNobodyReadsEndsTheCommandInSilence(string arguments)
    {
        CommandResult result = Command.Run(
            "bash", ["-c", $"{{ sleep 0.3; {Tool} {arguments}; echo $? >&2; }} | true"], Programs.Path(""));

        Assert.That((result.Output, result.Error), Is.EqualTo(("", "1\n")));
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
