namespace ElfLoader.Tools;

/// <summary>Text from inputs, made fit for a terminal.</summary>
internal static class TerminalText
{
    /// <summary>Replaces characters that a terminal obeys, which a hostile name may hold, by what they are: <c>\x1b</c>.</summary>
    internal static string Escape(string text) => VisibleText.Escape(text);
}
