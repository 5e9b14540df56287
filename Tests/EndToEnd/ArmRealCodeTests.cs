using System.Diagnostics;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.EndToEnd;

/// <summary>
/// Libraries that others compiled for ARM, linked by <c>elfload link</c> as a compiler's driver would have it: the
/// programs run, and the tools of others accept them.
/// </summary>
[Category("EndToEnd")]
[Platform("Linux")]
[Parallelizable(ParallelScope.Children)]
public sealed class ArmRealCodeTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private string _library = "";
    private string _throws = "";

    /// <summary>Where <c>eng/install.sh</c> unpacks Debian's libraries for ARM.</summary>
    private static string Unpacked => Path.Combine(Fixtures.Root, "artifacts", "armhf", "usr");

    private static ArmFlags Arm => new("clang-19", "armv7-linux-gnueabihf -marm", "-O2 -fno-pic");

    private static ArmFlags Thumb => new("clang-14", "armv7-linux-gnueabihf -mthumb", "-O2 -fPIC");

    [OneTimeSetUp]
    public void LinkOnce()
    {
        _library = Link("library", Arm.Compile(_folder.Path, Sources("library.c")));
        string[] objects = [.. ((string[])["throws", "throws2", "throws3"]).Select(name => _folder.File(name + ".o"))];
        Command.Check(
            Thumb.Program(isCxx: true),
            [.. Thumb.All, "-std=c++17", "-c", .. objects.Select(path => Fixtures.Source(Path.GetFileNameWithoutExtension(path) + ".cpp"))],
            _folder.Path);
        _throws = Link("throws", objects, isCxx: true);
    }

    [Test]
    public void TheCLibraryWorks()
    {
        string native = _folder.File("library-native");
        Command.Check("clang-19", ["-O1", .. Sources("library.c"), "-lm", "-o", native]);

        Assert.That(Command.Run("qemu-arm", [_library]), Is.EqualTo(Command.Run(native, [])));
    }

    [Test]
    public void ExceptionsAreCaught()
    {
        CommandResult result = Command.Run("qemu-arm", [_throws]);

        Assert.That(result, Is.EqualTo(new CommandResult(0, Fixtures.ExpectedOutput("throws"), "")));
    }

    [Test]
    public void SqliteAnswers([Values] bool isThumb)
    {
        string native = _folder.File($"query-native-{isThumb}");
        Command.Check("gcc-12", ["-O1", .. Sources("query.c"), "-lsqlite3", "-lm", "-o", native]);
        IReadOnlyList<string> objects = CompileAlone(isThumb, "query.c", $"-I{Unpacked}/include");

        string program = Link($"query-{isThumb}", [.. objects, Foreign("libsqlite3.a")]);

        Assert.That(Command.Run("qemu-arm", [program]), Is.EqualTo(Command.Run(native, [])));
    }

    [Test]
    public void LuaRunsAScript([Values] bool isThumb)
    {
        string native = _folder.File($"script-native-{isThumb}");
        Command.Check("gcc-12", ["-O1", "-I/usr/include/lua5.4", .. Sources("script.c"), "-llua5.4", "-o", native]);
        IReadOnlyList<string> objects = CompileAlone(
            isThumb, "script.c", $"-I{Unpacked}/include/lua5.4", $"-I{Unpacked}/include/arm-linux-gnueabihf");

        string program = Link($"script-{isThumb}", [.. objects, Foreign("liblua5.4.a")]);

        CommandResult result = Command.Run("qemu-arm", [program]);
        Assert.That(result, Is.EqualTo(Command.Run(native, [])));
        Assert.That(result.Status, Is.EqualTo(5));
    }

    [TestCase("llvm-readelf-14", "-a")]
    [TestCase("llvm-readelf-14", "--unwind")]
    [TestCase("arm-linux-gnueabihf-readelf", "-aW")]
    [TestCase("arm-linux-gnueabihf-readelf", "-uW")]
    [TestCase("arm-linux-gnueabihf-readelf", "--debug-dump=info,frames")]
    [TestCase("arm-linux-gnueabihf-objdump", "-d")]
    [TestCase("llvm-objdump-14", "-d")]
    [TestCase("arm-linux-gnueabihf-nm", "-n")]
    public void ToolsAcceptThem(string tool, string option)
    {
        foreach (string program in (string[])[_library, _throws])
        {
            CommandResult result = Command.Run(tool, [option, program]);
            using (Assert.EnterMultipleScope())
            {
                Assert.That(result.Error, Is.Empty, program);
                Assert.That(result.Output, Does.Not.Contain("arning:"), program);
                Assert.That(result.Status, Is.Zero, program);
            }
        }
    }

    /// <summary>GNU's tools rewrite the whole file, and the result runs.</summary>
    [TestCase("strip")]
    [TestCase("objcopy")]
    public void ToolsRewriteThem(string tool)
    {
        string copy = _folder.File(tool);
        Command.Check($"arm-linux-gnueabihf-{tool}", tool is "strip" ? ["-o", copy, _throws] : [_throws, copy]);

        Assert.That(Command.Run("qemu-arm", [copy]).Output, Is.EqualTo(Fixtures.ExpectedOutput("throws")));
    }

    [Test]
    public void ADebuggerShowsSourceLinesAndVariables([Values("-marm", "-mthumb")] string instructions)
    {
        string folder = Directory.CreateDirectory(_folder.File($"debug{instructions}")).FullName;
        File.WriteAllText(
            Path.Combine(folder, "square.c"),
            """
            #include <stdio.h>
            static int square(int number)
            {
                int result = number * number;
                printf("%d\n", result);
                return result;
            }
            int main(void) { return square(7) - 49; }

            """);
        var flags = new ArmFlags("clang-19", $"armv7-linux-gnueabihf {instructions}", "-g -O0");
        Command.Check(flags.Compiler, [.. flags.All, "-c", "square.c"], folder);
        string program = Link($"square{instructions}", [Path.Combine(folder, "square.o")]);

        string shown = Debug(program, folder, "break square.c:5", "continue", "info locals", "backtrace", "print $pc");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(shown, Does.Contain("result = 49"));
            Assert.That(shown, Does.Contain("square (number=7) at square.c:5"));
            Assert.That(shown, Does.Contain("main () at square.c:8"));
        }
    }

    public void Dispose() => _folder.Dispose();

    private static string Debug(string program, string folder, params string[] commands)
    {
        string socket = program + ".socket";
        var start = new ProcessStartInfo("qemu-arm", ["-g", socket, program]) { RedirectStandardOutput = true };
        using Process emulator = Process.Start(start)!;
        try
        {
            Assert.That(SpinWait.SpinUntil(() => File.Exists(socket), TimeSpan.FromSeconds(30)), Is.True);
            string[] all =
            [
                "set pagination off", "set debuginfod enabled off", $"file {program}", $"target remote {socket}", .. commands, "kill",
            ];
            return Command.Run(
                "gdb-multiarch", ["-nx", "-batch", .. all.SelectMany(command => (string[])["-ex", command])], folder).Output;
        }
        finally
        {
            emulator.Kill();
            emulator.WaitForExit();
        }
    }

    private static string Foreign(string file) => Path.Combine(Unpacked, "lib", "arm-linux-gnueabihf", file);

    private static string[] Sources(params string[] files) =>
        [.. files.Select(file => Fixtures.Source(Path.Combine("arm-programs", file)))];

    private IReadOnlyList<string> CompileAlone(bool isThumb, string source, params string[] flags)
    {
        string folder = Directory.CreateDirectory(_folder.File($"{source}-{isThumb}")).FullName;
        return (isThumb ? Thumb : Arm).Compile(folder, Sources(source), flags);
    }

    private string Link(string name, IEnumerable<string> inputs, bool isCxx = false)
    {
        string program = _folder.File(name);
        CommandResult linked = ElfloadCommand.Invoke(
            ["link", .. ArmLibrary.HardFloat.Around(inputs, isCxx), "-o", program]);
        Assert.That(linked, Is.EqualTo(new CommandResult(0, "", "")));
        return program;
    }
}
