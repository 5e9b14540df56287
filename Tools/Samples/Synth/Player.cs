using System.Diagnostics;
using System.Runtime.InteropServices;

namespace ElfLoader.Samples.Synth;

/// <summary>Where sound goes as it is made: the sound card if a program for that is there, else nowhere, at the same pace.</summary>
internal sealed class Player : IDisposable
{
    private readonly Process? _program;
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private long _samples;

    private Player(Process? program) => _program = program;

    /// <summary>What plays, for a person.</summary>
    public string Name => _program?.StartInfo.FileName ?? "nothing (neither aplay nor paplay is there)";

    /// <summary>Whether a program of this name is on the path.</summary>
    public static bool IsOnPath(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
        .Any(folder => File.Exists(Path.Combine(folder, program)));

    /// <summary>Starts the program that plays.</summary>
    public static Player Open()
    {
        (string Program, string[] Arguments)[] programs =
        [
            ("aplay", ["-q", "-t", "raw", "-f", "FLOAT_LE", "-c", "1", "-r", $"{WaveFile.Rate}", "--buffer-time=50000"]),
            ("paplay", ["--raw", "--format=float32le", "--channels=1", $"--rate={WaveFile.Rate}", "--latency-msec=50"]),
        ];
        foreach ((string program, string[] arguments) in programs)
        {
            if (IsOnPath(program))
            {
                return new Player(Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardInput = true }));
            }
        }

        return new Player(null);
    }

    /// <summary>Plays samples; returns when there is room for more.</summary>
    public void Play(ReadOnlySpan<float> samples)
    {
        if (_program is not null)
        {
            _program.StandardInput.BaseStream.Write(MemoryMarshal.AsBytes(samples));
            return;
        }

        _samples += samples.Length;
        TimeSpan due = TimeSpan.FromSeconds((double)_samples / WaveFile.Rate);
        if (due > _clock.Elapsed)
        {
            Thread.Sleep(due - _clock.Elapsed);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _program?.StandardInput.Close();
        _program?.WaitForExit();
        _program?.Dispose();
    }
}
