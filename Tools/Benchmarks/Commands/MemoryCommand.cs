using System.CommandLine;
using ElfLoader.Benchmarks.Inputs;
using ElfLoader.Benchmarks.Jobs;
using ElfLoader.Elf;

namespace ElfLoader.Benchmarks.Commands;

/// <summary><c>memory</c>: how much memory one load takes, at its peak and afterwards.</summary>
internal sealed class MemoryCommand : Command
{
    private const int WarmUpObjects = 10;
    private const int WarmUpRuns = 1_000;

    private readonly Argument<string> _list = new("LIST");
    private readonly Option<int> _threads = new("--threads") { DefaultValueFactory = _ => 1 };

    internal MemoryCommand()
        : base("memory", "What 'compare' starts: prints by how many bytes a load raises the PSS, at its peak and after.")
    {
        Hidden = true;
        Add(_list);
        Add(_threads);
        SetAction(result => Measure(ObjectSet.Listed(result.GetRequiredValue(_list)), result.GetValue(_threads)));
    }

    private static void Measure(ObjectSet objects, int threads)
    {
        (string Name, byte[] Bytes)[] files = objects.Read();

        // Code that is compiled at its first use is not what is asked for. But these loads are small ones, because memory
        // that the loader kept from a large one for the next would be missing from the difference.
        var warmUp = new LoadBatch(GeneratedObjects.OneFunctionEach(WarmUpObjects), threads);
        for (int i = 0; i < WarmUpRuns; i++)
        {
            _ = warmUp.Run();
        }

        using (var watch = new PeakMemory())
        {
            _ = watch.Peak;
        }

        ObjectLibrary.TrimAddressSpace();
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        GC.WaitForPendingFinalizers();
        Thread.Sleep(200);
        long before = PeakMemory.Current();
        long peak;
        using var library = new ObjectLibrary("memory", LoadOptions.Inert(threads));
        using (var watch = new PeakMemory())
        {
            _ = library.Load([.. files.Select(file => ElfObject.Read(file.Bytes, file.Name))]);
            peak = watch.Peak;
        }

        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        Console.WriteLine($"{peak - before} {PeakMemory.Current() - before}");
    }
}
