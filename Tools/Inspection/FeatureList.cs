namespace ElfLoader.Inspection;

/// <summary>Collects features, counting those that are found more than once.</summary>
internal sealed class FeatureList
{
    private readonly List<ObjectFeature> _features = [];
    private readonly Dictionary<string, int> _indices = [];

    /// <summary>The features, in the order in which they were found first.</summary>
    internal IReadOnlyList<ObjectFeature> All => _features;

    /// <summary>Adds one, or counts it once more.</summary>
    internal void Add(string name, string meaning, string? where = null, string? unsupported = null, bool counts = true)
    {
        if (_indices.TryGetValue(name, out int index))
        {
            _features[index] = _features[index] with { Count = _features[index].Count + (counts ? 1 : 0) };
            return;
        }

        _indices.Add(name, _features.Count);
        _features.Add(new ObjectFeature(name, meaning, counts ? 1 : 0, where) { Unsupported = unsupported });
    }
}
