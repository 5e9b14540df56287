using ElfLoader.Elf;
using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Linking;

namespace ElfLoader.Tests.Images;

/// <summary>The tools of others that rewrite executables, or look for mistakes in them.</summary>
internal static class ImageTools
{
    /// <summary>Those that write another file.</summary>
    public static readonly string[] Rewriters = ["strip", "objcopy", "llvm-strip-19", "llvm-objcopy-19"];

    /// <summary>With so many segments the tools take minutes, whoever linked the file, and Linux does not run it.</summary>
    private const int Many = 1000;

    /// <summary>Rewrites an executable, which must be done without a word.</summary>
    /// <returns>The new file.</returns>
    public static string Rewrite(string tool, string path)
    {
        string copy = $"{path}.{tool}";
        string program = IsGnu(tool) && MachineOf(path) is ElfConstants.EM_ARM ? $"arm-linux-gnueabihf-{tool}" : tool;
        CommandResult result = Command.Run(
            program, tool.Contains("strip", StringComparison.Ordinal) ? ["-o", copy, path] : [path, copy]);
        Assert.That(result, Is.EqualTo(new CommandResult(0, "", "")), $"{program} {path}");
        return copy;
    }

    /// <summary>
    /// Fails the test if one of the tools refuses an executable, or makes one of it that is not the same in memory, or if
    /// <c>eu-elflint</c> has a complaint that it does not have about other linkers' images.
    /// </summary>
    public static void Check(string path)
    {
        var image = new ImageExecutable(File.ReadAllBytes(path));
        bool isEmpty = image.Sections.Skip(1).All(section => section.Type is ElfConstants.SHT_SYMTAB or ElfConstants.SHT_STRTAB);
        if (isEmpty || image.Segments.Count >= Many)
        {
            return; // GNU's tools refuse GNU ld's image of nothing, too, for it "has no sections"
        }

        foreach (string tool in Rewriters)
        {
            string copy = Rewrite(tool, path);
            Assert.That(RewrittenImage.Differences(image, new ImageExecutable(File.ReadAllBytes(copy))), Is.Empty, tool);
            File.Delete(copy);
        }

        Assert.That(Lint(path).Except(LintComplaints.Known).Where(line => !LintComplaints.IsOfInputs(line)), Is.Empty);
    }

    /// <summary>What <c>eu-elflint</c> says of an executable, without the numbers and names that differ between linkers.</summary>
    public static IEnumerable<string> Lint(string path) => Command.Run("eu-elflint", ["--gnu-ld", path]).Output
        .Split('\n', StringSplitOptions.RemoveEmptyEntries)
        .Where(line => line is not "No errors")
        .Select(LintNames.WithoutNumbers)
        .Distinct();

    private static bool IsGnu(string tool) => !tool.StartsWith("llvm", StringComparison.Ordinal);

    private static int MachineOf(string path)
    {
        using FileStream file = File.OpenRead(path);
        byte[] header = new byte[20];
        file.ReadExactly(header);
        return header[18];
    }
}
