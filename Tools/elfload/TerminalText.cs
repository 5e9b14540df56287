namespace ElfLoader.Tools;

/// <summary>Text from inputs, made fit for people and their terminals: all that is not JSON goes through it.</summary>
/// <param name="demangles">Whether names of C++ are shown as in the source.</param>
internal sealed class TerminalText(bool demangles)
{
    /// <summary>With names demangled.</summary>
    internal static TerminalText Demangling { get; } = new(true);

    /// <summary>Whether names of C++ are shown as in the source.</summary>
    internal bool Demangles => demangles;

    /// <summary>A name by itself, for structures that keep others.</summary>
    internal string Name(string name) => demangles ? CxxNames.InText(name) : name;

    /// <summary>Text for a terminal.</summary>
    internal string Of(string text) => Escape(Name(text));

    /// <summary>Replaces characters that a terminal obeys, which a hostile name may hold, by what they are: <c>\x1b</c>.</summary>
    internal static string Escape(string text) => VisibleText.Escape(text);
}
