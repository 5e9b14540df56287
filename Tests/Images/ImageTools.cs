using ElfLoader.Elf;
using ElfLoader.Tests.EndToEnd;

namespace ElfLoader.Tests.Images;

/// <summary>The tools of others that rewrite executables, or look for mistakes in them.</summary>
internal static class ImageTools
{
    /// <summary>Those that write another file.</summary>
    public static readonly string[] Rewriters = ["strip", "objcopy", "llvm-strip-19", "llvm-objcopy-19"];

    /// <summary>Rewrites an executable, which must be done without a word.</summary>
    /// <returns>The new file.</returns>
    public static string Rewrite(string tool, string path)
    {
        string copy = $"{path}.{tool}";
        bool isGnu = !tool.StartsWith("llvm", StringComparison.Ordinal);
        string program = isGnu && MachineOf(path) is ElfConstants.EM_ARM ? $"arm-linux-gnueabihf-{tool}" : tool;
        CommandResult result = Command.Run(
            program, tool.Contains("strip", StringComparison.Ordinal) ? ["-o", copy, path] : [path, copy]);
        Assert.That(result, Is.EqualTo(new CommandResult(0, "", "")), $"{program} {path}");
        return copy;
    }

    /// <summary>Fails the test if one of the tools refuses an executable.</summary>
    public static void Check(string path)
    {
        foreach (string tool in Rewriters)
        {
            File.Delete(Rewrite(tool, path));
        }
    }

    /// <summary>What <c>eu-elflint</c> says of an executable, without the numbers and names that differ between linkers.</summary>
    public static IEnumerable<string> Lint(string path) => Command.Run("eu-elflint", ["--gnu-ld", path]).Output
        .Split('\n', StringSplitOptions.RemoveEmptyEntries)
        .Where(line => line is not "No errors")
        .Select(LintNames.WithoutNumbers)
        .Distinct();

    private static int MachineOf(string path)
    {
        using FileStream file = File.OpenRead(path);
        byte[] header = new byte[20];
        file.ReadExactly(header);
        return header[18];
    }
}
