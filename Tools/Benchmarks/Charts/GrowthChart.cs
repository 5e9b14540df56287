using ElfLoader.Benchmarks.Measuring;

namespace ElfLoader.Benchmarks.Charts;

/// <summary>Time for each item over the number of items, both logarithmic: linear growth is a horizontal line.</summary>
internal static class GrowthChart
{
    private const int Width = 760;
    private const int Height = 360;
    private const int Left = 80;
    private const int Right = 150;
    private const int Top = 60;
    private const int Bottom = 40;
    private const int LabelHeight = 15;

    /// <summary>Writes a chart.</summary>
    /// <param name="path">The file.</param>
    /// <param name="title">What grows.</param>
    /// <param name="note">Where and when it was measured.</param>
    /// <param name="sizes">How many items there are.</param>
    /// <param name="contestants">For each contestant what it took for each size.</param>
    public static void Save(string path, string title, string note, int[] sizes, IReadOnlyList<Result[]> contestants)
    {
        double[] all =
        [
            .. contestants.SelectMany(results => results.Zip(sizes)).Where(pair => pair.First.Times is not null)
                .Select(pair => Nanoseconds(pair.First, pair.Second)),
        ];
        if (all is [])
        {
            return;
        }

        double low = Math.Floor(Math.Log10(all.Min()));
        double high = Math.Ceiling(Math.Log10(all.Max()));
        var drawing = new SvgDocument();
        drawing.Text(12, 24, title, "title");
        drawing.Text(12, 42, note, "quiet");
        for (double power = low; power <= high; power++)
        {
            drawing.Line(Left, Y(power), Width - Right, Y(power), "axis");
            drawing.Text(Left - 8, Y(power) + 4, ResultTable.Time(Math.Pow(10, power) / 1e6), "quiet end");
        }

        foreach (int size in sizes)
        {
            drawing.Text(X(size), Height - Bottom + 20, FormattableString.Invariant($"{size:n0}"), "quiet middle");
        }

        List<(double Y, string Name)> labels = [];
        foreach (Result[] results in contestants)
        {
            (double X, double Y)[] points =
            [
                .. results.Zip(sizes).Where(pair => pair.First.Times is not null)
                    .Select(pair => (X(pair.Second), Y(Math.Log10(Nanoseconds(pair.First, pair.Second))))),
            ];
            if (points is [.., var last])
            {
                drawing.Curve(points, Palette.Of(results[0].Name));
                labels.Add((last.Y, results[0].Name));
            }
        }

        double above = 0;
        foreach ((double y, string name) in labels.OrderBy(label => label.Y))
        {
            above = Math.Max(y, above + LabelHeight);
            drawing.Text(Width - Right + 10, above + 4, name);
        }

        drawing.Save(path, Width, Height);

        double X(int size)
        {
            double share = Math.Log10((double)size / sizes[0]) / Math.Log10((double)sizes[^1] / sizes[0]);
            return Left + (share * (Width - Left - Right));
        }

        double Y(double power) => Height - Bottom - ((power - low) / (high - low) * (Height - Top - Bottom));
    }

    private static double Nanoseconds(Result result, int size) => result.Times!.Median * 1e6 / size;
}
