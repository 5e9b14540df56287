namespace ElfLoader;

/// <summary>Finds what somebody may have meant who wrote a name that does not exist.</summary>
public static class NearestName
{
    /// <summary>Finds the name closest to another: the same but for case, or for one letter, or for two of a long name.</summary>
    /// <param name="name">A name that does not exist.</param>
    /// <param name="candidates">Those that do.</param>
    /// <returns>One of them; null where none is close.</returns>
    public static string? Find(string name, IEnumerable<string> candidates)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(candidates);
        const int shortest = 3; // everything is like a name of fewer letters
        const int longest = 256;
        const int letters = 8; // of a name that may differ in two
        if (name.Length is 0 or > longest)
        {
            return null;
        }

        string? best = null;
        int least = name.Length < shortest ? 1 : name.Length < letters ? 2 : 3;
        foreach (string candidate in candidates)
        {
            if (candidate == name || Math.Abs(candidate.Length - name.Length) >= least)
            {
                continue;
            }

            if (candidate.Equals(name, StringComparison.OrdinalIgnoreCase))
            {
                return candidate;
            }

            int distance = name.Length < shortest ? int.MaxValue : Distance(name, candidate, least);
            if (distance < least)
            {
                (best, least) = (candidate, distance);
            }
        }

        return best;
    }

    /// <summary>Letters to insert, leave out, replace or swap with the next; at most the limit.</summary>
    private static int Distance(string left, string right, int limit)
    {
        int[] before = new int[right.Length + 1];
        int[] last = [.. Enumerable.Range(0, right.Length + 1)];
        int[] row = new int[right.Length + 1];
        for (int i = 1; i <= left.Length; i++)
        {
            row[0] = i;
            int least = i;
            for (int j = 1; j <= right.Length; j++)
            {
                int cost = left[i - 1] == right[j - 1] ? 0 : 1;
                row[j] = Math.Min(Math.Min(last[j] + 1, row[j - 1] + 1), last[j - 1] + cost);
                if (i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1])
                {
                    row[j] = Math.Min(row[j], before[j - 2] + 1);
                }

                least = Math.Min(least, row[j]);
            }

            if (least >= limit)
            {
                return limit;
            }

            (before, last, row) = (last, row, before);
        }

        return Math.Min(last[right.Length], limit);
    }
}
