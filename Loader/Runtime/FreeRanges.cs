namespace ElfLoader.Runtime;

/// <summary>The free parts of a small range of numbers, lowest first. Not thread-safe.</summary>
internal sealed class FreeRanges
{
    private readonly List<(int Start, int End)> _free;

    /// <summary>Starts with all of it free.</summary>
    public FreeRanges(int start, int end) => _free = [(start, end)];

    /// <summary>How much is free, in all parts together.</summary>
    public int Total => _free.Sum(range => range.End - range.Start);

    /// <summary>Takes the first part that is large enough.</summary>
    /// <param name="size">At least 1.</param>
    /// <param name="alignment">A power of two that the start must be a multiple of.</param>
    /// <param name="start">Where it is.</param>
    public bool TryTake(int size, int alignment, out int start)
    {
        for (int i = 0; i < _free.Count; i++)
        {
            (int first, int end) = _free[i];
            start = (first + alignment - 1) & -alignment;
            if (end - start < size)
            {
                continue;
            }

            _free.RemoveAt(i);
            Add(i, start + size, end);
            Add(i, first, start);
            return true;
        }

        start = 0;
        return false;
    }

    /// <summary>Gives a part back.</summary>
    public void Return(int start, int size)
    {
        int end = start + size;
        int i = _free.FindIndex(range => range.Start >= end);
        i = i < 0 ? _free.Count : i;
        if (i < _free.Count && _free[i].Start == end)
        {
            end = _free[i].End;
            _free.RemoveAt(i);
        }

        if (i > 0 && _free[i - 1].End == start)
        {
            start = _free[i - 1].Start;
            _free.RemoveAt(--i);
        }

        Add(i, start, end);
    }

    private void Add(int index, int start, int end)
    {
        if (start < end)
        {
            _free.Insert(index, (start, end));
        }
    }
}
