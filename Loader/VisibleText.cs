using System.Buffers;
using System.Text;

namespace ElfLoader;

/// <summary>Text from inputs, made fit to be shown: names in objects, and messages that quote them, may hold anything.</summary>
public static class VisibleText
{
    /// <summary>
    /// What a terminal or an editor obeys instead of showing it: control characters, what ends a line for some, and what
    /// changes the direction of text (Unicode Technical Report 36, "Bidirectional Text Spoofing").
    /// </summary>
    private static readonly SearchValues<char> Obeyed = SearchValues.Create(
    [
        .. Enumerable.Range(0, ' ').Select(code => (char)code),
        .. Enumerable.Range(0x7f, 0x21).Select(code => (char)code),
        '\u061c', '\u200e', '\u200f', '\u2028', '\u2029', '\ufeff',
        '\u202a', '\u202b', '\u202c', '\u202d', '\u202e', '\u2066', '\u2067', '\u2068', '\u2069',
    ]);

    /// <summary>Replaces such characters by what they are: <c>\x1b</c>, <c>\u202e</c>.</summary>
    /// <param name="text">Any text, of one line.</param>
    /// <returns>The text itself, where it has none of them.</returns>
    public static string Escape(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (!text.AsSpan().ContainsAny(Obeyed))
        {
            return text;
        }

        var escaped = new StringBuilder();
        foreach (char character in text)
        {
            _ = !Obeyed.Contains(character) ? escaped.Append(character)
                : character <= byte.MaxValue ? escaped.Append($"\\x{(int)character:x2}")
                : escaped.Append($"\\u{(int)character:x4}");
        }

        return escaped.ToString();
    }
}
