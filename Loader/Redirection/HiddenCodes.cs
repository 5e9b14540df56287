
namespace ElfLoader.Redirection;

/// <summary>Code of a function that only some calls reach.</summary>
/// <param name="Body">Where it is.</param>
/// <param name="Unit">Whose it is.</param>
/// <param name="Thread">
/// The managed thread that runs the initializers of the load which brings it, and may call it already; 0: the unit has been
/// unloaded, and only destructors that it is still owed may call it.
/// </param>
/// <param name="IsNew">
/// Whether the load made the entry: then nobody knows it but that load, and threads which its initializers have started.
/// </param>
internal readonly record struct HiddenCode(ulong Body, LoadedUnit Unit, int Thread, bool IsNew = false);

/// <summary>The hidden code of one entry, the newest last: one piece of each unit, of which there may be any number.</summary>
/// <remarks><see cref="EntryRegistry"/> guards it.</remarks>
internal sealed class HiddenCodes
{
    /// <summary>Up to here, looking through all of them costs no more than hashing.</summary>
    private const int Few = 8;

    private HiddenCode[] _codes = new HiddenCode[2]; // without a unit where one has been taken out
    private int _end;
    private int _count;
    private int _starting; // of loads that are under way
    private Dictionary<LoadedUnit, int>? _places;

    /// <summary>Whether there is none.</summary>
    internal bool IsEmpty => _count is 0;

    /// <summary>Places that were looked at.</summary>
    internal long Steps { get; private set; }

    /// <summary>Adds code as the newest, in the place of what there was of the same unit.</summary>
    internal void Add(in HiddenCode code)
    {
        Remove(code.Unit);
        if (_end == _codes.Length)
        {
            Compact(_count > _codes.Length / 2 ? _codes.Length * 2 : _codes.Length);
        }

        _codes[_end] = code;
        _places?.Add(code.Unit, _end);
        _end++;
        _count++;
        _starting += code.Thread is 0 ? 0 : 1;
    }

    /// <summary>Removes what there is of a unit.</summary>
    internal void Remove(LoadedUnit unit)
    {
        if (PlaceOf(unit) is not (>= 0 and int place))
        {
            return;
        }

        _starting -= _codes[place].Thread is 0 ? 0 : 1;
        _codes[place] = default;
        _ = _places?.Remove(unit);
        _count--;
        while (_end > 0 && _codes[_end - 1].Unit is null)
        {
            _end--;
            Steps++;
        }

        if (_count <= Few / 2)
        {
            _places = null;
        }

        if (_end - _count > Math.Max(Few, _count))
        {
            Compact((_end + 1) / 2);
        }
    }

    /// <summary>The place of a unit's code; -1 if there is none.</summary>
    internal int PlaceOf(LoadedUnit unit)
    {
        if (_places is null && _count > Few)
        {
            _places = [];
            for (int i = 0; i < _end; i++)
            {
                Steps++;
                if (_codes[i].Unit is { } other)
                {
                    _places.Add(other, i);
                }
            }
        }

        if (_places is not null)
        {
            return _places.GetValueOrDefault(unit, -1);
        }

        int place = _end - 1;
        while (place >= 0 && _codes[place].Unit != unit)
        {
            place--;
            Steps++;
        }

        return place;
    }

    /// <summary>Finds the newest code of loads that are under way, of those that are wanted.</summary>
    internal bool TryFindStarting(Predicate<HiddenCode> isWanted, out int place) =>
        TryFindNewest(_starting, code => code.Thread is not 0, isWanted, out place);

    /// <summary>Finds the newest code of units that have been unloaded, of those that are wanted.</summary>
    internal bool TryFindUnloaded(Predicate<HiddenCode> isWanted, out int place) =>
        TryFindNewest(_count - _starting, code => code.Thread is 0, isWanted, out place);

    /// <summary>Code by its place: the newer, the greater.</summary>
    internal HiddenCode this[int place] => _codes[place];

    private bool TryFindNewest(int count, Predicate<HiddenCode> isOfKind, Predicate<HiddenCode> isWanted, out int place)
    {
        place = _end;
        while (count > 0)
        {
            Steps++;
            place--;
            if (_codes[place].Unit is null || !isOfKind(_codes[place]))
            {
                continue;
            }

            if (isWanted(_codes[place]))
            {
                return true;
            }

            count--;
        }

        return false;
    }

    /// <summary>Closes holes.</summary>
    /// <param name="capacity">Room for so many, which are at least as many as there are.</param>
    private void Compact(int capacity)
    {
        HiddenCode[] codes = capacity == _codes.Length ? _codes : new HiddenCode[capacity];
        int count = 0;
        for (int i = 0; i < _end; i++)
        {
            Steps++;
            if (_codes[i] is { Unit: { } unit } code)
            {
                codes[count] = code;
                if (_places is not null)
                {
                    _places[unit] = count;
                }

                count++;
            }
        }

        codes.AsSpan(count).Clear();
        (_codes, _end) = (codes, count);
    }
}
