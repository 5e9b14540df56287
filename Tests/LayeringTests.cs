using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace ElfLoader.Tests;

/// <summary>The rules of the source tree that no compiler checks.</summary>
public sealed partial class LayeringTests
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

    /// <summary>
    /// The linker knows no image and no process, images know no process; a library that lives is one subject, which is in several
    /// folders (Loading, Libraries, Redirection, Diagnostics, DynamicLinking).
    /// </summary>
    [TestCase("Elf", "Elf")]
    [TestCase("Linking", "Elf", "Linking")]
    [TestCase("Images", "Elf", "Linking", "Images")]
    [TestCase("Demangling")]
    public void FoldersOfTheLoaderUseOnly(string folder, params string[] allowed)
    {
        string[] folders = [.. Directory.GetDirectories(Path.Combine(Root, "Loader")).Select(path => Path.GetFileName(path)!)];
        string[] forbidden = [.. folders.Except(allowed).Except([folder])];

        IEnumerable<string> uses =
            from path in SourcesIn($"Loader/{folder}")
            from Match match in NamespaceUse().Matches(WithoutComments(File.ReadAllText(path)))
            where forbidden.Contains(match.Groups["name"].Value)
            select $"{Path.GetRelativePath(Root, path)}: {match.Value}";

        Assert.That(uses, Is.Empty);
    }

    /// <summary>What brings the linker together for a caller is in no folder, but belongs above the linker.</summary>
    [TestCase("Elf")]
    [TestCase("Linking")]
    [TestCase("Images")]
    public void TheLinkerKnowsNoLibraryAndNoUnit(string folder)
    {
        IEnumerable<string> uses =
            from path in SourcesIn($"Loader/{folder}")
            from Match match in LivingTypes().Matches(WithoutComments(File.ReadAllText(path)))
            select $"{Path.GetRelativePath(Root, path)}: {match.Value}";

        Assert.That(uses, Is.Empty);
    }

    [TestCase("Loader", "ElfLoader")]
    [TestCase("Memory", "ElfLoader.Memory")]
    [TestCase("Relocations", "ElfLoader.Relocations")]
    [TestCase("Arch.Arm", "ElfLoader.Arch.Arm")]
    [TestCase("Arch.X64", "ElfLoader.Arch.X64")]
    [TestCase("Tests", "ElfLoader.Tests")]
    public void NamespacesFollowFolders(string project, string root)
    {
        // Types that callers see are in one namespace, wherever their files are.
        string[] seenByCallers =
        [
            "Loader/Demangling/CxxNames.cs", "Loader/Redirection/Epoch.cs", "Loader/Redirection/LazyDefinition.cs",
            "Loader/Redirection/ReplaceOptions.cs", "Loader/Redirection/Replacement.cs", "Loader/Redirection/RetiredUnit.cs",
            "Loader/Redirection/StatePolicy.cs", "Tests/Images/ImageLinker.cs",
        ];

        IEnumerable<string> others =
            from path in SourcesIn(project)
            let name = Path.GetRelativePath(Root, path)
            let folder = Path.GetDirectoryName(Path.GetRelativePath(Path.Combine(Root, project), path))!
            let expected = string.Join('.', [root, .. folder.Split('/', StringSplitOptions.RemoveEmptyEntries)])
            let declared = NamespaceDeclaration().Match(File.ReadAllText(path))
            where declared.Success && declared.Groups[1].Value != expected && !seenByCallers.Contains(name)
                && !name.StartsWith("Memory/Process/", StringComparison.Ordinal) // one namespace with the rest of Memory
            select $"{name}: {declared.Groups[1].Value}";

        Assert.That(others, Is.Empty);
    }

    private static IEnumerable<string> SourcesIn(string folder) =>
        Directory.EnumerateFiles(Path.Combine(Root, folder), "*.cs", SearchOption.AllDirectories)
            .Where(path => !path.Contains("/obj/", StringComparison.Ordinal) && !path.Contains("/bin/", StringComparison.Ordinal));

    private static string WithoutComments(string source) => Comment().Replace(source, "");

    [GeneratedRegex(@"^\s*//.*$|(?<=[;{}(,] )//.*$", RegexOptions.Multiline)]
    private static partial Regex Comment();

    [GeneratedRegex(@"^namespace ([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex NamespaceDeclaration();

    [GeneratedRegex(@"\bElfLoader\.(?<name>\w+)[\w.]*;|(?<![\w.])(?<name>Linking|Images|Loading|Libraries|Redirection|Runtime|Diagnostics|DynamicLinking)\.(?=[A-Z])")]
    private static partial Regex NamespaceUse();

    [GeneratedRegex(@"(?<![\w.])(LoadedUnit|ObjectLibrary|LibraryContents|CallEntry|Replacement|LinkedUnit)\b")]
    private static partial Regex LivingTypes();

    private static string ThisFile([CallerFilePath] string path = "") => path;
}
