namespace ElfLoader.Elf;

/// <summary>
/// A string table whose last byte is known to be zero, or that is empty (gABI chapter 4, "String Table").
/// </summary>
internal static class StringTable
{
    /// <summary>The string at an offset known to lie in the table, without its zero.</summary>
    public static ReadOnlySpan<byte> At(ReadOnlySpan<byte> table, uint offset)
    {
        if (table.IsEmpty)
        {
            return default;
        }

        ReadOnlySpan<byte> rest = table[(int)offset..];
        return rest[..rest.IndexOf((byte)0)];
    }

    /// <summary>Whether a string is at an offset known to lie in the table: cheaper than to look for the end of what is there.</summary>
    public static bool IsAt(ReadOnlySpan<byte> table, uint offset, ReadOnlySpan<byte> text)
    {
        ReadOnlySpan<byte> rest = From(table, offset);
        return rest.Length > text.Length && rest[text.Length] is 0 && rest.StartsWith(text);
    }

    /// <summary>Whether the string at an offset known to lie in the table begins so.</summary>
    public static bool StartsAt(ReadOnlySpan<byte> table, uint offset, ReadOnlySpan<byte> prefix) => From(table, offset).StartsWith(prefix);

    private static ReadOnlySpan<byte> From(ReadOnlySpan<byte> table, uint offset) => table.IsEmpty ? table : table[(int)offset..];

    /// <summary>Finds a string longer than a limit, looking at few bytes of a table that has none.</summary>
    /// <param name="table">The table.</param>
    /// <param name="limit">Bytes that are not too many.</param>
    /// <param name="offset">Where the string begins.</param>
    /// <param name="length">Bytes in the string.</param>
    public static bool TryFindLonger(ReadOnlySpan<byte> table, int limit, out int offset, out int length)
    {
        // Of blocks half as long as the limit, a longer string fills one: where each has a zero, there is none.
        int step = (limit / 2) + 1;
        for (long next = 0; next < table.Length; next += step)
        {
            int at = (int)next;
            ReadOnlySpan<byte> rest = table[at..];
            if (rest[..Math.Min(step, rest.Length)].Contains((byte)0))
            {
                continue;
            }

            offset = table[..at].LastIndexOf((byte)0) + 1;
            length = at + rest.IndexOf((byte)0) - offset;
            if (length > limit)
            {
                return true;
            }
        }

        offset = length = 0;
        return false;
    }

    /// <summary>Whether an offset lies in the table; offset 0 of an empty table is the empty string.</summary>
    public static bool Contains(ReadOnlySpan<byte> table, uint offset) =>
        offset < (uint)table.Length || offset == 0;
}
