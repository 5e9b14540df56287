using System.Text;
using ElfLoader.Elf;
using ElfLoader.Tests.Linking;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.EndToEnd;

/// <summary>An image beside what another linker makes of the same objects at the same addresses.</summary>
[Category("EndToEnd")]
[Parallelizable(ParallelScope.All)]
public sealed class ImageComparisonTests
{
    private const string Linker = "ld.lld-19";

    /// <summary>
    /// Every byte of code and data; the unwind tables, which the other linker rewrites, and the slots, which it puts
    /// elsewhere, are compared by the programs that run.
    /// </summary>
    [TestCase("data")]
    [TestCase("switches")]
    [TestCase("constructors")]
    [TestCase("calls")]
    [TestCase("templates")]
    [TestCase("shapes")]
    [TestCase("throws")]
    [TestCase("throws-sections")]
    [TestCase("comdat")]
    [TestCase("narrow")]
    [TestCase("addends")]
    [TestCase("sizes")]
    [TestCase("statics")]
    [TestCase("strings")]
    [TestCase("vectors")]
    [TestCase("tls")]
    public void SectionsHaveTheSameBytes(string name)
    {
        if (!Command.Exists(Linker))
        {
            Assert.Ignore($"needs {Linker}");
        }

        FixtureProgram program = Fixtures.Programs.Single(row => row.Name == name);
        using var folder = new TemporaryFolder();
        var inputs = new InputFiles();
        foreach (string path in program.Objects.Select(Fixtures.Object))
        {
            inputs.Add(path);
        }

        string outside = folder.File("outside.o");
        File.WriteAllBytes(outside, Outside(Missing(inputs)));
        inputs.Add(outside);
        LinkedImage image = new ImageLinker(new ImageOptions { Entry = "main" }).Link(inputs);
        string executable = LinkWithOther(image, [.. program.Objects.Select(Fixtures.Object), outside], folder);
        var other = new ImageExecutable(File.ReadAllBytes(executable));

        using (Assert.EnterMultipleScope())
        {
            foreach (ImageSection section in Compared(image).Where(section => !section.Section.Contains("bss")))
            {
                byte[] ours = new byte[section.Size];
                Assert.That(image.TryRead(section.Address, ours), Is.True);
                Assert.That(
                    Convert.ToHexStringLower(ours),
                    Is.EqualTo(Convert.ToHexStringLower(other.Read(section.Address, section.Size) ?? [])),
                    section.ToString());
            }
        }
    }

    private static IEnumerable<ImageSection> Compared(LinkedImage image) =>
        image.Sections.Where(section => section is { Size: > 0, Section: not ".eh_frame" });

    private static IEnumerable<string> Missing(InputFiles inputs)
    {
        try
        {
            _ = new ImageLinker().Link(inputs);
            return [];
        }
        catch (LinkException exception)
        {
            return exception.Errors.Select(error => error.Where.Symbol!).Distinct();
        }
    }

    /// <summary>An object that defines what the program would take from the C library.</summary>
    private static byte[] Outside(IEnumerable<string> names)
    {
        ElfBuilder builder = new();
        string[] all = [.. names];
        int text = builder.AddCode(".text", new byte[16 * (all.Length + 1)]);
        for (int i = 0; i < all.Length; i++)
        {
            builder.AddSymbol(all[i], text, (ulong)(16 * i), type: SymbolType.Function);
        }

        return builder.Build();
    }

    private static string LinkWithOther(LinkedImage image, string[] objects, TemporaryFolder folder)
    {
        var script = new StringBuilder("SECTIONS {\n");
        var zones = Compared(image).GroupBy(section => new string([.. section.Flags.Where(flag => flag is 'W' or 'X' or 'T')])
            + (section.Section.Contains("bss") ? "zero" : ""));
        foreach (IGrouping<string, ImageSection> zone in zones.OrderBy(zone => zone.Min(section => section.Address)))
        {
            script.Append($"  .zone{zone.Key} 0x{zone.Min(section => section.Address):x} : {{\n");
            foreach (ImageSection section in zone.OrderBy(section => section.Address))
            {
                script.Append($"    . = 0x{section.Address:x}; KEEP(*{section.Object}({section.Section}))\n");
            }

            script.Append("  }\n");
        }

        script.Append("  .got 0x60000000 : { *(.got) }\n  .eh_frame 0x61000000 : { *(.eh_frame) }\n");
        script.Append("  /DISCARD/ : { *(.note*) }\n}\n");
        File.WriteAllText(folder.File("script"), script.ToString());
        Command.Check(
            Linker,
            ["-static", "-O0", "-z", "norelro", "--no-gc-sections", "-e", "main", "-T", "script", "-o", "other",
                .. objects],
            folder.Path);
        return folder.File("other");
    }
}
