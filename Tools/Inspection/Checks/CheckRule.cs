namespace ElfLoader.Inspection.Checks;

/// <summary>One rule: an equation, as a file states it in one line or several.</summary>
public sealed class CheckRule
{
    private readonly (int Start, CheckPosition Position)[] _lines;

    internal CheckRule(string file, string text, IEnumerable<(int Start, CheckPosition Position)> lines)
    {
        File = file;
        Text = text;
        _lines = [.. lines];
    }

    /// <summary>Makes a rule that stands in one line.</summary>
    /// <param name="file">Name of its file, for messages.</param>
    /// <param name="text">The equation.</param>
    /// <param name="position">Where it starts.</param>
    public CheckRule(string file, string text, CheckPosition position)
        : this(file, text, [(0, position)])
    {
    }

    /// <summary>The file it stands in.</summary>
    public string File { get; }

    /// <summary>The equation; lines that were continued are joined.</summary>
    public string Text { get; }

    /// <summary>Where it starts.</summary>
    public CheckPosition Start => PositionOf(0);

    /// <summary>Where a character of <see cref="Text"/> stands in the file.</summary>
    /// <param name="offset">Characters from the start of the text; its length for the end.</param>
    public CheckPosition PositionOf(int offset)
    {
        int line = _lines.Length - 1;
        while (line > 0 && _lines[line].Start > offset)
        {
            line--;
        }

        CheckPosition start = _lines[line].Position;
        return start with { Column = start.Column + offset - _lines[line].Start };
    }
}
