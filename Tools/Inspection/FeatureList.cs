namespace ElfLoader.Inspection;

/// <summary>Collects features, counting those that are found more than once.</summary>
internal sealed class FeatureList
{
    private readonly List<ObjectFeature> _features = [];
    private readonly Dictionary<string, int> _indices = [];

    /// <summary>The features, in the order in which they were found first.</summary>
    internal IReadOnlyList<ObjectFeature> All => _features;

    /// <summary>Adds one, or counts it once more.</summary>
    internal void Add(string name, string meaning, string? where = null, bool counts = true) =>
        Add(new ObjectFeature(name, meaning, counts ? 1 : 0, where));

    /// <summary>Adds one that is not supported, or counts it once more.</summary>
    internal void Add(UnsupportedConstruct construct, string? where) =>
        Add(new ObjectFeature(construct.Name, construct.Meaning, where is null ? 0 : 1, where)
        {
            Unsupported = construct.Advice,
            Code = construct.Code,
            RefusedBy = construct.RefusedBy,
        });

    private void Add(ObjectFeature feature)
    {
        if (_indices.TryGetValue(feature.Name, out int index))
        {
            _features[index] = _features[index] with { Count = _features[index].Count + feature.Count };
            return;
        }

        _indices.Add(feature.Name, _features.Count);
        _features.Add(feature);
    }
}
