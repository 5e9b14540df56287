using System.CommandLine;
using ElfLoader.Fuzz.Differential;
using ElfLoader.Fuzz.Faults;
using ElfLoader.Fuzz.Matrix;
using ElfLoader.Fuzz.Mutating;
using ElfLoader.Fuzz.Storms;

namespace ElfLoader.Fuzz;

/// <summary>The fuzzers.</summary>
internal static class Program
{
    private static int Main(string[] arguments) =>
        new RootCommand("Looks for input that breaks the reader, the linker or the loader, and for places where they differ from other linkers.")
        {
            new MutateCommand(),
            new DifferentialCommand(),
            new MatrixCommand(),
            new FaultsCommand(),
            new StormCommand(),
            new CheckCommand(),
            new WorkerCommand(),
            new TrialCommand(),
        }.Parse(arguments).Invoke();
}
