using ElfLoader.Tests.Images;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.EndToEnd;

/// <summary>
/// Every program of <c>fixtures/programs.txt</c> once more, linked with the system's static libraries to an executable
/// that the system runs by itself.
/// </summary>
[Category("EndToEnd")]
[Platform("Linux")]
[Parallelizable(ParallelScope.All)]
public sealed class StaticProgramTests
{
    private static readonly Lazy<string[]?> StartFiles = new(() => Find("crt1.o", "crti.o", "crtbeginT.o"));
    private static readonly Lazy<string[]?> Rest = new(() => Find(
        "libstdc++.a", "libm.a", "libc.a", "libgcc.a", "libgcc_eh.a", "crtend.o", "crtn.o"));

    [TestCaseSource(typeof(Fixtures), nameof(Fixtures.Programs))]
    public void PrintsWhatTheNativelyLinkedProgramPrints(FixtureProgram program)
    {
        using var folder = new TemporaryFolder();
        string executable = Link(program.Objects.Select(Fixtures.Object), new ImageOptions(), folder);

        CommandResult result = Command.Run(executable, program.Arguments);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Error, Is.Empty);
            Assert.That(result.Output, Is.EqualTo(Fixtures.ExpectedOutput(program.Name)));
            Assert.That(result.Status, Is.EqualTo(program.ExitStatus));
        }
    }

    /// <summary>The slow path of everything that relaxing shortens: GOT slots, TLS indices, descriptors.</summary>
    [TestCase("hello")]
    [TestCase("tls-pic")]
    [TestCase("tlsdesc")]
    [TestCase("throws")]
    [TestCase("gotpcrelx")]
    public void RunsWithoutRelaxations(string name)
    {
        FixtureProgram program = Fixtures.Programs.Single(row => row.Name == name);
        using var folder = new TemporaryFolder();
        string executable = Link(program.Objects.Select(Fixtures.Object), new ImageOptions { Relax = false }, folder);

        Assert.That(Command.Run(executable, program.Arguments).Output, Is.EqualTo(Fixtures.ExpectedOutput(name)));
    }

    [TestCase(0x1000_0000UL)]
    [TestCase(0x6fff_0000UL)]
    public void RunsAtAnyAddress(ulong address)
    {
        FixtureProgram program = Fixtures.Programs.Single(row => row.Name is "throws");
        using var folder = new TemporaryFolder();
        string executable = Link(program.Objects.Select(Fixtures.Object), new ImageOptions { Base = address }, folder);

        Assert.That(Command.Run(executable, []).Output, Is.EqualTo(Fixtures.ExpectedOutput("throws")));
    }

    [Test]
    public void ToolsAcceptIt()
    {
        FixtureProgram program = Fixtures.Programs.Single(row => row.Name is "throws");
        using var folder = new TemporaryFolder();
        string executable = Link(program.Objects.Select(Fixtures.Object), new ImageOptions(), folder);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Command.Run("readelf", ["-aW", executable]).Error, Is.Empty);
            Assert.That(Command.Run("readelf", ["--debug-dump=frames", executable]).Error, Is.Empty);
            Assert.That(Command.Run("objdump", ["-d", executable]).Error, Is.Empty);
        }
    }

    [Test]
    public void ADebuggerShowsSourceLinesAndVariables()
    {
        if (!Command.Exists("gdb") || !Command.Exists("clang-19"))
        {
            Assert.Ignore("needs gdb and clang-19");
        }

        using var folder = new TemporaryFolder();
        File.WriteAllText(
            folder.File("square.c"),
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
        Command.Check("clang-19", ["-g", "-gz", "-O0", "-c", "square.c"], folder.Path);
        string executable = Link([folder.File("square.o")], new ImageOptions(), folder);

        string shown = Command.Check(
            "gdb",
            ["-nx", "-batch", "-ex", "break square.c:5", "-ex", "run", "-ex", "info locals", "-ex", "backtrace", executable],
            folder.Path);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(shown, Does.Contain("result = 49"));
            Assert.That(shown, Does.Contain("square (number=7) at square.c:5"));
            Assert.That(shown, Does.Contain("main () at square.c:8"));
        }
    }

    /// <summary>Links a program with the system's static libraries; every tool must be able to rewrite it.</summary>
    internal static string Link(IEnumerable<string> objects, ImageOptions options, TemporaryFolder folder)
    {
        if (StartFiles.Value is not { } start || Rest.Value is not { } rest)
        {
            Assert.Ignore("needs gcc-12 and the static libraries of C and C++");
            throw new InvalidOperationException();
        }

        var inputs = new InputFiles();
        foreach (string path in (string[])[.. start, .. objects, .. rest])
        {
            inputs.Add(path);
        }

        string image = folder.File("image");
        using (FileStream stream = File.Create(image))
        {
            new ImageLinker(options).Link(inputs).WriteExecutable(stream);
        }

        // Written by another process: a child that another test forks from this one meanwhile would hold the file open
        // for writing, and then it cannot be run.
        string executable = folder.File("program");
        Command.Check("install", ["-m", "755", image, executable]);
        ImageTools.Check(executable);
        return executable;
    }

    /// <summary>Paths of the compiler's files; null if it does not have all of them.</summary>
    private static string[]? Find(params string[] names)
    {
        if (!Command.Exists("gcc-12"))
        {
            return null;
        }

        string[] paths = [.. names.Select(name => Command.Check("gcc-12", [$"-print-file-name={name}"]).Trim())];
        return Array.TrueForAll(paths, File.Exists) ? paths : null;
    }
}
