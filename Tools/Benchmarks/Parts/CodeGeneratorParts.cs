using BenchmarkDotNet.Attributes;
using ElfLoader.Benchmarks.Jobs;
using ElfLoader.Benchmarks.Workloads;
using ElfLoader.Elf;

namespace ElfLoader.Benchmarks.Parts;

/// <summary>The steps of loading the 59 objects of LLVM's x86 code generator.</summary>
[MemoryDiagnoser]
[System.Diagnostics.CodeAnalysis.SuppressMessage("Design", "CA1001", Justification = "BenchmarkDotNet calls the method marked GlobalCleanup; the class cannot be sealed.")]
public class CodeGeneratorParts
{
    private readonly ObjectLibrary _empty = new("empty", LoadOptions.Inert(1));
    private (string Name, byte[] Bytes)[] _files = [];
    private ElfObject[] _objects = [];
    private PreparedLink? _prepared;

    /// <summary>Reads the files.</summary>
    [GlobalSetup]
    public void Prepare()
    {
        _files = CodeGenerator.Objects.Read();
        _objects = ReadObjects();
        _prepared = new PreparedLink(_objects);
    }

    /// <summary>Gives memory back.</summary>
    [GlobalCleanup]
    public void CleanUp()
    {
        _prepared?.Dispose();
        _empty.Dispose();
    }

    /// <summary>Validates the files.</summary>
    [Benchmark]
    public ElfObject[] ReadObjects() => Array.ConvertAll(_files, file => ElfObject.Read(file.Bytes, file.Name));

    /// <summary>Finds the definition of every name.</summary>
    [Benchmark]
    public void ResolveSymbols() => PreparedLink.Resolve(_empty, _objects);

    /// <summary>Copies all sections into memory that is there already, and applies all relocations.</summary>
    [Benchmark]
    public void CopyAndRelocate() => _prepared!.Relocate();

    /// <summary>All steps but reading; and unloading.</summary>
    [Benchmark]
    public void LoadAndUnload()
    {
        using var library = new ObjectLibrary("parts", LoadOptions.Inert(1));
        _ = library.Load(_objects);
    }

    /// <summary>Links a static executable, in memory.</summary>
    [Benchmark]
    public LinkedImage LinkImage() => new ImageLinker(new ImageOptions { AllowUndefined = true }).Link(_objects);
}
