using System.IO.Compression;
using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Tools;

/// <summary>Files of every kind but the right one, as compilers for other machines make them, given to every command.</summary>
[Category("EndToEnd")]
[Parallelizable(ParallelScope.Children)]
public sealed class ForeignFileTests
{
    private const string Source = "int shared; int common[4]; extern int other(void); int main(void) { return other() + shared; }";

    /// <summary>A target of the compiler, what its objects are called, and whether they can be read at all.</summary>
    private static readonly (string Target, string Name, bool IsReadable)[] Targets =
    [
        ("aarch64-linux-gnu", "AArch64", true),
        ("riscv64-linux-gnu", "64-bit RISC-V", true),
        ("riscv32-linux-gnu", "32-bit RISC-V", true),
        ("i386-linux-gnu", "i386", true),
        ("x86_64-linux-gnux32", "x86-64 with 32-bit addresses (x32)", true),
        ("powerpc64le-linux-gnu", "PowerPC64", true),
        ("mipsel-linux-gnu", "MIPS", true),
        ("loongarch64-linux-gnu", "64-bit LoongArch", true),
        ("hexagon-unknown-elf", "Hexagon", true),
        ("avr", "AVR", true),
        ("bpfel", "BPF", true),
        ("mips64el-linux-gnuabi64", "64-bit MIPS", false),
        ("powerpc64-linux-gnu", "big-endian object for PowerPC64", false),
        ("s390x-linux-gnu", "big-endian object for s390x", false),
        ("sparc64-linux-gnu", "big-endian object for SPARC V9", false),
        ("armeb-linux-gnueabi", "big-endian object for ARM", false),
        ("arm64-apple-macos", "Mach-O file for AArch64", false),
        ("x86_64-apple-macos", "Mach-O file for x86-64", false),
        ("x86_64-windows-msvc", "COFF object for x86-64", false),
        ("wasm32", "WebAssembly module", false),
    ];

    private static readonly TemporaryFolder Folder = new();

    public static IEnumerable<string> TargetNames => Targets.Select(row => row.Target);

    [OneTimeSetUp]
    public void Compile()
    {
        string source = Folder.File("source.c");
        File.WriteAllText(source, Source);
        foreach ((string target, _, _) in Targets)
        {
            _ = Command.Check("clang-19", [$"--target={target}", "-fcommon", "-c", source, "-o", ObjectFor(target)]);
        }
    }

    [OneTimeTearDown]
    public void Remove() => Folder.Dispose();

    /// <summary>The library names the machine, wherever an object comes from: a file, bytes, an archive.</summary>
    [TestCaseSource(nameof(TargetNames))]
    public void TheLibraryNamesThem(string target)
    {
        (_, string name, bool isReadable) = Targets.First(row => row.Target == target);
        string path = ObjectFor(target);

        LinkError[] errors =
        [
            Refusal(library => library.Load(path)),
            Refusal(library => library.Load(File.ReadAllBytes(path), "bytes.o")),
            Refusal(library =>
            {
                library.Add(path);
                _ = library.Link();
            }),
            ImageRefusal(path),
            ImageRefusal(Fixtures.Object("hello"), path),
        ];

        Assert.That(errors.Select(error => error.Message), Has.All.Contains(name).And.All.Not.Contains("e_machine"));
        Assert.That(errors.Select(error => error.Code), Has.All.EqualTo(LinkErrorCode.Unsupported));
        if (isReadable)
        {
            Assert.That(errors[0].Message, Is.EqualTo($"the object is for {name}, and this process runs x86-64 code only"));
            Assert.That(errors[3].Message, Does.StartWith($"the object is for {name}; images are made for x86-64 and ARM"));
            Assert.That(errors[4].Message, Is.EqualTo($"the object is for {name}, and hello.o is for x86-64"));
        }
    }

    [TestCase("run", "aarch64-linux-gnu", "the object is for AArch64, and this process runs x86-64 code only")]
    [TestCase("link -o /dev/null", "riscv64-linux-gnu", "the object is for 64-bit RISC-V; images are made for")]
    [TestCase("verify", "i386-linux-gnu", "the object is for i386; images are made for")]
    [TestCase("explain", "powerpc64-linux-gnu", "big-endian object for PowerPC64; only little-endian objects can be loaded")]
    [TestCase("report -o /dev/null", "wasm32", "WebAssembly module; only ELF objects can be loaded")]
    [TestCase("inspect", "arm64-apple-macos", "Mach-O file for AArch64; only ELF objects can be loaded")]
    public void EveryCommandNamesThem(string command, string target, string expected)
    {
        CommandResult result = ElfloadCommand.Invoke([.. command.Split(' '), ObjectFor(target)]);

        Assert.That(result.Error, Does.Contain(expected).And.Not.Contain("e_machine"));
        Assert.That(result.Status, Is.EqualTo(command is "run" ? 125 : 1));
    }

    [Test]
    public void InspectNamesMembersOfArchives()
    {
        string archive = Folder.File("mixed.a");
        File.WriteAllText(Folder.File("notes.txt"), "notes\n");
        string[] members =
        [
            ObjectFor("aarch64-linux-gnu"), ObjectFor("arm64-apple-macos"), ObjectFor("s390x-linux-gnu"), Folder.File("notes.txt"),
        ];
        _ = Command.Check("llvm-ar-19", ["rcS", archive, .. members]);

        CommandResult result = ElfloadCommand.Invoke("inspect", archive);

        Assert.That(result.Output, Does.Contain("object for AArch64").And.Contain("Mach-O file for AArch64")
            .And.Contain("big-endian object for s390x").And.Contain("text"));
        Assert.That(result.Status, Is.Zero, result.Error);
    }

    /// <summary>What is no object, and how a file can fail to be read: one run names them all.</summary>
    [Test]
    public void OtherFilesAreNamed()
    {
        File.WriteAllText(Folder.File("source.o"), Source);
        File.WriteAllText(Folder.File("empty.o"), "");
        using (var gzip = new GZipStream(File.Create(Folder.File("packed.o")), CompressionLevel.Fastest))
        {
            gzip.Write("packed"u8);
        }

        string program = Folder.File("program.o");
        _ = Command.Check("clang-19",
            ["--target=aarch64-linux-gnu", "-nostdlib", "-fuse-ld=lld", "-Wl,--unresolved-symbols=ignore-all", Folder.File("source.c"), "-o", program]);
        Directory.CreateDirectory(Folder.File("folder.o"));
        (string Name, string Expected)[] rows =
        [
            ("source.o", "text, not an ELF file"),
            ("empty.o", "the file is empty"),
            ("packed.o", "gzip-compressed file; unpack it first"),
            ("program.o", "for AArch64; only relocatable objects can be loaded"),
            ("folder.o", "this is a directory, not a file"),
            ("missing.o", "there is no such file"),
        ];

        CommandResult result = ElfloadCommand.Invoke(["inspect", .. rows.Select(row => Folder.File(row.Name))]);

        foreach ((string name, string expected) in rows)
        {
            Assert.That(result.Error.Split('\n'), Has.One.Contains(name).And.Contains(expected), result.Error);
            if (name is not "program.o") // a position-independent program is taken for a shared library
            {
                Assert.That(
                    () => new InputFiles().Add(Folder.File(name)), Throws.TypeOf<LinkException>().With.Message.Contains(expected));
            }
        }
    }

    /// <summary>Of a library for another machine, the host's dynamic linker says that there is no such file.</summary>
    [Test]
    public void SharedLibrariesOfOtherMachinesAreNamed()
    {
        string path = Folder.File("libother.so");
        _ = Command.Check("clang-19",
            ["--target=aarch64-linux-gnu", "-nostdlib", "-fuse-ld=lld", "-shared", "-fPIC", Folder.File("source.c"), "-o", path]);
        var library = new ObjectLibrary("other");

        Assert.That(
            () => library.AddSharedLibrary(path),
            Throws.TypeOf<LinkException>().With.Message.EqualTo($"{path}: shared object for AArch64; this process runs x86-64 code"));
        Assert.That(
            () => library.AddSharedLibrary(Folder.File("source.c")),
            Throws.TypeOf<LinkException>().With.Message.Contains("this is no shared library: text"));
    }

    private static LinkError Refusal(Action<ObjectLibrary> load)
    {
        var library = new ObjectLibrary("foreign");
        return Assert.Throws<LinkException>(() => load(library))!.Errors.Single();
    }

    private static LinkError ImageRefusal(params string[] paths) => Assert.Throws<LinkException>(() =>
    {
        var inputs = new InputFiles();
        inputs.AddAll(paths);
        _ = new ImageLinker(new ImageOptions { AllowUndefined = true }).Link(inputs);
    })!.Errors.Single();

    private static string ObjectFor(string target) => Folder.File($"{target}.o");
}
