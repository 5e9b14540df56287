namespace ElfLoader.Linking;

/// <content>Units that go together.</content>
internal sealed partial class UnitGraph
{
    /// <summary>Which of some units uses which others of them.</summary>
    internal Dictionary<LoadedUnit, List<LoadedUnit>> UsesAmong(HashSet<LoadedUnit> units)
    {
        lock (_gate)
        {
            return units.ToDictionary(unit => unit, unit => UsedBy(unit).Where(units.Contains).ToList());
        }
    }
}
