using System.Diagnostics.CodeAnalysis;

namespace ElfLoader.Libraries;

/// <summary>Units in the order in which they came. Any of them is taken out at the same cost, however many there are.</summary>
/// <remarks>A unit is in one list at a time, and knows its place there. Not thread-safe: the library guards it.</remarks>
internal sealed class UnitList
{
    private const int FewHoles = 16;

    private readonly List<LoadedUnit?> _places = []; // null where a unit has been taken out
    private int _first; // no unit stands before it

    /// <summary>Number of units.</summary>
    internal int Count { get; private set; }

    /// <summary>The place that the next unit gets: while none is taken out, those that are added stand from here on.</summary>
    internal int End => _places.Count;

    /// <summary>The unit that came last; null if there is none.</summary>
    internal LoadedUnit? Last => _places is [.., var last] ? last : null;

    /// <summary>Places that were looked at.</summary>
    internal long Steps { get; private set; }

    /// <summary>Whether a unit is in this list.</summary>
    internal bool Contains(LoadedUnit unit) => unit.Place is > 0 and int place && place <= _places.Count && _places[place - 1] == unit;

    /// <summary>Adds a unit behind the others. It is in no list.</summary>
    internal void Add(LoadedUnit unit)
    {
        _places.Add(unit);
        unit.Place = _places.Count;
        Count++;
    }

    /// <summary>Takes a unit out.</summary>
    /// <returns>Whether it was in the list.</returns>
    internal bool Remove(LoadedUnit unit)
    {
        if (!Contains(unit))
        {
            return false;
        }

        _places[unit.Place - 1] = null;
        unit.Place = 0;
        Count--;
        while (_places is [.., null])
        {
            _places.RemoveAt(_places.Count - 1);
            Steps++;
        }

        _first = Math.Min(_first, _places.Count); // the next unit may come to a place that was a hole
        if (_places.Count - Count > Math.Max(FewHoles, Count))
        {
            Compact();
        }

        return true;
    }

    /// <summary>Tells the unit that came first.</summary>
    internal bool TryGetFirst([NotNullWhen(true)] out LoadedUnit? unit)
    {
        while (_first < _places.Count && _places[_first] is null)
        {
            _first++;
            Steps++;
        }

        unit = _first < _places.Count ? _places[_first] : null;
        return unit is not null;
    }

    /// <summary>The units from a place on.</summary>
    internal IEnumerable<LoadedUnit> From(int place)
    {
        for (int i = place; i < _places.Count; i++)
        {
            Steps++;
            if (_places[i] is { } unit)
            {
                yield return unit;
            }
        }
    }

    /// <summary>A copy.</summary>
    internal LoadedUnit[] ToArray()
    {
        var units = new LoadedUnit[Count];
        int count = 0;
        foreach (LoadedUnit unit in From(0))
        {
            units[count++] = unit;
        }

        return units;
    }

    private void Compact()
    {
        int count = 0;
        for (int i = 0; i < _places.Count; i++)
        {
            Steps++;
            if (_places[i] is { } unit)
            {
                _places[count++] = unit;
                unit.Place = count;
            }
        }

        _places.RemoveRange(count, _places.Count - count);
        _first = 0;
    }
}
