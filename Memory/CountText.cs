using System.Globalization;
using System.Numerics;

namespace ElfLoader.Memory;

/// <summary>Numbers in messages, with the word for what is counted.</summary>
public static class CountText
{
    /// <summary>Writes a number with its word: <c>1 place</c>, <c>2 places</c>, <c>3 entries</c>.</summary>
    /// <param name="count">The number.</param>
    /// <param name="singular">The word for one of them.</param>
    /// <param name="format">How the number is written: plainly, or grouped (<c>N0</c>).</param>
    public static string Of<T>(T count, string singular, string format = "")
        where T : IBinaryInteger<T>
    {
        ArgumentNullException.ThrowIfNull(singular);
        string word = count == T.One ? singular : singular.EndsWith('y') ? $"{singular.AsSpan(..^1)}ies" : $"{singular}s";
        return $"{count.ToString(format, CultureInfo.InvariantCulture)} {word}";
    }
}
