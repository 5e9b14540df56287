using System.Diagnostics;

namespace ElfLoader.Tests.EndToEnd;

/// <summary>What a child process left behind.</summary>
public readonly record struct CommandResult(int Status, string Output, string Error);

/// <summary>Runs other programs: compilers, natively linked programs, <c>elfload</c>.</summary>
internal static class Command
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <summary>Runs a program to its end; a program that does not end in time is killed and fails the test.</summary>
    public static CommandResult Run(string program, IEnumerable<string> arguments, string? folder = null)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder ?? "",
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(Patience))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{program} {string.Join(' ', start.ArgumentList)} did not end.");
        }

        return new CommandResult(process.ExitCode, output.Result, error.Result);
    }

    /// <summary>Runs a program that must succeed, and gives its standard output.</summary>
    public static string Check(string program, IEnumerable<string> arguments, string? folder = null)
    {
        CommandResult result = Run(program, arguments, folder);
        return result.Status is 0
            ? result.Output
            : throw new InvalidOperationException(
                $"{program} {string.Join(' ', arguments)}: status {result.Status}\n{result.Output}{result.Error}");
    }

    /// <summary>Whether a program of this name is on the path.</summary>
    public static bool Exists(string program) =>
        Environment.GetEnvironmentVariable("PATH")!.Split(':').Any(folder => File.Exists(Path.Combine(folder, program)));
}
