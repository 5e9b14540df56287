namespace ElfLoader.Linking;

/// <summary>Arrays that the objects of a link have their sections' places, or their symbols' values, in.</summary>
/// <remarks>Ten thousand small objects have few arrays, so that the garbage collector has few to look at.</remarks>
internal struct SharedArray<T>
    where T : struct
{
    /// <summary>Elements that are had at once: their arrays are no large objects, which would cost collections of everything.</summary>
    private const int Most = 1024;

    private T[]? _elements;
    private int _taken;
    private int _expected;

    /// <param name="expected">Elements that will be taken altogether; more may be.</param>
    internal SharedArray(int expected) => _expected = expected;

    /// <summary>Takes elements, which nobody else has: each is the default value.</summary>
    internal T[] Take(int count, out int first)
    {
        if (_elements is null || count > _elements.Length - _taken)
        {
            _elements = new T[Math.Max(count, Math.Min(_expected, Most))];
            _taken = 0;
        }

        first = _taken;
        _taken += count;
        _expected -= Math.Min(count, _expected);
        return _elements;
    }
}
