using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.EndToEnd;

/// <summary>The committed objects are what <c>fixtures/build.sh</c> makes of the sources.</summary>
[Category("EndToEnd")]
[Parallelizable(ParallelScope.Self)]
public sealed class FixtureBuildTests
{
    [Test]
    public void BuildScriptGivesTheCommittedFiles()
    {
        RequireCompiler("clang-14", "14.0.6");
        RequireCompiler("clang-19", "19.1.7");
        RequireCompiler("gcc-12", "12.2.0");
        using var folder = new TemporaryFolder();

        Command.Check("bash", [Path.Combine(Fixtures.Folder, "build.sh"), folder.Path]);

        using (Assert.EnterMultipleScope())
        {
            foreach (string kind in (string[])["x64", "expected"])
            {
                string committed = Path.Combine(Fixtures.Folder, kind);
                string built = Path.Combine(folder.Path, kind);
                Assert.That(Names(built), Is.EqualTo(Names(committed)));
                foreach (string? name in Names(built))
                {
                    Assert.That(
                        File.ReadAllBytes(Path.Combine(built, name!)),
                        Is.EqualTo(File.ReadAllBytes(Path.Combine(committed, name!))),
                        name!);
                }
            }
        }
    }

    private static IEnumerable<string?> Names(string folder) =>
        Directory.EnumerateFiles(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal);

    private static void RequireCompiler(string name, string version)
    {
        if (!Command.Exists(name) || !Command.Check(name, ["--version"]).Contains(version, StringComparison.Ordinal))
        {
            Assert.Ignore($"needs {name} {version}");
        }
    }
}
