using System.Diagnostics;

namespace ElfLoader.Benchmarks.Measuring;

/// <summary>Runs the programs that prepare a measurement.</summary>
internal static class Shell
{
    /// <summary>Runs a program that must succeed, and gives its standard output.</summary>
    /// <exception cref="MeasurementException">It cannot be started, or fails.</exception>
    public static string Run(string program, params IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        try
        {
            using Process process = Process.Start(start)!;
            Task<string> error = process.StandardError.ReadToEndAsync();
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode is 0
                ? output
                : throw new MeasurementException($"{program} {string.Join(' ', arguments)}:\n{output}{error.Result}");
        }
        catch (System.ComponentModel.Win32Exception exception)
        {
            throw new MeasurementException($"{program}: {exception.Message}; Tools/Benchmarks/install.sh installs it");
        }
    }
}
