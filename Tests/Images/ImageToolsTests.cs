using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Images;

/// <summary>The tools that people have for executables accept ours, and what they make of them still runs.</summary>
[Category("EndToEnd")]
[Platform("Linux")]
[Parallelizable(ParallelScope.All)]
public sealed class ImageToolsTests
{
    /// <summary>
    /// What <c>eu-elflint</c> says of images that it also says of those that lld or GNU ld makes of the same inputs: it takes
    /// <c>.relro_padding</c> for relocations because of its name, does not know that relocations without a symbol need no
    /// symbol table, nor SHF_X86_64_LARGE, nor probes of SystemTap; and it looks for a section of zeros by its offset in the
    /// file, where it has nothing.
    /// </summary>
    private static readonly string[] Known =
    [
        "section '.relro_padding' has wrong type: expected REL, is NOBITS",
        "section '.relro_padding' has wrong flags: expected none and possibly ALLOC|INFO_LINK, is WRITE|ALLOC",
        "section '.rel': relocation: invalid symbol index",
        "section '.note.stapsdt': unknown object file note type 3 with owner name 'stapsdt' at offset",
        "section '.lrodata' contains invalid processor-specific flag(s) 0x10000000",
        "section '.ldata' contains invalid processor-specific flag(s) 0x10000000",
        "section '.lbss' contains invalid processor-specific flag(s) 0x10000000",
        "section '.lbss' not fully contained in segment of program header entry",
    ];

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

                Assert.That(ImageTools.Lint(path).Except(Known), Is.Empty);
            }
        }
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

            Assert.That(ImageTools.Lint(image).Except(Known), Is.Empty);
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

            Assert.That(ImageTools.Lint(image).Except(Known), Is.Empty);
        }
    }

    /// <summary>All of <see cref="Known"/> is said of other linkers' images of the same inputs, too.</summary>
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

        Assert.That(Known.Except(blamed), Is.Empty);
    }

    private static CommandResult Run(string image)
    {
        bool isArm = new Linking.ImageExecutable(File.ReadAllBytes(image)).Is64Bit is false;
        return isArm ? Command.Run("qemu-arm", [image]) : Command.Run(image, []);
    }

    private static string LinkSmall(TemporaryFolder folder, string compiler, string exit, string rest)
    {
        string name = rest.Length is 0 ? "empty" : "full";
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
