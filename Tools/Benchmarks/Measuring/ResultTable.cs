using System.Globalization;

namespace ElfLoader.Benchmarks.Measuring;

/// <summary>Prints results as a table.</summary>
internal static class ResultTable
{
    /// <summary>Prints; the ratio is of a row's median to that of the reference.</summary>
    /// <param name="title">What was measured.</param>
    /// <param name="results">The rows.</param>
    /// <param name="reference">The row that others are compared with.</param>
    public static void Print(string title, IReadOnlyList<Result> results, Result reference)
    {
        Console.WriteLine();
        Console.WriteLine(title);
        int width = results.Max(result => result.Name.Length);
        Console.WriteLine(
            $"  {"".PadRight(width)} {"median",10} {"minimum",10} {"quartiles",19} {"runs",5} {"ratio",7} {"allocated",11}");
        foreach (Result result in results)
        {
            string name = result.Name.PadRight(width);
            Console.WriteLine(result.Times is { } times
                ? $"  {name} {Time(times.Median),10} {Time(times.Minimum),10} "
                    + $"{Time(times.LowerQuartile),9}-{Time(times.UpperQuartile),-9} {times.Count,5} "
                    + $"{Ratio(times, reference.Times),7} {Bytes(result.Allocated),11}{Note(result)}"
                : $"  {name} {Note(result)}");
        }
    }

    /// <summary>A time with its unit.</summary>
    public static string Time(double milliseconds) => milliseconds switch
    {
        < 0.0009995 => Format($"{milliseconds * 1e6:0} ns"),
        < 0.9995 => Format($"{milliseconds * 1000:0.0} us"),
        < 9.995 => Format($"{milliseconds:0.00} ms"),
        < 9999.5 => Format($"{milliseconds:0.0} ms"),
        _ => Format($"{milliseconds / 1000:0.0} s"),
    };

    /// <summary>A number of bytes with its unit.</summary>
    public static string Bytes(long? bytes) => bytes switch
    {
        null => "",
        < 10_000 => Format($"{bytes} B"),
        < 10_000_000 => Format($"{bytes / 1e3:0.0} kB"),
        _ => Format($"{bytes / 1e6:0.0} MB"),
    };

    private static string Ratio(Samples times, Samples? reference) =>
        reference is null ? "" : Format($"{times.Median / reference.Median:0.00}");

    private static string Note(Result result) => result.Note is { Length: > 0 } note ? $" ({note})" : "";

    private static string Format(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
