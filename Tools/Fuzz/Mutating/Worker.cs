using System.Diagnostics;
using System.Globalization;
using ElfLoader.Elf;
using ElfLoader.Fuzz.Instrumentation;
using ElfLoader.Memory;

namespace ElfLoader.Fuzz.Mutating;

/// <summary>Makes mutants and puts them through, in a process of its own. Even numbers are for x86-64, odd ones for Arm.</summary>
internal sealed class Worker
{
    /// <summary>Interesting mutants that are kept to make more of; older ones give way.</summary>
    private const int QueueLength = 2000;

    private const int KeptOfKind = 3;
    private const int BetweenTraces = 100_000;

    private static readonly TimeSpan BetweenReports = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan BetweenSaves = TimeSpan.FromSeconds(20);

    private readonly string _folder;
    private readonly ulong _seed;
    private readonly RunState _state;
    private readonly Seed[][] _seeds;
    private readonly List<(Seed Seed, byte[] Bytes)>[] _queues = [[], []];
    private readonly Mutator _mutator;
    private readonly Subject _subject = new();
    private readonly LineCoverage _coverage = new();
    private readonly HashSet<long> _skipped;
    private readonly RunState _earlier;
    private int _lines;

    internal Worker(string folder, ulong seed, IReadOnlyList<Seed> seeds)
    {
        _folder = folder;
        _seed = seed;
        _state = RunState.Load(StateFile);
        _earlier = RunState.Load(StateFile);
        _seeds =
        [
            [.. seeds.Where(file => file.Machine is not ElfConstants.EM_ARM)],
            [.. seeds.Where(file => file.Machine is ElfConstants.EM_ARM)],
        ];
        _mutator = new Mutator(seeds);
        _skipped = File.Exists(SkipFile) ? [.. File.ReadAllLines(SkipFile).Select(long.Parse)] : [];
        _coverage.Restore(_state.Lines);
        _lines = _coverage.Count;
        foreach ((string name, byte[] bytes) in _state.Queue)
        {
            Seed file = seeds.First(file => file.Name == name);
            _queues[file.Machine is ElfConstants.EM_ARM ? 1 : 0].Add((file, bytes));
        }

        _earlier.Queue = [];
    }

    /// <summary>Numbers of mutants that are passed over, because they killed a worker.</summary>
    private string SkipFile => Path.Combine(_folder, "skip.txt");

    private string StateFile => Path.Combine(_folder, "state.json");

    /// <summary>Works until enough is done.</summary>
    internal void Run(long count, TimeSpan time)
    {
        using var current = new CurrentMutant(Path.Combine(_folder, "current.bin"));
        var watch = Stopwatch.StartNew();
        TimeSpan lastReport = TimeSpan.Zero;
        TimeSpan lastSave = TimeSpan.Zero;
        while (_state.Next < count && watch.Elapsed < time)
        {
            long number = _state.Next++;
            if (!_skipped.Contains(number))
            {
                One(number, current);
            }

            if (number == _earlier.Next + 2000 || number % BetweenTraces is 0)
            {
                Trace();
            }

            if (watch.Elapsed - lastReport > BetweenReports)
            {
                lastReport = watch.Elapsed;
                Console.WriteLine(_state.Next);
            }

            if (watch.Elapsed - lastSave > BetweenSaves)
            {
                lastSave = watch.Elapsed;
                try
                {
                    Save();
                }
                catch (IOException exception)
                {
                    Console.Error.WriteLine($"the state is not saved, for now: {exception.Message}"); // the disk is full
                }
            }
        }

        Trace();
        Save();
    }

    /// <summary>What the process holds, for the reader of the report: neither may grow with the number of mutants.</summary>
    private void Trace()
    {
        long queue = _queues.Sum(queue => queue.Sum(entry => (long)entry.Bytes.Length));
        _state.Queue = [];
        long heap = GC.GetTotalMemory(forceFullCollection: true) - queue;
        _state.Trace.Add(string.Create(CultureInfo.InvariantCulture, $"{_state.Next}: {ProcessMaps.Read().Count} mappings, {heap >> 10} KiB"));
    }

    private void One(long number, CurrentMutant current)
    {
        var random = new FuzzRandom(_seed, number);
        int machine = (int)(number & 1);
        List<(Seed Seed, byte[] Bytes)> queue = _queues[machine];
        (Seed seed, byte[] parent) = queue.Count > 0 && random.Percent(40)
            ? queue[random.Below(queue.Count)]
            : Original(_seeds[machine], ref random);
        byte[] mutant = _mutator.Mutate(seed, parent, ref random);
        current.Write(number, mutant);
        string name = machine is 0 ? "x86_64" : "arm";
        try
        {
            Outcome outcome = _subject.Run(mutant, number);
            RunState.Count(_state.Phases, $"{name} {outcome.Phase}");
            RunState.Count(_state.Errors, outcome.Error is { } error ? $"{name} {outcome.Phase} {error.Code}" : $"{name} {outcome.Phase}");
            if (IsNew(name, outcome))
            {
                Keep(queue, seed, mutant, ref random);
            }
        }
        catch (FindingException finding)
        {
            RunState.Count(_state.Phases, $"{name} finding");
            RunState.Count(_state.Findings, finding.Kind);
            if (_state.Findings[finding.Kind] <= KeptOfKind)
            {
                Reproducer.Save(Path.Combine(_folder, "..", "findings"), finding, seed, mutant, _subject, number);
            }
        }
    }

    private static (Seed Seed, byte[] Bytes) Original(Seed[] seeds, ref FuzzRandom random)
    {
        Seed seed = seeds[random.Below(seeds.Length)];
        return (seed, seed.Bytes);
    }

    /// <summary>Whether a line ran for the first time, or a refusal or combination of types is new.</summary>
    private bool IsNew(string machine, Outcome outcome)
    {
        int lines = _coverage.Count;
        bool isNew = lines > _lines;
        _lines = lines;
        isNew |= _state.Shapes.Add($"{machine} {outcome.Shape()}");
        if (outcome.Phase is Phase.Loaded)
        {
            foreach (uint type in _subject.LastTypes)
            {
                isNew |= _state.Shapes.Add($"{machine} applied {type}");
            }
        }

        return isNew;
    }

    private static void Keep(List<(Seed Seed, byte[] Bytes)> queue, Seed seed, byte[] mutant, ref FuzzRandom random)
    {
        if (queue.Count < QueueLength)
        {
            queue.Add((seed, mutant));
        }
        else
        {
            queue[random.Below(queue.Count)] = (seed, mutant);
        }
    }

    private void Save()
    {
        _state.Queue = [.. _queues.SelectMany(queue => queue).Select(entry => KeyValuePair.Create(entry.Seed.Name, entry.Bytes))];
        foreach ((string place, bool hasRun) in _coverage.Places())
        {
            _ = _state.AllLines.Add(place);
            if (hasRun)
            {
                _ = _state.Lines.Add(place);
            }
        }

        _state.Moved = _earlier.Moved + _subject.Moved;
        _state.Foretold = _earlier.Foretold + _subject.Foretold;
        _state.Repeated = _earlier.Repeated + _subject.Repeated;
        _state.WorstMemory = Math.Max(_earlier.WorstMemory, _subject.WorstMemory);
        _state.WorstSeconds = Math.Max(_earlier.WorstSeconds, _subject.WorstTime.TotalSeconds);
        _state.ProcessorSeconds = _earlier.ProcessorSeconds + Environment.CpuUsage.TotalTime.TotalSeconds;
        _state.Save(StateFile);
    }
}
