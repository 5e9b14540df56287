using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace ElfLoader.Fuzz;

/// <summary>Runs other programs: compilers, linkers.</summary>
internal static class Programs
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    /// <summary>The repository's folder, from where this source lies.</summary>
    internal static string Repository { get; } =
        Path.GetDirectoryName(Path.GetDirectoryName(Path.GetDirectoryName(ThisFile())!)!)!;

    /// <summary>Runs a program to its end.</summary>
    /// <returns>Its status, and what it printed on both streams.</returns>
    internal static (int Status, string Output, string Error) Run(
        string program, IEnumerable<string> arguments, string? folder = null)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder ?? "",
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(Patience))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{program} {string.Join(' ', start.ArgumentList)} did not end");
        }

        return (process.ExitCode, output.Result, error.Result);
    }

    /// <summary>Runs a program that must succeed.</summary>
    internal static string Check(string program, IEnumerable<string> arguments, string? folder = null)
    {
        string[] all = [.. arguments];
        (int status, string output, string error) = Run(program, all, folder);
        return status is 0 ? output : throw new InvalidOperationException($"{program} {string.Join(' ', all)}: status {status}\n{error}");
    }

    private static string ThisFile([CallerFilePath] string path = "") => path;
}
