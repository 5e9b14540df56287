namespace ElfLoader.Libraries;

/// <summary>How much of which other units one unit uses, while it is linked.</summary>
internal sealed class UnitUses
{
    /// <summary>Up to here, looking through all of them costs no more than hashing.</summary>
    private const int Few = 8;

    private (LoadedUnit Unit, UnitUse Use)[] _uses = [];
    private Dictionary<LoadedUnit, int>? _places;
    private int _count;

    /// <summary>The units, each once, in the order in which they came.</summary>
    internal ReadOnlySpan<(LoadedUnit Unit, UnitUse Use)> All => _uses.AsSpan(0, _count);

    /// <summary>Forgets all of a link, so that there can be another one.</summary>
    internal void Clear()
    {
        Array.Clear(_uses);
        _places = null;
        _count = 0;
    }

    /// <summary>Notes that so much of a unit is used, too.</summary>
    internal void Add(LoadedUnit unit, UnitUse use)
    {
        int place = PlaceOf(unit);
        if (place >= 0)
        {
            _uses[place].Use |= use;
            return;
        }

        if (_count == _uses.Length)
        {
            Array.Resize(ref _uses, Math.Max(1, _count * 2));
        }

        _uses[_count] = (unit, use);
        _places?.Add(unit, _count);
        _count++;
    }

    private int PlaceOf(LoadedUnit unit)
    {
        if (_count <= Few)
        {
            int place = _count - 1;
            while (place >= 0 && _uses[place].Unit != unit)
            {
                place--;
            }

            return place;
        }

        if (_places is null)
        {
            _places = [];
            for (int i = 0; i < _count; i++)
            {
                _places.Add(_uses[i].Unit, i);
            }
        }

        return _places.GetValueOrDefault(unit, -1);
    }
}
