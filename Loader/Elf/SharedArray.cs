namespace ElfLoader.Elf;

/// <summary>Arrays that objects have their sections of relocations, their sections' places, their symbols' values, or their stubs in.</summary>
/// <remarks>
/// Ten thousand small objects have few arrays, so that the garbage collector has few to look at: whether they are linked together,
/// or one after the other. An array stays until the last object has gone that has elements in it.
/// </remarks>
internal struct SharedArray<T>
    where T : struct
{
    /// <summary>Elements that are had at once: their arrays are no large objects, which would cost collections of everything.</summary>
    private const int Most = 1024;

    private T[]? _elements;
    private int _taken;
    private int _expected;

    /// <summary>Announces how many elements will be taken next altogether; more may be.</summary>
    internal void Expect(int count) => _expected = count;

    /// <summary>Takes elements, which nobody else has: each is the default value.</summary>
    internal T[] Take(int count, out int first)
    {
        if (_elements is null || count > _elements.Length - _taken)
        {
            int likely = _elements is null ? 0 : _elements.Length * 2; // whoever goes on taking gets ever larger ones
            _elements = new T[Math.Max(count, Math.Min(Math.Max(_expected, likely), Most))];
            _taken = 0;
        }

        first = _taken;
        _taken += count;
        _expected -= Math.Min(count, _expected);
        return _elements;
    }
}
