namespace ElfLoader;

/// <summary>Finds what somebody may have meant who wrote a name that does not exist.</summary>
public static class NearestName
{
    /// <summary>The distance of names that are not close.</summary>
    internal const int Far = int.MaxValue;

    /// <summary>The distance of names that differ in case alone; each letter that differs counts one more.</summary>
    internal const int CaseOnly = 1;

    private const int Shortest = 3; // everything is like a name of fewer letters
    private const int Longest = 256;
    private const int Letters = 8; // of a name that may differ in two

    /// <summary>Finds the name closest to another: the same but for case, or for one letter, or for two of a long name.</summary>
    /// <param name="name">A name that does not exist.</param>
    /// <param name="candidates">Those that do.</param>
    /// <returns>One of them; null where none is close.</returns>
    public static string? Find(string name, IEnumerable<string> candidates)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(candidates);
        string? best = null;
        int least = Far;
        foreach (string candidate in candidates)
        {
            if (candidate == name)
            {
                continue;
            }

            int distance = Between(name, candidate);
            if (distance < least)
            {
                (best, least) = (candidate, distance);
                if (distance is CaseOnly)
                {
                    break;
                }
            }
        }

        return best;
    }

    /// <summary>How far a name is from another: 0 for the same, <see cref="CaseOnly"/>, more for letters, or <see cref="Far"/>.</summary>
    internal static int Between(ReadOnlySpan<char> name, ReadOnlySpan<char> candidate)
    {
        if (name.Length is 0 or > Longest)
        {
            return Far;
        }

        int limit = LimitOf(name);
        if (Math.Abs(candidate.Length - name.Length) >= limit)
        {
            return Far;
        }

        if (candidate.Equals(name, StringComparison.OrdinalIgnoreCase))
        {
            return candidate.SequenceEqual(name) ? 0 : CaseOnly;
        }

        int letters = name.Length < Shortest ? limit : Distance(name, candidate, limit);
        return letters < limit ? CaseOnly + letters : Far;
    }

    /// <summary>One more than the letters in which a name may differ.</summary>
    private static int LimitOf(ReadOnlySpan<char> name) => name.Length < Shortest ? 1 : name.Length < Letters ? 2 : 3;

    /// <summary>
    /// Letters to insert, leave out, replace or swap with the next; at most the limit. A path of fewer has no cell that is as far
    /// from the diagonal as the limit, so only those between are computed (Ukkonen, "Algorithms for Approximate String Matching").
    /// </summary>
    private static int Distance(ReadOnlySpan<char> left, ReadOnlySpan<char> right, int limit)
    {
        const int room = Longest + 4;
        Span<int> before = stackalloc int[room];
        Span<int> last = stackalloc int[room];
        Span<int> row = stackalloc int[room];
        for (int j = 0; j <= limit; j++)
        {
            last[j] = j;
        }

        for (int i = 1; i <= left.Length; i++)
        {
            int from = Math.Max(1, i - limit + 1);
            int to = Math.Min(right.Length, i + limit - 1);
            row[from - 1] = from is 1 ? i : limit;
            int least = row[from - 1];
            for (int j = from; j <= to; j++)
            {
                int cost = left[i - 1] == right[j - 1] ? 0 : 1;
                row[j] = Math.Min(Math.Min(last[j] + 1, row[j - 1] + 1), last[j - 1] + cost);
                if (i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1])
                {
                    row[j] = Math.Min(row[j], before[j - 2] + 1);
                }

                least = Math.Min(least, row[j]);
            }

            row[to + 1] = limit;
            if (least >= limit)
            {
                return limit;
            }

            Span<int> oldest = before;
            before = last;
            last = row;
            row = oldest;
        }

        return Math.Min(last[right.Length], limit);
    }
}
