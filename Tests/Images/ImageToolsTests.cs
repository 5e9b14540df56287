using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Images;

/// <summary>The tools that people have for executables accept ours, and what they make of them still runs.</summary>
[Category("EndToEnd")]
[Platform("Linux")]
[Parallelizable(ParallelScope.All)]
public sealed class ImageToolsTests
{
    private static IEnumerable<TestCaseData> Small =>
    [
        new TestCaseData("gcc-12", "mov $60, %eax; mov $7, %edi; syscall").SetArgDisplayNames("x86_64"),
        new TestCaseData("arm-linux-gnueabihf-gcc-12", "mov r7, #1; mov r0, #7; svc #0").SetArgDisplayNames("arm"),
    ];

    /// <summary>GNU as makes a .data and a .bss of everything, which mostly have nothing in them.</summary>
    [TestCaseSource(nameof(Small))]
    public void EmptySectionsLieInTheFile(string compiler, string exit)
    {
        using var folder = new TemporaryFolder();
        string image = LinkSmall(folder, compiler, exit, "");
        string image2 = LinkSmall(folder, compiler, exit, ".bss\n.space 0x20000\n.section more, \"aw\"\nsymbol:\n.section zeros, \"aw\", %nobits\n");

        using (Assert.EnterMultipleScope())
        {
            foreach (string path in (string[])[image, image2])
            {
                foreach (string tool in ImageTools.Rewriters)
                {
                    Assert.That(Run(ImageTools.Rewrite(tool, path)).Status, Is.EqualTo(7), tool);
                }

                Assert.That(ImageTools.Lint(path).Except(LintComplaints.Known), Is.Empty);
            }
        }
    }

    /// <summary>
    /// Where nothing comes after zeros that take no bytes of the file (the padding of what is read-only after relocation), empty
    /// sections must not look like a part of them: GNU's tools told that ".data lma 0x402008 adjusted to 0x403000".
    /// </summary>
    [TestCase(0, ".section .data.rel.ro, \"aw\"\n.long 1\n", TestName = "EmptySectionsAreNotPartOfZeros(relro)")]
    [TestCase(0, ".balign 4096\n.space 4096\n.section .ldata, \"awl\", @progbits\n", TestName = "EmptySectionsAreNotPartOfZeros(bss)")]
    [TestCase(1, ".section .data.rel.ro, \"aw\"\n.long 1\n", TestName = "EmptySectionsAreNotPartOfZeros(arm)")]
    public void EmptySectionsAreNotPartOfZeros(int machine, string rest)
    {
        using var folder = new TemporaryFolder();
        object?[] small = Small.ElementAt(machine).Arguments;

        string image = LinkSmall(folder, (string)small[0]!, (string)small[1]!, rest);

        Assert.That(ImageTools.Rewriters.Select(tool => Run(ImageTools.Rewrite(tool, image)).Status), Is.All.EqualTo(7));
    }

    /// <summary>Programs with the C library: exceptions, thread-local storage, indirect functions, initializers, large sections.</summary>
    [TestCase("throws")]
    [TestCase("threads")]
    [TestCase("tls")]
    [TestCase("ctors")]
    [TestCase("large")]
    [TestCase("indirect")]
    public void RewrittenProgramsRun(string name)
    {
        FixtureProgram program = Fixtures.Programs.Single(row => row.Name == name);
        using var folder = new TemporaryFolder();
        string image = StaticProgramTests.Link(program.Objects.Select(Fixtures.Object), new ImageOptions(), folder);

        using (Assert.EnterMultipleScope())
        {
            foreach (string tool in ImageTools.Rewriters)
            {
                Assert.That(
                    Command.Run(ImageTools.Rewrite(tool, image), []),
                    Is.EqualTo(new CommandResult(program.ExitStatus, Fixtures.ExpectedOutput(name), "")),
                    tool);
            }

            Assert.That(ImageTools.Lint(image).Except(LintComplaints.Known), Is.Empty);
        }
    }

    [Test]
    public void RewrittenProgramsForArmRun()
    {
        using var folder = new TemporaryFolder();
        string image = LinkArm(folder);
        CommandResult expected = Command.Run("qemu-arm", [image]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(expected.Status, Is.EqualTo(17));
            foreach (string tool in ImageTools.Rewriters)
            {
                Assert.That(Command.Run("qemu-arm", [ImageTools.Rewrite(tool, image)]), Is.EqualTo(expected), tool);
            }

            Assert.That(ImageTools.Lint(image).Except(LintComplaints.Known), Is.Empty);
        }
    }

    /// <summary>All of <see cref="LintComplaints.Known"/> is said of other linkers' images of the same inputs, too.</summary>
    [Test]
    public void OthersAreBlamedForTheSame()
    {
        using var folder = new TemporaryFolder();
        List<string> blamed = [];
        foreach (string name in (string[])["throws", "large"])
        {
            string[] objects = [.. Fixtures.Programs.Single(row => row.Name == name).Objects.Select(Fixtures.Object)];
            foreach (string linker in (string[])["/usr/bin/ld.lld-19", "/usr/bin/ld.bfd"])
            {
                string other = folder.File($"{name}-{Path.GetFileName(linker)}");
                Command.Check("clang++-19", ["-static", $"--ld-path={linker}", .. objects, "-o", other]);
                blamed.AddRange(ImageTools.Lint(other));
            }
        }

        Assert.That(LintComplaints.Known.Except(blamed), Is.Empty);
    }

    /// <summary>So is what is said of tests' own inputs.</summary>
    [TestCase("x86_64-linux-gnu", "ret\n.bss\n.space 8", "loadable segment is writable but contains no writable sections")]
    [TestCase("x86_64-linux-gnu", "ret\n.section a, \"al\", @progbits\n.long 1", "section 'a' contains invalid processor-specific flag(s) 0x10000000")]
    [TestCase("x86_64-linux-gnu", "ret\n.section .note.x, \"a\", @note\n.long 4, 0, 9\n.asciz \"ABC\"", "note type 9 with owner name 'ABC'")]
    [TestCase("x86_64-linux-gnu", "ret\n.globl far\n.set far, _start + 0x100000", "(far): st_value out of bounds")]
    [TestCase("x86_64-linux-gnu", "ret\n.globl large\nlarge: ret\n.size large, 1000", "(large) does not fit completely in referenced section '.text'")]
    [TestCase("x86_64-linux-gnu", "ret\n.section code, \"awx\"\nret", "section 'code' is both executable and writable")]
    [TestCase("x86_64-linux-gnu", "ret\n.rept 66000\n.section s\\+, \"aw\"\n.byte 1\n.endr", "'.symtab_shndx' is extension section index table")]
    [TestCase("armv7-linux-gnueabihf", "\n.data\n.long 1", "section '.text' is executable in nonexecutable segment")]
    public void OthersAreBlamedForTheSameInputs(string triple, string source, string complaint)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("a.s"), $".altmacro\n.globl _start\n_start: {source}\n");
        Command.Check("clang-19", [$"--target={triple}", "-c", "a.s"], folder.Path);
        Command.Check("ld.lld-19", ["a.o", "-o", "a"], folder.Path);
        string[] blamed = [.. ImageTools.Lint(folder.File("a"))];

        Assert.That(blamed, Has.Some.Contains(complaint));
        Assert.That(blamed.Where(LintComplaints.IsOfInputs), Has.Some.Contains(complaint));
    }

    private static CommandResult Run(string image)
    {
        bool isArm = new Linking.ImageExecutable(File.ReadAllBytes(image)).Is64Bit is false;
        return isArm ? Command.Run("qemu-arm", [image]) : Command.Run(image, []);
    }

    private static string LinkSmall(TemporaryFolder folder, string compiler, string exit, string rest)
    {
        string name = $"image{rest.Length}";
        string source = folder.File(name + ".s");
        File.WriteAllText(source, $".globl _start\n_start: {exit}\n.data\n.bss\n{rest}");
        Command.Check(compiler, ["-c", source, "-o", source + ".o"]);
        string image = folder.File(name);
        Assert.That(ElfloadCommand.Invoke("link", source + ".o", "-o", image), Is.EqualTo(new CommandResult(0, "", "")));
        return image;
    }

    private static string LinkArm(TemporaryFolder folder)
    {
        var flags = new ArmFlags("clang-19", "armv7-linux-gnueabihf -marm", "-O1 -fno-pic");
        IReadOnlyList<string> objects = flags.Compile(folder.Path, [Fixtures.Source(Path.Combine("arm-programs", "library.c"))]);
        string image = folder.File("library");
        Assert.That(
            ElfloadCommand.Invoke(["link", .. ArmLibrary.HardFloat.Around(objects), "-o", image]),
            Is.EqualTo(new CommandResult(0, "", "")));
        return image;
    }
}
