using Spectre.Console;

namespace ElfLoader.Tools.Inspecting;

/// <summary>Writes tables: drawn with lines on a terminal, elsewhere in plain columns that other programs can read.</summary>
/// <param name="output">Where to.</param>
/// <param name="terminal">The terminal, if there is one.</param>
/// <param name="text">How text is made fit for it.</param>
internal sealed class TableWriter(TextWriter output, IAnsiConsole? terminal, TerminalText text)
{
    /// <summary>Drawing needs all cells at once, several times over: a longer table is written plainly.</summary>
    private const int MostRowsToDraw = 5_000;

    /// <summary>Columns that are not drawn are made no wider than this, for the sake of a few long names.</summary>
    private const int WidestColumn = 60;

    /// <summary>Writes a line of text.</summary>
    internal void Line(string line = "") => output.WriteLine(text.Of(line));

    /// <summary>Writes a table.</summary>
    /// <param name="columns">The headings; one that begins with '>' is over numbers, which are aligned at their right.</param>
    /// <param name="rows">The cells.</param>
    internal void Table(string[] columns, IReadOnlyList<string[]> rows)
    {
        if (terminal is null || rows.Count > MostRowsToDraw)
        {
            WritePlainly(columns, rows);
        }
        else
        {
            Draw(terminal, columns, rows);
        }
    }

    private void Draw(IAnsiConsole console, string[] columns, IReadOnlyList<string[]> rows)
    {
        output.Flush();
        var table = new Table().Border(TableBorder.Rounded).BorderColor(Color.Grey);
        foreach (string column in columns)
        {
            var heading = new TableColumn(new Text(column.TrimStart('>'), new Style(decoration: Decoration.Bold)));
            table.AddColumn(column.StartsWith('>') ? heading.RightAligned() : heading);
        }

        foreach (string[] row in rows)
        {
            table.AddRow(row.Select(cell => new Text(text.Of(cell))));
        }

        console.Write(table);
    }

    private void WritePlainly(string[] columns, IReadOnlyList<string[]> rows)
    {
        int[] widths = [.. columns.Select(column => column.TrimStart('>').Length)];
        foreach (string[] row in rows)
        {
            for (int i = 0; i < row.Length; i++)
            {
                row[i] = text.Of(row[i]);
                widths[i] = Math.Max(widths[i], Math.Min(row[i].Length, WidestColumn));
            }
        }

        WriteRow(columns, [.. columns.Select(column => column.TrimStart('>'))], widths);
        foreach (string[] row in rows)
        {
            WriteRow(columns, row, widths);
        }
    }

    private void WriteRow(string[] columns, string[] cells, int[] widths)
    {
        for (int i = 0; i < cells.Length; i++)
        {
            bool isLast = i == cells.Length - 1;
            output.Write(i > 0 ? "  " : "");
            output.Write(
                columns[i].StartsWith('>') ? cells[i].PadLeft(widths[i]) : isLast ? cells[i] : cells[i].PadRight(widths[i]));
        }

        output.WriteLine();
    }
}
