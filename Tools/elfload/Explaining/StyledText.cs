using System.Text;

namespace ElfLoader.Tools.Explaining;

/// <summary>How a piece of text looks on a terminal: a parameter of the control sequence SGR (ECMA-48).</summary>
internal enum TextStyle
{
    Plain = 0,
    Bold = 1,
    Faint = 2,
    Red = 31,
    Green = 32,
    Yellow = 33,
    Magenta = 35,
    Cyan = 36,
}

/// <summary>Writes much text quickly, coloured if somebody is to see it.</summary>
/// <param name="stream">Where to.</param>
/// <param name="colored">Whether it is coloured.</param>
/// <param name="forPeople">How text is made fit for people.</param>
internal sealed class StyledText(Stream stream, bool colored, TerminalText forPeople) : IDisposable
{
    private const int BufferSize = 1 << 16;

    private readonly StreamWriter _output = new(stream, new UTF8Encoding(false), BufferSize) { NewLine = "\n" };

    /// <summary>Writes text, which may hold a hostile name.</summary>
    internal StyledText Write(string text, TextStyle style = TextStyle.Plain)
    {
        text = forPeople.Of(text);
        if (colored && style is not TextStyle.Plain)
        {
            _output.Write($"\e[{(int)style}m{text}\e[0m");
        }
        else
        {
            _output.Write(text);
        }

        return this;
    }

    /// <summary>Ends the line.</summary>
    internal void Line() => _output.WriteLine();

    /// <summary>Writes what is left.</summary>
    public void Dispose() => _output.Dispose();
}
