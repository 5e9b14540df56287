using ElfLoader.Benchmarks.Inputs;
using ElfLoader.Elf;

namespace ElfLoader.Benchmarks.Jobs;

/// <summary>Loads objects as one batch: from bytes to sealed and published. Unloading is not timed.</summary>
internal sealed class LoadBatch(ObjectSet objects, int threads) : IJob
{
    private readonly (string Name, byte[] Bytes)[] _files = objects.Read();

    /// <inheritdoc/>
    public Measurement Run()
    {
        using var library = new ObjectLibrary("batch", LoadOptions.Inert(threads));
        var meter = Meter.Start(threads);
        var read = new ElfObject[_files.Length];
        for (int i = 0; i < read.Length; i++)
        {
            read[i] = ElfObject.Read(_files[i].Bytes, _files[i].Name);
        }

        _ = library.Load(read);
        return meter.Stop();
    }
}
