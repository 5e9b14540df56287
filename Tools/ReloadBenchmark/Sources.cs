using System.Diagnostics;

namespace ElfLoader.ReloadBenchmark;

/// <summary>The small C sources that are measured, compiled by the system's clang or gcc.</summary>
internal sealed class Sources : IDisposable
{
    private static readonly string[] Compilers = ["clang-19", "clang", "clang-14", "gcc", "gcc-12"];

    private readonly string _folder = Directory.CreateTempSubdirectory("elfloader-benchmark-").FullName;

    /// <summary>Compiles a source, and gives the path of the object.</summary>
    public string Compile(string name, string source)
    {
        string input = Path.Combine(_folder, $"{name}.c");
        string output = Path.Combine(_folder, $"{name}.o");
        File.WriteAllText(input, source);
        string compiler = Compilers.FirstOrDefault(IsOnPath) ?? throw new InvalidOperationException("there is no C compiler");
        using Process process = Process.Start(compiler, ["-O2", "-fPIC", "-c", input, "-o", output]);
        process.WaitForExit();
        return process.ExitCode is 0 ? output : throw new InvalidOperationException($"{compiler} cannot compile {name}");
    }

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static bool IsOnPath(string program) =>
        Environment.GetEnvironmentVariable("PATH")!.Split(':').Any(folder => File.Exists(Path.Combine(folder, program)));
}
