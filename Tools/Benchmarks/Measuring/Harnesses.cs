using ElfLoader.Benchmarks.Inputs;

namespace ElfLoader.Benchmarks.Measuring;

/// <summary>Builds what is measured beside this loader, and the tool that is measured as a process.</summary>
internal sealed class Harnesses
{
    private static readonly string Sources = Path.Combine(Repository.Root, "Tools", "Benchmarks", "peers");

    /// <summary>JITLink in process.</summary>
    public string JitLink => field ??= Build("jitlink", usesLlvm: true);

    /// <summary>RuntimeDyld in process.</summary>
    public string RuntimeDyld => field ??= Build("runtimedyld", usesLlvm: true);

    /// <summary>The floor.</summary>
    public string Floor => field ??= Build("floor", usesLlvm: false);

    /// <summary>What times whole processes.</summary>
    public string Spawn => field ??= Build("spawn", usesLlvm: false);

    /// <summary>The <c>elfload</c> tool, compiled ahead of time to native code, as a published tool is.</summary>
    public string Elfload => field ??= Publish(Path.Combine("Tools", "elfload"), "elfload");

    /// <summary>A .NET program that does nothing, built in the same way.</summary>
    public string Empty => field ??= Publish(Path.Combine("Tools", "Benchmarks", "empty"), "ElfLoader.Empty");

    /// <summary>The same as most .NET programs are: compiled when it starts.</summary>
    public string EmptyJit =>
        field ??= Publish(Path.Combine("Tools", "Benchmarks", "empty"), "ElfLoader.Empty", "-p:PublishAot=false", "--self-contained", "false");

    private static string Build(string name, bool usesLlvm)
    {
        string source = Path.Combine(Sources, $"{name}.cpp");
        string program = Path.Combine(InputFolder.Of("harnesses"), name);
        DateTime changed = new[] { source, Path.Combine(Sources, "harness.h") }.Max(File.GetLastWriteTimeUtc);
        if (File.Exists(program) && File.GetLastWriteTimeUtc(program) > changed)
        {
            return program;
        }

        Console.Error.WriteLine($"building {name}");
        string[] compile = usesLlvm ? Words(Shell.Run("llvm-config-19", "--cxxflags")) : ["-std=c++17"];
        string[] link = usesLlvm ? Words(Shell.Run("llvm-config-19", "--ldflags", "--libs", "--system-libs")) : [];
        Shell.Run("g++", ["-O2", "-DNDEBUG", .. compile, source, "-o", program, .. link]);
        return program;
    }

    private static string Publish(string project, string name, params IEnumerable<string> options)
    {
        Console.Error.WriteLine($"publishing {project}");
        string folder = InputFolder.Of(options.Any() ? "published-otherwise" : "published");
        string output = Path.Combine(folder, name);
        Shell.Run(
            "dotnet",
            ["publish", Path.Combine(Repository.Root, project),
            "--configuration", "Release", "--runtime", "linux-x64",
            "--artifacts-path", Path.Combine(folder, "artifacts"), "--output", output,
            "-nodeReuse:false", "-p:UseSharedCompilation=false", .. options]);
        return Path.Combine(output, name);
    }

    private static string[] Words(string text) => text.Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
}
