using System.Diagnostics;
using System.Globalization;

namespace ElfLoader.Benchmarks.Measuring;

/// <summary>
/// A process that is measured: it says <c>ready</c>, and answers each number that it is sent with as many times in
/// milliseconds, so that it stays warm while others are measured in between.
/// </summary>
internal sealed class Contestant : IDisposable
{
    private const string Ready = "ready";

    private readonly Process _process;

    /// <summary>Starts the process.</summary>
    /// <param name="name">Its name in tables.</param>
    /// <param name="program">The program.</param>
    /// <param name="arguments">Its command line.</param>
    public Contestant(string name, string program, params IEnumerable<string> arguments)
    {
        Name = name;
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        _process = Process.Start(start)!;
    }

    /// <summary>Its name in tables.</summary>
    public string Name { get; }

    /// <summary>What it has to say of itself.</summary>
    public string Note { get; private set; } = "";

    /// <summary>Managed bytes that one run allocated, where it says so.</summary>
    public long? Allocated { get; private set; }

    /// <summary>Waits until it is ready.</summary>
    /// <exception cref="MeasurementException">It cannot do this, or takes too long.</exception>
    public void WaitUntilReady(TimeSpan patience)
    {
        string line = ReadLine(patience);
        if (!line.StartsWith(Ready, StringComparison.Ordinal))
        {
            throw new MeasurementException(line);
        }

        Note = line[Ready.Length..].Trim();
    }

    /// <summary>Lets it run several times.</summary>
    /// <returns>The time of each, in milliseconds.</returns>
    /// <exception cref="MeasurementException">It fails, or takes too long.</exception>
    public double[] Run(int count, TimeSpan patience)
    {
        _process.StandardInput.WriteLine(count.ToString(CultureInfo.InvariantCulture));
        _process.StandardInput.Flush();
        string line = ReadLine(patience);
        string[] parts = line.Split('|');
        if (parts.Length > 1)
        {
            Allocated = long.Parse(parts[1], CultureInfo.InvariantCulture);
        }

        string[] times = parts[0].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return times.Length == count && double.TryParse(times[0], CultureInfo.InvariantCulture, out _)
            ? Array.ConvertAll(times, time => double.Parse(time, CultureInfo.InvariantCulture))
            : throw new MeasurementException(line);
    }

    /// <summary>Ends it.</summary>
    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.Dispose();
    }

    private string ReadLine(TimeSpan patience)
    {
        Task<string?> line = _process.StandardOutput.ReadLineAsync();
        return line.Wait(patience)
            ? line.Result ?? throw new MeasurementException("it ended without an answer")
            : throw new MeasurementException($"no answer within {patience.TotalSeconds:0} s");
    }
}
