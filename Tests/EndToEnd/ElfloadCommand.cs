using System.Reflection;
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

    /// <summary>Runs the tool with a command line.</summary>
    public static CommandResult Invoke(params IEnumerable<string> arguments) =>
        Published is null ? Command.Run("dotnet", [Tool, .. arguments]) : Command.Run(Published, arguments);

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
