using ElfLoader.Tests.Redirection;

namespace ElfLoader.Tests.EndToEnd;

/// <summary>Objects that other linkers refuse, or that need what this process does not give: named, by every way in.</summary>
[Category("EndToEnd")]
public sealed class RefusedObjectTests
{
    private const string NestedFunction = """
        static int apply(int (*f)(int), int n) { return f(n); }
        int (*volatile sink)(int);
        int main(void)
        {
            volatile int calls = 0;
            int add(int x) { calls++; return x + 3; }
            sink = add;
            return apply(sink, 5) + apply(sink, 6) + calls;
        }
        """;

    private const string Caller = "int twice(int); int main(void) { return twice(4); }";
    private const string Callee = "int twice(int x) { return 2 * x; }";
    private const string Slim = "-O1 -flto -fno-fat-lto-objects";
    private const string Fat = "-O1 -flto -ffat-lto-objects";

    [Test]
    public void NestedFunctionsAreRefusedInThisProcessByName()
    {
        using var folder = new TemporaryFolder();
        string path = Write(folder, "nested.o", Compiled.Gcc(NestedFunction, "-O1"));

        CommandResult run = ElfloadCommand.Run([path]);
        CommandResult inspected = ElfloadCommand.Invoke("inspect", path);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(run.Status, Is.EqualTo(125), "not loaded: it would die at its first call");
            Assert.That(run.Error, Does.Match(@"nested\.o: \.note\.GNU-stack: .*nested functions.*internal procedures \(Fortran\)"));
            Assert.That(inspected.Output, Does.Match(@"not supported: executable-stack \(\.note\.GNU-stack\): .*nested functions"));
        }
    }

    [Test]
    public void AnImageWithNestedFunctionsHasAnExecutableStackAsOfOtherLinkers()
    {
        using var folder = new TemporaryFolder();
        string start = Write(folder, "start.o", Compiled.Gcc(
            """__asm__(".globl _start\n_start: xor %ebp,%ebp\n call main\n mov %eax,%edi\n mov $60,%eax\n syscall");""", "-O1"));
        string nested = Write(folder, "nested.o", Compiled.Gcc(NestedFunction, "-O1 -fno-pie -fno-stack-protector"));
        CommandResult theirs = Command.Run("ld.bfd", [start, nested, "-o", folder.File("ld")]);
        CommandResult ours = ElfloadCommand.Invoke("link", start, nested, "-o", folder.File("elfload"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That((theirs.Status, ours.Status), Is.EqualTo((0, 0)), ours.Error);
            Assert.That(theirs.Error, Does.Contain("nested.o: requires executable stack"));
            Assert.That(ours.Error, Does.Contain("nested.o asks for an executable stack"));
            Assert.That(Stack(folder.File("elfload")), Is.EqualTo(Stack(folder.File("ld"))));
            Assert.That(Command.Run(folder.File("elfload"), []).Status, Is.EqualTo(Command.Run(folder.File("ld"), []).Status));
        }

        static string Stack(string file) => Command.Check("readelf", ["-lW", file]).Split('\n')
            .Single(line => line.Contains("GNU_STACK", StringComparison.Ordinal)).Trim();
    }

    [TestCase("run")]
    [TestCase("link")]
    [TestCase("verify")]
    [TestCase("explain")]
    public void IntermediateCodeIsRefusedByEveryCommand(string command)
    {
        using var folder = new TemporaryFolder();
        string main = Write(folder, "main.o", Compiled.Gcc(Caller, "-O1"));
        string slim = Write(folder, "slim.o", Compiled.Gcc(Callee, Slim));
        string[] output = command is "link" ? ["-o", folder.File("out"), "-e", "main"] : [];

        CommandResult result = ElfloadCommand.Invoke([command, main, slim, .. output]);

        Assert.That(result.Status, Is.EqualTo(command is "run" ? 125 : 1));
        Assert.That(result.Error.Trim().Split('\n'), Is.EqualTo([
            "elfload: error: slim.o: GCC's intermediate code (-flto), without machine code: "
            + "compile without -flto, or with -ffat-lto-objects"]));
    }

    /// <summary>The index may name what the members define (GCC's plugin makes it so), or not, or be none.</summary>
    [TestCase("gcc-ar", "rcs")]
    [TestCase("llvm-ar-19", "rcs")]
    [TestCase("ar", "rcS")]
    public void IntermediateCodeInArchivesIsRefusedByName(string archiver, string operation)
    {
        using var folder = new TemporaryFolder();
        string main = Write(folder, "main.o", Compiled.Gcc(Caller, "-O1"));
        _ = Write(folder, "slim.o", Compiled.Gcc(Callee, Slim));
        _ = Command.Check(archiver, [operation, "all.a", "slim.o"], folder.Path);

        CommandResult run = ElfloadCommand.Run([main, folder.File("all.a")]);

        Assert.That(run.Status, Is.EqualTo(125));
        Assert.That(run.Error, Does.Contain("all.a(slim.o): GCC's intermediate code (-flto), without machine code"));
    }

    [Test]
    public void TheLibraryRefusesIntermediateCodeToo()
    {
        byte[] slim = Compiled.Gcc(Callee, Slim);
        using var library = new ObjectLibrary("slim", new ObjectLibraryOptions { Redirectable = true });
        library.Load(Compiled.Gcc(Callee, "-O1 -fPIC"), "twice.o");

        using (Assert.EnterMultipleScope())
        {
            foreach (Action way in (Action[])[
                () => library.Load(slim, "slim.o"),
                () => library.Load([ElfLoader.Elf.ElfObject.Read(slim, "slim.o")]),
                () => library.Replace(slim, "slim.o"),
                () =>
                {
                    using var queued = new ObjectLibrary("queued");
                    queued.Add(slim, "slim.o");
                    queued.Link();
                },
            ])
            {
                Assert.That(way, Throws.InstanceOf<LinkException>().With.Message.Contains("slim.o: GCC's intermediate code"));
            }
        }
    }

    [Test]
    public void FatObjectsAreOrdinaryOnes()
    {
        using var folder = new TemporaryFolder();
        string main = Write(folder, "main.o", Compiled.Gcc(Caller, Fat));
        string fat = Write(folder, "fat.o", Compiled.Gcc(Callee, Fat));

        CommandResult run = ElfloadCommand.Run([main, fat]);
        CommandResult inspected = ElfloadCommand.Invoke("inspect", fat);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((run.Status, run.Error), Is.EqualTo((8, "")));
            Assert.That(inspected.Output, Does.Contain("lto").And.Not.Contain("not supported"));
        }
    }

    private static string Write(TemporaryFolder folder, string name, byte[] bytes)
    {
        File.WriteAllBytes(folder.File(name), bytes);
        return folder.File(name);
    }
}
