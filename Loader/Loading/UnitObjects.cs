using System.Collections;
using ElfLoader.Linking;

namespace ElfLoader.Loading;

/// <summary>The objects of a unit, in the order of linking: mostly one, for which there is no array.</summary>
internal readonly struct UnitObjects : IReadOnlyList<LinkObject>
{
    private readonly object? _objects; // an object, or an array of them

    internal UnitObjects(List<LinkObject> objects) => _objects = objects.Count is 1 ? objects[0] : objects.ToArray();

    /// <inheritdoc/>
    public int Count => _objects switch
    {
        LinkObject => 1,
        LinkObject[] objects => objects.Length,
        _ => 0,
    };

    /// <inheritdoc/>
    public LinkObject this[int index] => _objects switch
    {
        LinkObject one when index is 0 => one,
        LinkObject[] objects => objects[index],
        _ => throw new ArgumentOutOfRangeException(nameof(index)),
    };

    /// <inheritdoc/>
    public IEnumerator<LinkObject> GetEnumerator()
    {
        for (int i = 0; i < Count; i++)
        {
            yield return this[i];
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
