using ElfLoader.Benchmarks.Measuring;

namespace ElfLoader.Benchmarks.Inputs;

/// <summary>LLVM 14's static archives.</summary>
internal static class LlvmArchives
{
    private static readonly Lazy<string> Folder = new(() => Shell.Run("llvm-config-14", "--libdir").Trim());

    /// <summary>Path of one archive, by its component's name.</summary>
    public static string Find(string component) => Path.Combine(Folder.Value, $"libLLVM{component}.a");

    /// <summary>The objects of all of them.</summary>
    public static ObjectSet Objects() => ObjectSet.OfArchives("llvm", All());

    private static string[] All() => [.. Directory.GetFiles(Folder.Value, "libLLVM*.a").Order(StringComparer.Ordinal)];
}
