using System.Globalization;
using ElfLoader.Benchmarks.Inputs;
using ElfLoader.Benchmarks.Measuring;

namespace ElfLoader.Benchmarks.Workloads;

/// <summary>Memory that a load takes, the objects' bytes apart, beside the size of what it maps.</summary>
internal static class MemoryUse
{
    private const int Processes = 3;

    /// <summary>At its peak, and afterwards.</summary>
    public static Workload Peak { get; } = new("memory", _ => Compare());

    private static void Compare()
    {
        Console.WriteLine();
        Console.WriteLine($"memory: anonymous PSS and memory files beside what was there before, medians of {Processes} processes");
        Console.WriteLine($"  {"",-30} {"to map",11} {"peak",11} {"ratio",6} {"after",11} {"ratio",6}");
        Print("libLLVMX86CodeGen.a", CodeGenerator.Objects);
        Print("1,000,000 relocations", GeneratedObjects.Relocations(1_000_000));
        Print("all archives of LLVM 14", LlvmArchives.Objects());
    }

    private static void Print(string name, ObjectSet objects)
    {
        string program = Path.Combine(AppContext.BaseDirectory, "ElfLoader.Benchmarks");
        long[][] figures =
            [.. Enumerable.Range(0, Processes).Select(_ => Parse(
                // Else code that is compiled again while the load runs would be counted.
                Shell.Run("env", "DOTNET_TieredCompilation=0", program, "memory", objects.List)))];
        long mapped = objects.BytesToMap;
        long peak = Median(figures, 0);
        long after = Median(figures, 1);
        Console.WriteLine(FormattableString.Invariant(
            $"  {name,-30} {ResultTable.Bytes(mapped),11} {ResultTable.Bytes(peak),11} {(double)peak / mapped,6:0.00} ")
            + FormattableString.Invariant($"{ResultTable.Bytes(after),11} {(double)after / mapped,6:0.00}"));
    }

    private static long[] Parse(string text) =>
        Array.ConvertAll(text.Trim().Split(' '), number => long.Parse(number, CultureInfo.InvariantCulture));

    private static long Median(long[][] figures, int column) =>
        figures.Select(row => row[column]).Order().ElementAt(figures.Length / 2);
}
