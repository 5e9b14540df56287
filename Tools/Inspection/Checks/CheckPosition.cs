namespace ElfLoader.Inspection.Checks;

/// <summary>A place in a file of checks.</summary>
/// <param name="Line">The line, from 1.</param>
/// <param name="Column">The character of the line, from 1.</param>
public readonly record struct CheckPosition(int Line, int Column)
{
    /// <summary><c>LINE:COLUMN</c>.</summary>
    public override string ToString() => $"{Line}:{Column}";
}
