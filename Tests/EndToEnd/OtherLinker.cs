using System.Text;
using ElfLoader.Elf;
using ElfLoader.Tests.Linking;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.EndToEnd;

/// <summary>Has lld link the same objects for the same addresses.</summary>
internal static class OtherLinker
{
    private const string Linker = "ld.lld-19";

    /// <summary>
    /// The sections that both linkers leave as they are: not the unwind tables, which the other one rewrites.
    /// </summary>
    public static IEnumerable<ImageSection> Compared(LinkedImage image) =>
        image.Sections.Where(section => section is { Size: > 0, Section: not (".eh_frame" or ".ARM.exidx") });

    /// <summary>Adds an object that defines what a program would take from the C library.</summary>
    /// <returns>Its path.</returns>
    public static string AddOutside(InputFiles inputs, TemporaryFolder folder)
    {
        string outside = folder.File("outside.o");
        File.WriteAllBytes(outside, Outside(Missing(inputs)));
        inputs.Add(outside);
        return outside;
    }

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

    /// <summary>Links with lld, each section at the address that it has in an image of ours.</summary>
    public static ImageExecutable Link(LinkedImage image, string[] objects, TemporaryFolder folder)
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

        // Behind the others, and near: what lies between segments takes room in the file.
        ulong rest = (image.Sections.Max(section => section.Address + section.Size) | 0xffff) + 1;
        script.Append($"  .got 0x{rest:x} : {{ *(.got) }}\n  .eh_frame 0x{rest + 0x10_0000:x} : {{ *(.eh_frame) }}\n");
        script.Append($"  .ARM.exidx 0x{rest + 0x20_0000:x} : {{ *(.ARM.exidx*) }}\n");
        script.Append("  /DISCARD/ : { *(.note*) }\n}\n");
        File.WriteAllText(folder.File("script"), script.ToString());
        Command.Check(
            Linker,
            ["-static", "-O0", "-z", "norelro", "--no-gc-sections", "-e", "main", "-T", "script", "-o", "other",
                .. objects],
            folder.Path);
        return new ImageExecutable(File.ReadAllBytes(folder.File("other")));
    }
}
