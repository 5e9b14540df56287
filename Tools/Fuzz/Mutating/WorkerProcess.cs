using System.Diagnostics;
using System.Globalization;

namespace ElfLoader.Fuzz.Mutating;

/// <summary>Watches over a worker: starts it again if a mutant has killed or stopped it, and keeps that mutant.</summary>
internal sealed class WorkerProcess
{
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(180);

    private readonly string _program;
    private readonly string _root;
    private readonly string _folder;
    private readonly ulong _seed;
    private readonly long _count;
    private readonly TimeSpan _time;
    private readonly IReadOnlyList<Seed> _seeds;
    private readonly Dictionary<string, long> _deaths = [];
    private long _done;

    internal WorkerProcess(
        string program, string root, int job, ulong seed, long count, TimeSpan time, IReadOnlyList<Seed> seeds)
    {
        _program = program;
        _root = root;
        _folder = Path.Combine(root, string.Create(CultureInfo.InvariantCulture, $"worker-{job}"));
        _seed = seed;
        _count = count;
        _time = time;
        _seeds = seeds;
        _ = Directory.CreateDirectory(_folder);
    }

    /// <summary>Mutants that are done.</summary>
    internal long Done => Interlocked.Read(ref _done);

    /// <summary>What it has done.</summary>
    internal RunState State()
    {
        var state = RunState.Load(Path.Combine(_folder, "state.json"));
        foreach ((string kind, long count) in _deaths)
        {
            state.Findings[kind] = state.Findings.GetValueOrDefault(kind) + count;
        }

        return state;
    }

    /// <summary>Runs it to its end.</summary>
    internal void Run()
    {
        var watch = Stopwatch.StartNew();
        while (watch.Elapsed < _time && !RunOnce(_time == TimeSpan.MaxValue ? _time : _time - watch.Elapsed))
        {
        }
    }

    private bool RunOnce(TimeSpan time)
    {
        var start = new ProcessStartInfo("dotnet",
        [
            _program, "worker", "--output", _root, "--folder", _folder,
            "--seed", _seed.ToString(CultureInfo.InvariantCulture),
            "--count", _count.ToString(CultureInfo.InvariantCulture),
            "--time", (time == TimeSpan.MaxValue ? 0 : (int)time.TotalSeconds + 1).ToString(CultureInfo.InvariantCulture),
        ])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["DOTNET_TieredCompilation"] = "1";
        start.Environment["DOTNET_gcServer"] = "0";
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string end = "";
        while (true)
        {
            Task<string?> line = process.StandardOutput.ReadLineAsync();
            if (!line.Wait(Silence))
            {
                process.Kill(entireProcessTree: true);
                end = "hang";
                break;
            }

            if (line.Result is not { } text)
            {
                break;
            }

            if (long.TryParse(text, CultureInfo.InvariantCulture, out long done))
            {
                _ = Interlocked.Exchange(ref _done, done);
            }
        }

        process.WaitForExit();
        if (end.Length is 0 && process.ExitCode is 0)
        {
            return true;
        }

        NoteDeath(end.Length > 0 ? end : "crash", $"status {process.ExitCode}\n{error.Result}");
        return false;
    }

    private void NoteDeath(string kind, string message)
    {
        if (CurrentMutant.Read(Path.Combine(_folder, "current.bin")) is not { } mutant)
        {
            throw new InvalidOperationException($"the worker does not start: {message}");
        }

        _deaths[kind] = _deaths.GetValueOrDefault(kind) + 1;
        File.AppendAllLines(Path.Combine(_folder, "skip.txt"), [mutant.Number.ToString(CultureInfo.InvariantCulture)]);
        Seed seed = _seeds.MinBy(seed => Math.Abs(seed.Bytes.Length - mutant.Bytes.Length))!;
        Reproducer.Write(Path.Combine(_root, "findings"), kind, message, "mutant.o", seed.Bytes, mutant.Bytes, mutant.Number);
    }
}
