using System.Text.RegularExpressions;
using ElfLoader.Elf;
using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Linking;
using ElfLoader.Tests.Support;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Tests.Images;

/// <summary>Images with more sections than 16 bits can count (gABI, "Sections": e_shnum, SHN_XINDEX, SHT_SYMTAB_SHNDX).</summary>
[Platform("Linux")]
[Parallelizable(ParallelScope.All)]
public sealed class ManyOutputSectionsTests
{
    /// <summary>Sections that the image has besides: null, .text, .symtab, .strtab, .shstrtab.</summary>
    private const int Others = 5;

    [TestCase(SHN_LORESERVE - Others - 1)]
    [TestCase(SHN_LORESERVE - Others)]
    [TestCase(SHN_LORESERVE)]
    [TestCase(66000)]
    public void OthersReadThemBack(int count)
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("image");
        using (FileStream stream = File.Create(path))
        {
            new ImageLinker().Link([Object(count)]).WriteExecutable(stream);
        }

        var file = new ImageExecutable(File.ReadAllBytes(path));
        int[] numbers = [0, count / 2, count - 2, count - 1];
        using (Assert.EnterMultipleScope())
        {
            foreach (string tool in (string[])["readelf", "llvm-readelf-19"])
            {
                CommandResult result = Command.Run(tool, ["-hSsW", path]);
                Assert.That(result.Error, Is.Empty, tool);
                Assert.That(result.Status, Is.Zero, tool);
                Assert.That(Regex.IsMatch(result.Output, $@"Number of section headers: +(0 \({file.Sections.Count}\)|{file.Sections.Count})\s"), Is.True, tool);
                foreach (int i in numbers)
                {
                    int index = Enumerable.Range(0, file.Sections.Count).Single(section => file.Sections[section].Name == $"s{i}");
                    Assert.That(Regex.IsMatch(result.Output, $@"\[ *{index}\] s{i} +PROGBITS"), Is.True, $"{tool}: s{i}");
                    Assert.That(Regex.IsMatch(result.Output, $@" {index} symbol{i}\b"), Is.True, $"{tool}: symbol{i}");
                }
            }

            foreach (int i in numbers)
            {
                ImageExecutable.Symbol symbol = file.SymbolNamed($"symbol{i}");
                Assert.That(file.Sections[symbol.Section].Name, Is.EqualTo($"s{i}"));
                Assert.That(file.Read(symbol.Value, 1), Is.EqualTo([(byte)i]));
            }
        }
    }

    /// <summary>The kernel and the tools do not mind, either.</summary>
    [Test]
    public void TheyRun()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("a.o"), Bytes(66000));
        string image = folder.File("image");

        CommandResult linked = ElfloadCommand.Invoke("link", folder.File("a.o"), "-o", image);

        Assert.That(linked, Is.EqualTo(new CommandResult(0, "", "")));
        Assert.That(Command.Run(image, []).Status, Is.EqualTo(9));
    }

    /// <summary>Each section that lies by itself takes a program header. Linux 6.1 was seen to refuse more than a page of them.</summary>
    [TestCase(60, 0)]
    [TestCase(80, 1)]
    public void ProgramHeadersThatAKernelRefusesAreWarnedOf(int count, int warnings)
    {
        var options = new ImageOptions
        {
            MapSections = [.. Enumerable.Range(0, count).Select(i => new SectionMapping("a.o", $"s{i}", null, 0x1000_0000UL + ((ulong)i << 16)))],
        };

        LinkedImage image = new ImageLinker(options).Link([Object(count)]);

        Assert.That(image.Warnings.Where(warning => warning.Contains("program headers")).Count(), Is.EqualTo(warnings));
    }

    /// <summary>A number of them that only section 0 can hold (gABI, PN_XNUM).</summary>
    [Test]
    public void OthersReadManySegmentsBack()
    {
        ElfBuilder builder = new() { ExtendedNumbering = true };
        for (int i = 0; i < 65600; i++) // each note has a program header
        {
            builder.AddSection($".note.{i}", SHT_NOTE, SHF_ALLOC, [4, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 65, 66, 67, 0], alignment: 4);
        }

        using var folder = new TemporaryFolder();
        string path = folder.File("image");
        using (FileStream stream = File.Create(path))
        {
            new ImageLinker().Link([ElfObject.Read(builder.Build(), "a.o")]).WriteExecutable(stream);
        }

        CommandResult result = Command.Run("readelf", ["-hW", path]);

        Assert.That(result.Error, Is.Empty);
        Assert.That(Regex.IsMatch(result.Output, @"Number of program headers: +65535 \(656[0-9]{2}\)"), Is.True, result.Output);
    }

    private static ElfObject Object(int count) => ElfObject.Read(Bytes(count), "a.o");

    private static byte[] Bytes(int count)
    {
        ElfBuilder builder = new() { ExtendedNumbering = count + Others > SHN_LORESERVE, LargeIndices = true };
        int text = builder.AddCode(".text", 0xb8, 60, 0, 0, 0, 0xbf, 9, 0, 0, 0, 0x0f, 0x05); // exit(9)
        int[] sections = [.. Enumerable.Range(0, count).Select(i => builder.AddSection($"s{i}", bytes: [(byte)i]))];
        builder.AddSymbol("_start", text, type: SymbolType.Function);
        foreach (int i in (int[])[0, count / 2, count - 2, count - 1])
        {
            builder.AddSymbol($"symbol{i}", sections[i]);
        }

        return builder.Build();
    }
}
