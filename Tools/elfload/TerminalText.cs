using System.Text;

namespace ElfLoader.Tools;

/// <summary>Text from inputs, made fit for a terminal.</summary>
internal static class TerminalText
{
    /// <summary>Replaces control characters, which a hostile name may hold, by what they are: <c>\x1b</c>.</summary>
    internal static string Escape(string text)
    {
        if (!text.AsSpan().ContainsAnyInRange('\0', '\x1f') && !text.AsSpan().ContainsAnyInRange('\x7f', '\x9f'))
        {
            return text;
        }

        var escaped = new StringBuilder();
        foreach (char character in text)
        {
            _ = char.IsControl(character) ? escaped.Append($"\\x{(int)character:x2}") : escaped.Append(character);
        }

        return escaped.ToString();
    }
}
