using System.Text.Json;
using System.Text.Json.Serialization;

namespace ElfLoader.Fuzz.Mutating;

/// <summary>What a worker has done so far: kept in a file, so that it can go on where it was.</summary>
internal sealed class RunState
{
    private const string QueueExtension = ".queue";

    private static readonly JsonSerializerOptions Format = new() { WriteIndented = true };

    /// <summary>Number of the next mutant.</summary>
    public long Next { get; set; }

    /// <summary>Mutants by machine (x86_64, arm) and phase.</summary>
    public Dictionary<string, long> Phases { get; set; } = [];

    /// <summary>Mutants by machine, phase and code of the first error.</summary>
    public Dictionary<string, long> Errors { get; set; } = [];

    /// <summary>Findings by kind.</summary>
    public Dictionary<string, long> Findings { get; set; } = [];

    /// <summary>Kinds of outcome that were seen.</summary>
    public HashSet<string> Shapes { get; set; } = [];

    /// <summary>Lines of the product that have run.</summary>
    public HashSet<string> Lines { get; set; } = [];

    /// <summary>Instrumented lines in all.</summary>
    public HashSet<string> AllLines { get; set; } = [];

    /// <summary>Interesting mutants: name of the seed, and the bytes; in a file of its own.</summary>
    [JsonIgnore]
    public List<KeyValuePair<string, byte[]>> Queue { get; set; } = [];

    /// <summary>Images compared at two addresses.</summary>
    public long Moved { get; set; }

    /// <summary>Relocations whose change was foretold.</summary>
    public long Foretold { get; set; }

    /// <summary>Relocations that were applied again.</summary>
    public long Repeated { get; set; }

    /// <summary>Greatest number of bytes allocated for a byte of input.</summary>
    public double WorstMemory { get; set; }

    /// <summary>Longest time for one mutant, in seconds.</summary>
    public double WorstSeconds { get; set; }

    /// <summary>Processor time in seconds.</summary>
    public double ProcessorSeconds { get; set; }

    /// <summary>Live KiB of the managed heap, the queue not counted, and mappings, from time to time.</summary>
    public List<string> Trace { get; set; } = [];

    /// <summary>Reads it; a new one if there is no file.</summary>
    internal static RunState Load(string file)
    {
        if (!File.Exists(file))
        {
            return new RunState();
        }

        RunState state = JsonSerializer.Deserialize<RunState>(File.ReadAllText(file), Format)!;
        using var queue = new BinaryReader(File.OpenRead(file + QueueExtension));
        while (queue.BaseStream.Position < queue.BaseStream.Length)
        {
            string seed = queue.ReadString();
            state.Queue.Add(KeyValuePair.Create(seed, queue.ReadBytes(queue.ReadInt32())));
        }

        return state;
    }

    /// <summary>Writes it, whole or not at all.</summary>
    internal void Save(string file)
    {
        using (var queue = new BinaryWriter(File.Create(file + QueueExtension)))
        {
            foreach ((string seed, byte[] bytes) in Queue)
            {
                queue.Write(seed);
                queue.Write(bytes.Length);
                queue.Write(bytes);
            }
        }

        File.WriteAllText(file + ".new", JsonSerializer.Serialize(this, Format));
        File.Move(file + ".new", file, overwrite: true);
    }

    /// <summary>Adds up what several workers did.</summary>
    internal void Add(RunState other)
    {
        Next += other.Next;
        Add(Phases, other.Phases);
        Add(Errors, other.Errors);
        Add(Findings, other.Findings);
        Shapes.UnionWith(other.Shapes);
        Lines.UnionWith(other.Lines);
        AllLines.UnionWith(other.AllLines);
        Queue.AddRange(other.Queue);
        Moved += other.Moved;
        Foretold += other.Foretold;
        Repeated += other.Repeated;
        WorstMemory = Math.Max(WorstMemory, other.WorstMemory);
        WorstSeconds = Math.Max(WorstSeconds, other.WorstSeconds);
        ProcessorSeconds += other.ProcessorSeconds;
        Trace.AddRange(other.Trace);
    }

    /// <summary>Counts one.</summary>
    internal static void Count(Dictionary<string, long> counts, string key) => counts[key] = counts.GetValueOrDefault(key) + 1;

    private static void Add(Dictionary<string, long> to, Dictionary<string, long> from)
    {
        foreach ((string key, long count) in from)
        {
            to[key] = to.GetValueOrDefault(key) + count;
        }
    }
}
