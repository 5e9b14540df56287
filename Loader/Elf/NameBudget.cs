using ElfLoader.Memory;

namespace ElfLoader.Elf;

/// <summary>
/// How many bytes the names of a table may have together, each counted as often as it is used. Names may share bytes, as one may
/// be the end of another; without a bound, what is done for each name takes time and memory out of proportion to the file.
/// </summary>
/// <remarks>Real files stay below their own size a few times over; <c>.rela.text</c> and <c>.text</c> share bytes, too.</remarks>
internal static class NameBudget
{
    private const long TimesTheFile = 16;
    private const long Always = 1 << 16;

    /// <summary>The bytes that names may have in a file of that size.</summary>
    internal static long Of(int fileSize) => Always + (TimesTheFile * fileSize);

    /// <summary>Whether any names that so many entries may have are within the budget: looks at few bytes, and at no entry.</summary>
    internal static bool IsSurelyKept(ReadOnlySpan<byte> strings, int entries, int fileSize) =>
        (long)strings.Length * entries <= Of(fileSize) // as of all small files
        || !StringTable.TryFindLonger(strings, (int)Math.Min(Of(fileSize) / entries, int.MaxValue - 2), out _, out _);

    /// <summary>What is wrong where it is exceeded.</summary>
    internal static string Exceeded(string what, int fileSize) =>
        $"names of {what} have more than {CountText.Of(Of(fileSize), "byte")} together, {TimesTheFile} times the file, as they share bytes";
}
