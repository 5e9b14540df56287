using System.CommandLine;
using ElfLoader.Benchmarks.Commands;

namespace ElfLoader.Benchmarks;

/// <summary>Measures this loader, and what it competes with.</summary>
internal static class Program
{
    private static int Main(string[] arguments)
    {
        var root = new RootCommand("Measures ElfLoader, its peers and the floor, on the same objects in the same run.")
        {
            new CompareCommand(),
            new PartsCommand(),
            new ProfileCommand(),
            new WorkerCommand(),
            new MemoryCommand(),
        };
        try
        {
            return root.Parse(arguments).Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
        }
        catch (MeasurementException exception)
        {
            Console.Error.WriteLine(exception.Message);
            return 1;
        }
    }
}
