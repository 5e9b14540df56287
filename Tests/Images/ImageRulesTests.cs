using System.Buffers.Binary;
using ElfLoader.Elf;
using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Support;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Tests.Images;

/// <summary>That the rules of images are those that other linkers keep, and that breaking one is noticed.</summary>
[Platform("Linux")]
[Parallelizable(ParallelScope.All)]
public sealed class ImageRulesTests
{
    private static readonly Lazy<byte[]> Image = new(Link);

    /// <summary>Field of a header, what to put there, what is to be said of it. Types are those of the first such segment.</summary>
    private static IEnumerable<TestCaseData> Mistakes =>
    [
        Row(PT_LOAD, "Offset", 8, 0x10UL, "not congruent"),
        Row(PT_LOAD, "Alignment", 48, 0x1001UL, "no power of two"),
        Row(PT_LOAD, "Alignment", 48, 8UL, "not aligned to a page"),
        Row(PT_LOAD, "MemorySize", 40, 1UL, "more bytes in the file than in memory"),
        Row(PT_LOAD, "MemorySize", 40, 0x10_0000UL, "overlap in memory"),
        Row(PT_LOAD, "MemorySize", 40, ulong.MaxValue, "beyond the address space"),
        Row(PT_LOAD, "Address", 16, 0x5_0000_0000UL, "not in the order of addresses"),
        Row(PT_GNU_RELRO, "MemorySize", 40, 0x1_0000UL, "ends beyond its segment"),
        Row(PT_GNU_RELRO, "MemorySize", 40, 0x10UL, "does not end at a page"),
        Row(PT_TLS, "MemorySize", 40, 4UL, "more bytes in the file than in memory"),
        Row(PT_TLS, "Alignment", 48, 0x100_0000UL, "is not aligned to"),
        Row(PT_TLS, "Offset", 8, 0UL, "does not lie in one loaded segment"),
        Row(PT_PHDR, "Offset", 8, 0UL, "not where the table is"),
        Row(PT_GNU_STACK, "Type", 0, (ulong)PT_INTERP | ((ulong)PF_R << 32), "has no dynamic loader"),
        Row(PT_NOTE, "FileSize", 32, 14UL, "ends within a note"),
    ];

    /// <summary>The same of section headers.</summary>
    private static IEnumerable<TestCaseData> SectionMistakes =>
    [
        Row(".text", "Offset", 24, 0x100_0000UL, "beyond the file's end"),
        Row(".bss", "Offset", 24, 0x100_0000UL, "beyond the file's end"),
        Row(".text", "Address", 16, 0x123UL, "lies in no segment"),
        Row(".data", "Address", 16, 0x40_2001UL, "is not aligned to"),
        Row(".symtab", "Size", 32, 25UL, "ends within an entry"),
        Row(".strtab", "Link", 40, 0x7777UL, "which there is not"),
        Row(".text", "Offset", 24, 0x50UL, "overlap in the file"),
        Row(".data", "Size", 32, 0x1000UL, "lies in no segment"),
    ];

    [TestCase("ld", "gcc-12")]
    [TestCase("ld.lld-19", "gcc-12")]
    [TestCase("arm-linux-gnueabihf-ld", "arm-linux-gnueabihf-gcc-12")]
    [TestCase("ld.lld-19", "arm-linux-gnueabihf-gcc-12")]
    public void OtherLinkersKeepThem(string linker, string compiler)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(
            folder.File("a.c"),
            """
            __thread int own = 1, zero;
            static int number;
            int *const pointer[] = { &number };
            int variable = 5;
            static char buffer[100000];
            __attribute__((constructor)) static void start(void) { variable++; }
            int main(void) { return variable + own + zero + buffer[*pointer[0]]; }
            void _start(void) { main(); }

            """);
        Command.Check(compiler, ["-O0", "-fPIE", "-c", "a.c"], folder.Path);
        Command.Check(linker, ["-static", "a.o", "-o", "a"], folder.Path);

        Assert.That(ImageRules.Broken(File.ReadAllBytes(folder.File("a"))), Is.Empty);
    }

    [Test]
    public void OursKeepsThem() => Assert.That(ImageRules.Broken(Image.Value), Is.Empty);

    [TestCaseSource(nameof(Mistakes))]
    public void AMistakeInASegmentIsNoticed(uint type, int offset, ulong value, string complaint)
    {
        byte[] bytes = [.. Image.Value];
        int header = 64;
        while (BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(header)) != type)
        {
            header += 56;
        }

        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(header + offset), value);

        Assert.That(ImageRules.Broken(bytes), Has.Some.Contains(complaint));
    }

    [TestCaseSource(nameof(SectionMistakes))]
    public void AMistakeInASectionIsNoticed(string section, int offset, ulong value, string complaint)
    {
        byte[] bytes = [.. Image.Value];
        var file = new Linking.ImageExecutable(bytes);
        int index = Enumerable.Range(0, file.Sections.Count).Single(i => file.Sections[i].Name == section);

        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan((int)file.SectionTable.Offset + (64 * index) + offset), value);

        Assert.That(ImageRules.Broken(bytes), Has.Some.Contains(complaint));
    }

    private static TestCaseData Row<T>(T what, string field, int offset, ulong value, string complaint) =>
        new TestCaseData(what, offset, value, complaint).SetArgDisplayNames($"{what}", field, $"0x{value:x}");

    private static byte[] Link()
    {
        ElfBuilder builder = new();
        int text = builder.AddCode(".text", new byte[32]);
        builder.AddSection(".data", flags: SHF_ALLOC | SHF_WRITE, bytes: new byte[24], alignment: 8);
        builder.AddSection(".bss", SHT_NOBITS, SHF_ALLOC | SHF_WRITE, size: 100, alignment: 32);
        builder.AddSection(".init_array", SHT_INIT_ARRAY, SHF_ALLOC | SHF_WRITE, new byte[8], alignment: 8);
        builder.AddSection(".note.x", SHT_NOTE, SHF_ALLOC, [4, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 65, 66, 67, 0, 1, 2, 3, 4], alignment: 4);
        int tls = builder.AddSection(".tdata", flags: SHF_ALLOC | SHF_WRITE | SHF_TLS, bytes: new byte[8], alignment: 8);
        builder.AddSymbol("_start", text, type: SymbolType.Function);
        builder.AddSymbol("own", tls, size: 8, type: SymbolType.Tls);
        using var stream = new MemoryStream();
        new ImageLinker().Link([ElfObject.Read(builder.Build(), "a.o")]).WriteExecutable(stream);
        return stream.ToArray();
    }
}
