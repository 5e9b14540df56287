using System.Text.Json;

namespace ElfLoader.Fuzz.Differential;

/// <summary>What has been compared so far, for one machine; kept in a file, so that a run can go on.</summary>
internal sealed class DifferentialState
{
    /// <summary>Batches that are done.</summary>
    public int Batches { get; set; }

    /// <summary>Objects that were compared.</summary>
    public long Objects { get; set; }

    /// <summary>Objects with a relocation that both linkers refuse.</summary>
    public long RefusedByBoth { get; set; }

    /// <summary>Objects of which every byte outside of slots' and stubs' addresses is the same.</summary>
    public long Identical { get; set; }

    /// <summary>Relocations by reason.</summary>
    public Dictionary<string, long> Reasons { get; set; } = [];

    /// <summary>Relocations by type that were compared.</summary>
    public Dictionary<string, long> Types { get; set; } = [];

    /// <summary>Seconds that passed.</summary>
    public double Seconds { get; set; }

    /// <summary>Reads it.</summary>
    internal static DifferentialState Load(string file) =>
        File.Exists(file) ? JsonSerializer.Deserialize<DifferentialState>(File.ReadAllText(file))! : new DifferentialState();

    /// <summary>Writes it.</summary>
    internal void Save(string file)
    {
        File.WriteAllText(file + ".new", JsonSerializer.Serialize(this));
        File.Move(file + ".new", file, overwrite: true);
    }

    /// <summary>Counts one.</summary>
    internal static void Count(Dictionary<string, long> counts, string key) => counts[key] = counts.GetValueOrDefault(key) + 1;
}
