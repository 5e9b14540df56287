using System.Reflection;
using System.Runtime.CompilerServices;

namespace ElfLoader.Tests;

/// <summary>The rules of the source tree that no compiler checks.</summary>
public sealed class LayeringTests
{
    private static readonly string Root = Path.GetDirectoryName(Path.GetDirectoryName(ThisFile()))!;

    [TestCase("Memory")]
    [TestCase("Relocations")]
    [TestCase("Arch.Arm", "Relocations")]
    [TestCase("Arch.X64", "Relocations")]
    [TestCase("Loader", "Arch.Arm", "Arch.X64", "Memory", "Relocations")]
    public void ProjectsReferOnlyDownwards(string project, params string[] allowed)
    {
        IEnumerable<string> references = Assembly.Load($"ElfLoader.{project}").GetReferencedAssemblies()
            .Select(name => name.Name!)
            .Where(name => name.StartsWith("ElfLoader.", StringComparison.Ordinal))
            .Select(name => name["ElfLoader.".Length..]);

        Assert.That(references, Is.SubsetOf(allowed));
    }

    [Test]
    public void OnlyMemoryMayBeUnsafe()
    {
        IEnumerable<string?> unsafeProjects = Directory.EnumerateFiles(Root, "*.csproj", SearchOption.AllDirectories)
            .Where(path => File.ReadAllText(path).Contains("AllowUnsafeBlocks", StringComparison.Ordinal))
            .Select(Path.GetFileNameWithoutExtension);

        Assert.That(unsafeProjects, Is.EqualTo(["Memory"]));
    }

    private static string ThisFile([CallerFilePath] string path = "") => path;
}
