using System.Globalization;
using System.Runtime.InteropServices;

namespace ElfLoader.Benchmarks.Measuring;

/// <summary>Where and when something is measured.</summary>
internal static class Machine
{
    /// <summary>Processor, cores, runtime and day.</summary>
    public static string Describe() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Processor()}, {Environment.ProcessorCount} cores, {RuntimeInformation.FrameworkDescription}, ")
        + DateTime.UtcNow.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    /// <summary>What makes figures uncertain; null where nothing does.</summary>
    public static string? Warning()
    {
        string load = File.ReadAllText("/proc/loadavg").Split(' ')[0];
        return double.Parse(load, CultureInfo.InvariantCulture) > 0.5
            ? $"load average {load} on {Environment.ProcessorCount} cores: others use this machine, too"
            : null;
    }

    private static string Processor() => File.ReadLines("/proc/cpuinfo")
        .FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))
        ?.Split(':')[1].Trim() ?? "unknown processor";
}
