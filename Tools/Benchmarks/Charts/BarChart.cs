using ElfLoader.Benchmarks.Measuring;

namespace ElfLoader.Benchmarks.Charts;

/// <summary>Medians as bars, with their quartiles.</summary>
internal static class BarChart
{
    private const int Width = 760;
    private const int Left = 180;
    private const int Right = 150;
    private const int Row = 30;
    private const int Top = 60;

    /// <summary>Writes a chart.</summary>
    public static void Save(string path, string title, string note, IReadOnlyList<Result> results)
    {
        var drawing = new SvgDocument();
        drawing.Text(12, 24, title, "title");
        drawing.Text(12, 42, note, "quiet");
        Result[] rows = [.. results.Where(result => result.Times is not null)];
        if (rows is not [{ Times: { } reference }, ..])
        {
            return;
        }

        double scale = (Width - Left - Right) / rows.Max(row => row.Times!.UpperQuartile);
        for (int i = 0; i < rows.Length; i++)
        {
            Samples times = rows[i].Times!;
            double y = Top + (i * Row);
            drawing.Text(Left - 10, y + 15, rows[i].Name, "end");
            drawing.Bar(Left, y, Math.Max(1, times.Median * scale), Row - 10, Palette.Of(rows[i].Name));
            double middle = y + ((Row - 10) / 2);
            double end = Left + (times.UpperQuartile * scale);
            drawing.Line(Left + (times.LowerQuartile * scale), middle, end, middle, "spread");
            drawing.Text(
                end + 8,
                y + 15,
                FormattableString.Invariant($"{ResultTable.Time(times.Median)} ({times.Median / reference.Median:0.00}×)"));
        }

        drawing.Line(Left, Top - 6, Left, Top + (rows.Length * Row), "axis");
        drawing.Save(path, Width, Top + (rows.Length * Row) + 12);
    }
}
