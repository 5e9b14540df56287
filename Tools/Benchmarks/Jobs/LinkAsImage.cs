using ElfLoader.Benchmarks.Inputs;
using ElfLoader.Elf;

namespace ElfLoader.Benchmarks.Jobs;

/// <summary>Links objects as a static executable, in memory: from bytes to the image, not written to a file.</summary>
internal sealed class LinkAsImage(ObjectSet objects) : IJob
{
    private readonly (string Name, byte[] Bytes)[] _files = objects.Read();

    /// <inheritdoc/>
    public Measurement Run()
    {
        var linker = new ImageLinker(new ImageOptions { AllowUndefined = true });
        var meter = Meter.Start();
        ElfObject[] read = [.. _files.Select(file => ElfObject.Read(file.Bytes, file.Name))];
        _ = linker.Link(read);
        return meter.Stop();
    }
}
