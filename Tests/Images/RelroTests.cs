using ElfLoader.Elf;
using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Linking;
using ElfLoader.Tests.Support;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Tests.Images;

/// <summary>What is read-only after relocation ends at a page, and its segment with it: as lld pads it.</summary>
[Platform("Linux")]
[Parallelizable(ParallelScope.All)]
public sealed class RelroTests
{
    private const ulong Page = 0x1000;

    [TestCase("gcc-12", "ld.lld-19", 8)]
    [TestCase("gcc-12", "ld.lld-19", 0x1ff8)]
    [TestCase("arm-linux-gnueabihf-gcc-12", "ld.lld-19", 8)]
    [TestCase("arm-linux-gnueabihf-gcc-12", "ld.lld-19", 0x2abc)]
    [TestCase("arm-linux-gnueabihf-gcc-12", "ld.lld-19", 0x1_0000)]
    public void SegmentAndProtectionEndTogether(string compiler, string linker, int size)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(
            folder.File("a.s"),
            $"""
            .globl _start
            .text
            _start: .long 0
            .section .data.rel.ro, "aw"
            .space {size}
            .data
            .long 1
            .bss
            .space 100

            """);
        Command.Check(compiler, ["-c", "a.s"], folder.Path);
        Command.Check(linker, ["-static", "a.o", "-o", "a"], folder.Path);
        ElfObject elf = ElfObject.Read(File.ReadAllBytes(folder.File("a.o")), "a.o");

        foreach (ImageExecutable file in (ImageExecutable[])
            [new(File.ReadAllBytes(folder.File("a"))), ImageExecutable.Of(new ElfLoader.ImageLinker().Link([elf]))])
        {
            ImageExecutable.Segment relro = file.Segments.Single(segment => segment.Type is PT_GNU_RELRO);
            ImageExecutable.Segment load = file.Loads.Single(segment => segment.Address == relro.Address);
            ImageExecutable.Section data = file.Named(".data.rel.ro");
            using (Assert.EnterMultipleScope())
            {
                Assert.That(relro.MemorySize, Is.EqualTo(load.MemorySize));
                Assert.That(relro.FileSize, Is.EqualTo(load.FileSize));
                Assert.That(load.FileSize, Is.EqualTo((ulong)size), "padding takes no room in the file");
                Assert.That(relro.Address + relro.MemorySize, Is.EqualTo((data.Address + data.Size + Page - 1) / Page * Page));
                Assert.That(ImageRules.Broken([.. file.Slice(0, file.Size)]), Is.Empty);
            }
        }
    }

    /// <summary>What is aligned to more than a page lies in a segment of its own; what is protected is the one with the slots.</summary>
    [Test]
    public void AGapDoesNotUndoIt()
    {
        ElfBuilder builder = new();
        builder.AddSection(".tdata", flags: SHF_ALLOC | SHF_WRITE | SHF_TLS, bytes: new byte[8], alignment: 0x10_0000);
        builder.AddSection(".init_array", SHT_INIT_ARRAY, SHF_ALLOC | SHF_WRITE, new byte[8], alignment: 8);
        builder.AddSection(".data.rel.ro", flags: SHF_ALLOC | SHF_WRITE, bytes: new byte[8], alignment: 0x1_0000);
        ImageExecutable file = ImageExecutable.Of(new ImageLinker().Link([ElfObject.Read(builder.Build(), "a.o")]));
        ImageExecutable.Segment relro = file.Segments.Single(segment => segment.Type is PT_GNU_RELRO);

        Assert.That(relro.Address, Is.EqualTo(file.Named(".data.rel.ro").Address));
        Assert.That((relro.Address + relro.MemorySize) % Page, Is.Zero);
    }
}
