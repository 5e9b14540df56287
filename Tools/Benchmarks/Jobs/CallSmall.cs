using ElfLoader.Benchmarks.Inputs;

namespace ElfLoader.Benchmarks.Jobs;

/// <summary>
/// Loads one small object into a library that others may have been loaded into: from bytes to the address of a function
/// that can be called, as a compiler that runs in the same process does.
/// </summary>
internal sealed class CallSmall : IJob, IDisposable
{
    private readonly ObjectLibrary _library;
    private readonly byte[] _bytes;

    /// <summary>Prepares it.</summary>
    public CallSmall(ObjectSet objects, int threads)
    {
        _library = new ObjectLibrary("small", new ObjectLibraryOptions { MaximumParallelism = threads });
        _bytes = objects.Read()[0].Bytes;
    }

    /// <inheritdoc/>
    public Measurement Run()
    {
        var meter = Meter.Start();
        LoadedUnit unit = _library.Load(_bytes, "small.o");
        _ = _library.GetExport("small");
        Measurement measurement = meter.Stop();
        unit.Unload();
        return measurement;
    }

    /// <inheritdoc/>
    public void Dispose() => _library.Dispose();
}
