using ElfLoader.Arch.X64;
using ElfLoader.Benchmarks.Jobs;
using ElfLoader.Elf;
using ElfLoader.Linking;
using ElfLoader.Loading;
using ElfLoader.Memory;

namespace ElfLoader.Benchmarks.Parts;

/// <summary>
/// A load that has come as far as its memory, so that the step after can be measured; steps go by the order of
/// <c>UnitLinker</c>. Relocating can be repeated, because it starts from the objects' bytes.
/// </summary>
internal sealed class PreparedLink : IDisposable
{
    private static readonly LinkRules Rules = new(X64.Instance);

    private readonly LinkErrors _errors = new();
    private readonly StubTable _stubs = new();
    private readonly ObjectLibrary _library = new("parts", LoadOptions.Inert(1));
    private readonly SymbolResolution _resolution;
    private readonly UnitLayout _layout;
    private readonly MemoryAllocation _allocation;
    private readonly RelocationContext _context;

    /// <summary>Takes the steps.</summary>
    public PreparedLink(ElfObject[] objects)
    {
        var services = new UnitServices();
        var bounds = new UnitBounds();
        var scope = new ProcessScope(_library, services, bounds);
        _resolution = new SymbolResolution(scope, _errors);
        _resolution.Begin(objects);
        _resolution.Resolve();
        var values = new SymbolValues(_resolution, Rules.Architecture);
        values.ClassifyNames();
        new RelocationScan(Rules, _resolution, _errors, _stubs, allowUndefined: true).Run(values);
        _layout = new UnitLayout(_resolution, _errors);
        bounds.Layout = _layout;
        services.Tls = _layout.Tls;
        services.UsesTrap = true;
        _layout.Plan(scope.Gathered, _stubs, X64.Instance.Stub, services.CodeSize);
        _errors.ThrowIfAny();
        _allocation = NativeProcess.Current.Pools(MemoryMapping.Auto).Allocate(
            MemoryPlacement.Near, new MemoryRequest(Zone(0), Zone(1), Zone(2), Zone(3)));
        for (int i = 0; i < _layout.Blocks.Length; i++)
        {
            _layout.Blocks[i].Address = _allocation.Address((MemoryZone)i);
        }

        _layout.AssignAddresses(_stubs);
        services.Place(_layout.Blocks[0].Address + _layout.ExtraCodeOffset, _layout.Blocks[3].Address + _layout.LifetimeOffset);
        values.Assign(services.TrapAddress, _stubs);
        _layout.Tls.ThreadPointer = 0;
        _context = new RelocationContext
        {
            Rules = Rules,
            Resolution = _resolution,
            Stubs = _stubs,
            Tls = _layout.Tls,
            Memory = new AllocationMemory(Rules.Architecture.CodePadding) { Allocation = _allocation },
            Errors = _errors,
        };
    }

    /// <summary>Finds the definition of every name of a batch.</summary>
    public static void Resolve(ObjectLibrary library, ElfObject[] objects)
    {
        var scope = new ProcessScope(library, new UnitServices(), new UnitBounds());
        var resolution = new SymbolResolution(scope, new LinkErrors());
        resolution.Begin(objects);
        resolution.Resolve();
    }

    /// <summary>Copies all sections and applies all relocations.</summary>
    public void Relocate()
    {
        RelocationPass.RunAll(_context, _resolution.Objects, parallelism: 1);

        _errors.ThrowIfAny();
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        _allocation.Free();
        _library.Dispose();
    }

    private ZoneRequest Zone(int block) => new(_layout.Blocks[block].Size, _layout.Blocks[block].Alignment);
}
