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

    /// <summary>Whether an offset lies in the table; offset 0 of an empty table is the empty string.</summary>
    public static bool Contains(ReadOnlySpan<byte> table, uint offset) =>
        offset < (uint)table.Length || offset == 0;
}
