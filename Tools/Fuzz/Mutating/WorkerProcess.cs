using System.Diagnostics;
using System.Globalization;

namespace ElfLoader.Fuzz.Mutating;

/// <summary>Watches over a worker: starts it again if a mutant has killed or stopped it, and keeps that mutant.</summary>
internal sealed class WorkerProcess
{
    /// <summary>A mutant that stops a worker is tried again with no more patience than this, and for no longer in all.</summary>
    private static readonly TimeSpan TrialPatience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan TrialsPatience = TimeSpan.FromMinutes(2);

    /// <summary>A worker that starts reads its seeds and what it has done before.</summary>
    private static readonly TimeSpan StartPatience = TimeSpan.FromMinutes(3);

    /// <summary>Deaths of one kind that are reduced; of a defect that kills often a few are enough.</summary>
    private const int Reduced = 3;

    private readonly string _program;
    private readonly string _root;
    private readonly string _folder;
    private readonly ulong _seed;
    private readonly long _count;
    private readonly TimeSpan _time;
    private readonly IReadOnlyList<Seed> _seeds;
    private readonly TimeSpan _silence;
    private long _done;

    internal WorkerProcess(
        string program, string root, int job, ulong seed, long count, TimeSpan time, TimeSpan silence, IReadOnlyList<Seed> seeds)
    {
        _program = program;
        _root = root;
        _folder = Path.Combine(root, string.Create(CultureInfo.InvariantCulture, $"worker-{job}"));
        _seed = seed;
        _count = count;
        _time = time;
        _silence = silence;
        _seeds = seeds;
        _ = Directory.CreateDirectory(_folder);
    }

    /// <summary>Mutants that are done.</summary>
    internal long Done => Interlocked.Read(ref _done);

    private string CurrentFile => Path.Combine(_folder, "current.bin");

    /// <summary>What it has done.</summary>
    internal RunState State()
    {
        var state = RunState.Load(Path.Combine(_folder, "state.json"));
        foreach (SkippedMutant death in SkippedMutant.Read(_folder))
        {
            RunState.Count(state.Findings, death.Kind);
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
        File.Delete(CurrentFile);
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
        TimeSpan patience = StartPatience;
        while (true)
        {
            Task<string?> line = process.StandardOutput.ReadLineAsync();
            if (!line.Wait(patience))
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
                patience = _silence;
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
        if (CurrentMutant.Read(CurrentFile) is not { } mutant)
        {
            throw new InvalidOperationException($"the worker does not start: {message}");
        }

        SkippedMutant.Add(_folder, new SkippedMutant(mutant.Number, kind));
        if (SkippedMutant.Read(_folder).Count(death => death.Kind == kind) > Reduced)
        {
            return;
        }

        Seed seed = _seeds[mutant.Seed];
        TimeSpan patience = TrialPatience < _silence ? TrialPatience : _silence;
        var trial = new Trial(_program, _root, _folder, patience);
        byte[] smallest = mutant.Bytes;
        if (trial.End(mutant.Bytes, mutant.Number) == kind)
        {
            smallest = Reproducer.Minimize(seed.Bytes, mutant.Bytes, bytes => trial.End(bytes, mutant.Number) == kind, TrialsPatience);
        }
        else
        {
            message = "Not so in a process of its own: it needs what was done before.\n" + message;
        }

        Reproducer.Write(Path.Combine(_root, "findings"), kind, message, seed, smallest, mutant.Number);
    }
}
