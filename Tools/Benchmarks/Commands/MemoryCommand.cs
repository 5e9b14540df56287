using System.CommandLine;
using ElfLoader.Benchmarks.Inputs;
using ElfLoader.Benchmarks.Jobs;
using ElfLoader.Benchmarks.Workloads;
using ElfLoader.Elf;

namespace ElfLoader.Benchmarks.Commands;

/// <summary><c>memory</c>: how much memory one load takes, at its peak and afterwards.</summary>
internal sealed class MemoryCommand : Command
{
    private const int WarmUpObjects = 10;
    private const int WarmUpRuns = 1_000;

    /// <summary>Objects that have what generated ones do not: groups, GOT slots, weak symbols.</summary>
    private const int WarmUpMembers = 4;

    private readonly Argument<string> _list = new("LIST");
    private readonly Option<int> _threads = new("--threads") { DefaultValueFactory = _ => 1 };

    internal MemoryCommand()
        : base("memory", "What 'compare' starts: prints by how many bytes a load raises the memory, at its peak and after.")
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
        Warm(GeneratedObjects.OneFunctionEach(WarmUpObjects), threads, WarmUpRuns);
        Warm(CodeGenerator.Objects.First(WarmUpMembers), threads, WarmUpRuns / 10);
        using (var watch = new PeakMemory())
        {
            _ = watch.Peak;
        }

        ObjectLibrary.TrimAddressSpace();
        long inFiles = PeakMemory.InFiles();
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        GC.WaitForPendingFinalizers();
        Thread.Sleep(200);
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        using var library = new ObjectLibrary("memory", LoadOptions.Inert(threads));
        long before = PeakMemory.Anonymous();
        long peak;
        using (var watch = new PeakMemory())
        {
            _ = library.Load([.. files.Select(file => ElfObject.Read(file.Bytes, file.Name))]);
            peak = watch.Peak;
        }

        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        long after = PeakMemory.Anonymous();
        inFiles = PeakMemory.InFiles() - inFiles;
        GC.KeepAlive(files); // before and after
        Console.WriteLine($"{peak - before + inFiles} {after - before + inFiles} {inFiles}");
    }

    private static void Warm(ObjectSet objects, int threads, int runs)
    {
        var load = new LoadBatch(objects, threads);
        for (int i = 0; i < runs; i++)
        {
            _ = load.Run();
        }
    }
}
