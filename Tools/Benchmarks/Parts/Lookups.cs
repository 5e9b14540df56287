using BenchmarkDotNet.Attributes;
using ElfLoader.Benchmarks.Inputs;
using ElfLoader.Benchmarks.Jobs;

namespace ElfLoader.Benchmarks.Parts;

/// <summary>Finding functions of a library that holds 10,000.</summary>
[MemoryDiagnoser]
[System.Diagnostics.CodeAnalysis.SuppressMessage("Design", "CA1001", Justification = "BenchmarkDotNet calls the method marked GlobalCleanup; the class cannot be sealed.")]
public class Lookups
{
    private const int Count = 10_000;

    private readonly ObjectLibrary _library = new("lookups", LoadOptions.Inert(1));
    private readonly string[] _names = [.. Enumerable.Range(0, Count).Select(i => $"f{i}")];
    private int _next;

    /// <summary>Loads the functions.</summary>
    [GlobalSetup]
    public void Load() => _library.Load([.. GeneratedObjects.OneFunctionEach(Count).Paths]);

    /// <summary>Unloads them.</summary>
    [GlobalCleanup]
    public void Unload() => _library.Dispose();

    /// <summary>A name that is there.</summary>
    [Benchmark]
    public nint Find()
    {
        _next = (_next + 7919) % Count;
        return _library.GetExport(_names[_next]);
    }

    /// <summary>A name that is not there.</summary>
    [Benchmark]
    public bool Miss() => _library.TryGetExport("no such function", out _);
}
