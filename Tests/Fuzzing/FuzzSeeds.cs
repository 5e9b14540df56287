using ElfLoader.Tests.EndToEnd;

namespace ElfLoader.Tests.Fuzzing;

/// <summary>What the mutating fuzzer's seeds compile to, made once for all tests that need it.</summary>
[SetUpFixture]
internal sealed class FuzzSeeds
{
    private static readonly Lazy<TemporaryFolder> Made = new(() =>
    {
        var folder = new TemporaryFolder();
        _ = FuzzCommandTests.Invoke("mutate", "--count", "1", "--plain", "--output", folder.Path);
        return folder;
    });

    [OneTimeTearDown]
    public void Remove()
    {
        if (Made.IsValueCreated)
        {
            Made.Value.Dispose();
        }
    }

    /// <summary>Puts them where a run looks for them.</summary>
    internal static void CopyTo(string output)
    {
        string seeds = Directory.CreateDirectory(Path.Combine(output, "seeds")).FullName;
        foreach (string seed in Directory.EnumerateFiles(Made.Value.File("seeds")))
        {
            File.Copy(seed, Path.Combine(seeds, Path.GetFileName(seed)));
        }
    }
}
