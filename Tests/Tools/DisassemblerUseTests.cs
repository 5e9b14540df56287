using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Tools;

/// <summary>Third parties' disassemblers are a matter of inspection alone.</summary>
public sealed class DisassemblerUseTests
{
    [TestCase("Iced")]
    [TestCase("Gee.External.Capstone")]
    public void OnlyInspectionUsesIt(string package)
    {
        IEnumerable<string?> users = Directory.EnumerateFiles(Fixtures.Root, "*.csproj", SearchOption.AllDirectories)
            .Where(path => File.ReadAllText(path).Contains($"PackageReference Include=\"{package}\"", StringComparison.Ordinal))
            .Select(Path.GetFileNameWithoutExtension);

        Assert.That(users, Is.EqualTo(["Inspection"]));
    }
}
