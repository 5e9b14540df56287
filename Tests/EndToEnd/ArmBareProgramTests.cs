using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.EndToEnd;

/// <summary>
/// Programs for ARM without a C library, for processors from Armv4T to Armv8 and of the M profile, started by the code
/// that <c>elfload run</c> adds: output and status are those of the same sources compiled for this machine.
/// </summary>
[Category("EndToEnd")]
[Platform("Linux")]
[Parallelizable(ParallelScope.All)]
public sealed class ArmBareProgramTests
{
    private static readonly string[] Bare = ["-ffreestanding", "-fno-builtin"];
    private static readonly string[] Names = ["first", "second", "third", "fourth"];
    private static readonly Lazy<CommandResult> Native = new(RunNatively);
    private static readonly Lazy<CommandResult> NativeFar = new(RunFarNatively);

    /// <summary>Processor, and the flags of the four objects that call each other.</summary>
    private static readonly string[][] FarRows =
    [
        ["armv4t-none-linux-gnueabi", "-marm", "-mthumb", "-marm", "-mthumb"],
        ["armv5te-none-linux-gnueabi", "-marm", "-mthumb", "-marm", "-mthumb"],
        ["armv6-none-linux-gnueabi", "-marm", "-mthumb", "-mthumb", "-marm"],
        ["armv7-none-linux-gnueabi", "-marm", "-mthumb", "-marm", "-mthumb"],
        ["armv8-none-linux-gnueabi", "-mthumb", "-marm", "-marm", "-mthumb"],
        ["thumbv6m-none-eabi", "", "", "", ""],
        ["thumbv7m-none-eabi", "", "", "", ""],
        ["thumbv8m.base-none-eabi", "", "", "", ""],
    ];

    /// <summary>The code that <c>elfload run</c> adds, which <c>link</c> is given.</summary>
    private static string StartObject => Path.Combine(Fixtures.Root, "Tools", "elfload", "Running", "ArmStart.o");

    private static IEnumerable<ArmFlags> All => ArmFlags.Bare;

    private static IEnumerable<TestCaseData> Far =>
        from row in FarRows
        select new TestCaseData(row[0], "-O2", row[1..]).SetArgDisplayNames(row[0]);

    private static IEnumerable<TestCaseData> FarMapped =>
        from row in FarRows
        select new TestCaseData(row[0], "-O0", row[1..]).SetArgDisplayNames(row[0]);

    [TestCaseSource(nameof(All))]
    public void RunsAsNatively(ArmFlags flags)
    {
        using var folder = new TemporaryFolder();
        IReadOnlyList<string> objects = flags.Compile(
            folder.Path, Sources("alone.c", "alone2.c", "support.c", "system.S"), Bare);

        Assert.That(ElfloadCommand.Run(objects, "one", "two"), Is.EqualTo(Native.Value));
    }

    /// <summary>65 MiB lie between two pairs of objects, each of an A32 one and a T32 one.</summary>
    [TestCaseSource(nameof(Far))]
    public void CallsReachFarAndAcrossInstructionSets(string target, string level, string[] modes)
    {
        using var folder = new TemporaryFolder();
        string[] objects = CompileFar(target, level, modes, folder);
        string space = folder.File("space.s");
        File.WriteAllText(space, ".section .text.space, \"ax\", %progbits\n.space 0x4100000\n");
        IReadOnlyList<string> others = Flags(target, level).Compile(folder.Path, [.. FarSources(target), space], Bare);

        CommandResult result = ElfloadCommand.Run([.. objects[..2], .. others, .. objects[2..]]);

        Assert.That(result, Is.EqualTo(NativeFar.Value));
    }

    /// <summary>The same, where the command line says that they lie so far apart.</summary>
    [TestCaseSource(nameof(FarMapped))]
    public void CallsReachSectionsThatAreMapped(string target, string level, string[] modes)
    {
        using var folder = new TemporaryFolder();
        string[] objects = CompileFar(target, level, modes, folder);
        IReadOnlyList<string> others = Flags(target, level).Compile(folder.Path, FarSources(target), Bare);
        string image = folder.File("image");

        CommandResult linked = ElfloadCommand.Invoke(
            [
                "link", "--map-section", "third.o,.text=0x5000000", "--map-section", "fourth.o,.text=0x9800000",
                "-o", image, StartObject, .. others, .. objects,
            ]);

        Assert.That(linked, Is.EqualTo(new CommandResult(0, "", "")));
        Assert.That(Command.Run("qemu-arm", [image]), Is.EqualTo(NativeFar.Value));
    }

    [Test]
    public void TheStartObjectIsWhatItsSourceSays()
    {
        using var folder = new TemporaryFolder();
        string built = folder.File("ArmStart.o");
        Command.Check(
            "llvm-mc-14",
            ["-triple", "armv4t-none-linux-gnueabi", "-filetype=obj", Path.ChangeExtension(StartObject, ".s"), "-o", built]);

        Assert.That(File.ReadAllBytes(built), Is.EqualTo(File.ReadAllBytes(StartObject)));
    }

    private static string[] CompileFar(string target, string level, string[] modes, TemporaryFolder folder)
    {
        var objects = new List<string>();
        for (int i = 0; i < Names.Length; i++)
        {
            ArmFlags flags = Flags($"{target} {modes[i]}".TrimEnd(), level);
            string compiled = flags.Compile(
                folder.Path, Sources("far.c"), [.. Bare, $"-DNAME={Names[i]}", $"-DCODE={i + 1}"])[0];
            string named = folder.File(Names[i] + ".o");
            File.Move(compiled, named);
            objects.Add(named);
        }

        return [.. objects];
    }

    /// <summary>Conditional branches of 32 bits are there from Armv7 on, and not in the smallest processors.</summary>
    private static string[] FarSources(string target) => Sources(
        ["far-main.c", "support.c", "system.S",
            .. target is ['a', 'r', 'm', 'v', '7' or '8', ..] or "thumbv7m-none-eabi" ? (string[])["far-branch.S"] : []]);

    private static ArmFlags Flags(string target, string level) => new("clang-19", target, level);

    private static CommandResult RunNatively() => RunNatively(
        "one two", folder => Command.Check(
            "gcc-12", ["-w", "-O1", .. Sources("alone.c", "alone2.c", "support.c"), "-o", "native"], folder.Path));

    private static CommandResult RunFarNatively() => RunNatively("", folder =>
    {
        for (int i = 0; i < Names.Length; i++)
        {
            Command.Check(
                "gcc-12",
                ["-w", "-O1", $"-DNAME={Names[i]}", $"-DCODE={i + 1}", "-c", .. Sources("far.c"), "-o", $"{Names[i]}.o"],
                folder.Path);
        }

        Command.Check(
            "gcc-12",
            ["-w", "-O1", .. Names.Select(name => $"{name}.o"), .. Sources("far-main.c", "support.c"), "-o", "native"],
            folder.Path);
    });

    private static CommandResult RunNatively(string arguments, Action<TemporaryFolder> build)
    {
        using var folder = new TemporaryFolder();
        build(folder);
        return Command.Run(folder.File("native"), arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries));
    }

    private static string[] Sources(params string[] files) =>
        [.. files.Select(file => Fixtures.Source(Path.Combine("arm-programs", file)))];
}
