using System.Reflection;
using ElfLoader.Tests.Images;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.EndToEnd;

/// <summary>
/// The <c>elfload</c> tool, as built in the same configuration as these tests; or the one that the environment variable
/// ELFLOAD names, so that all tests of the command line can be run on the tool as it is published.
/// </summary>
internal static class ElfloadCommand
{
    private static readonly string? Published = Environment.GetEnvironmentVariable("ELFLOAD");

    /// <summary>Path of its assembly.</summary>
    internal static string Tool { get; } = Locate();

    /// <summary>Runs <c>elfload run</c> on objects and other inputs.</summary>
    public static CommandResult Run(IEnumerable<string> inputs, params IEnumerable<string> programArguments) =>
        Invoke(["run", .. inputs, "--", .. programArguments]);

    /// <summary>Runs the tool with a command line. What it links must keep the rules of images, and go through tools.</summary>
    public static CommandResult Invoke(params IEnumerable<string> arguments)
    {
        string[] all = [.. arguments];
        CommandResult result = Published is null ? Command.Run("dotnet", [Tool, .. all]) : Command.Run(Published, all);
        if (result.Status is 0 && all is ["link", ..] && OutputOf(all) is { } output && output.StartsWith('/') && !output.StartsWith("/dev/"))
        {
            ImageRules.Check(File.ReadAllBytes(output));
            ImageTools.Check(output);
        }

        return result;
    }

    private static string? OutputOf(string[] arguments)
    {
        int option = Array.FindIndex(arguments, argument => argument is "-o" or "--output");
        return option >= 0 && option + 1 < arguments.Length
            ? arguments[option + 1]
            : Array.Find(arguments, argument => argument.StartsWith("--output=", StringComparison.Ordinal))?["--output=".Length..];
    }

    private static string Locate()
    {
        // .../Tests/bin/CONFIGURATION/FRAMEWORK/ElfLoader.Tests.dll
        string framework = Path.GetDirectoryName(Assembly.GetExecutingAssembly().Location)!;
        string configuration = Path.GetDirectoryName(framework)!;
        return Path.Combine(
            Fixtures.Root, "Tools", "elfload", "bin",
            Path.GetFileName(configuration), Path.GetFileName(framework), "elfload.dll");
    }
}
