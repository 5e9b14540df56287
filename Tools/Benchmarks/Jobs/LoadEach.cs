using ElfLoader.Benchmarks.Inputs;

namespace ElfLoader.Benchmarks.Jobs;

/// <summary>Loads objects into one library, one by one. Unloading is not timed.</summary>
internal sealed class LoadEach(ObjectSet objects, int threads) : IJob
{
    private readonly (string Name, byte[] Bytes)[] _files = objects.Read();

    /// <inheritdoc/>
    public Measurement Run()
    {
        using var library = new ObjectLibrary("each", LoadOptions.Inert(threads));
        var meter = Meter.Start(threads);
        foreach ((string name, byte[] bytes) in _files)
        {
            _ = library.Load(bytes, name);
        }

        return meter.Stop();
    }
}
