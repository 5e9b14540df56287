using System.Diagnostics;
using System.Globalization;
using ElfLoader.Elf;
using ElfLoader.Fuzz.Instrumentation;
using ElfLoader.Memory;

namespace ElfLoader.Fuzz.Mutating;

/// <summary>Makes mutants and puts them through, in a process of its own. Even numbers are for x86-64, odd ones for Arm.</summary>
internal sealed class Worker : IDisposable
{
    /// <summary>Interesting mutants that are kept to make more of; older ones give way.</summary>
    private const int QueueLength = 2000;

    private const int KeptOfKind = 3;
    private const int BetweenTraces = 100_000;

    /// <summary>How much more the process may hold than after its first hundred thousand mutants: the pools' and the runtime's.</summary>
    private const int MoreMappings = 128;
    private const int MoreFiles = 8;
    private const long MoreHeap = 8 << 20;

    private static readonly TimeSpan BetweenReports = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan BetweenSaves = TimeSpan.FromSeconds(20);

    private readonly string _folder;
    private readonly ulong _seed;
    private readonly RunState _state;
    private readonly Seed[][] _seeds;
    private readonly List<(Seed Seed, byte[] Bytes)>[] _queues = [[], []];
    private readonly Mutator _mutator;
    private readonly Subject _subject;
    private readonly Dictionary<Seed, int> _indices;
    private readonly LineCoverage _coverage = new();
    private readonly HashSet<long> _skipped;
    private readonly RunState _earlier;
    private int _lines;
    private (int Mappings, int Files, long Heap)? _warm;

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
        _subject = new Subject(Seed.MembersOf(seeds), Path.Combine(folder, "files"));
        _indices = seeds.Index().ToDictionary(entry => entry.Item, entry => entry.Index);
        _skipped = [.. SkippedMutant.Read(folder).Select(mutant => mutant.Number)];
        _coverage.Restore(_state.Lines);
        _lines = _coverage.Count;
        foreach ((string name, byte[] bytes) in _state.Queue)
        {
            Seed file = seeds.First(file => file.Name == name);
            _queues[file.Machine is ElfConstants.EM_ARM ? 1 : 0].Add((file, bytes));
        }

        _earlier.Queue = [];
    }

    private string StateFile => Path.Combine(_folder, "state.json");

    /// <summary>Works until enough is done.</summary>
    internal void Run(long count, TimeSpan time)
    {
        using var current = new CurrentMutant(Path.Combine(_folder, "current.bin"));
        var watch = Stopwatch.StartNew();
        Console.WriteLine(_state.Next);
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

    /// <inheritdoc/>
    public void Dispose() => _subject.Dispose();

    /// <summary>What the process holds, for the reader of the report; once it is warm none of it may grow.</summary>
    private void Trace()
    {
        long queue = _queues.Sum(queue => queue.Sum(entry => (long)entry.Bytes.Length));
        _state.Queue = [];
        long heap = GC.GetTotalMemory(forceFullCollection: true) - queue;
        int mappings = ProcessMaps.Read().Count;
        int files = Footprint.CountOpenFiles();
        _state.Trace.Add(string.Create(CultureInfo.InvariantCulture, $"{_state.Next}: {mappings} mappings, {files} open files, {heap >> 10} KiB"));
        if (_state.Next - _earlier.Next < BetweenTraces)
        {
            return;
        }

        _warm ??= (mappings, files, heap);
        if (mappings > _warm.Value.Mappings + MoreMappings || files > _warm.Value.Files + MoreFiles || heap > _warm.Value.Heap + MoreHeap)
        {
            RunState.Count(_state.Findings, $"growth: {_state.Trace[^1]}");
        }
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
        current.Write(number, _indices[seed], mutant);
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
