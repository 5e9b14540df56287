namespace ElfLoader.Tests.EndToEnd;

/// <summary>LLVM 14's static archives.</summary>
internal static class LlvmArchives
{
    private static readonly Lazy<string> Folder = new(() => Command.Check("llvm-config-14", ["--libdir"]).Trim());

    /// <summary>Path of one archive, by its component's name.</summary>
    public static string Find(string component) => Path.Combine(Folder.Value, $"libLLVM{component}.a");

    /// <summary>All archives that some components need, in link order.</summary>
    public static IEnumerable<string> With(params string[] components) =>
        Command.Check("llvm-config-14", ["--link-static", "--libfiles", .. components])
            .Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
}
