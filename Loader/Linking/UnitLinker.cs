using System.Buffers.Binary;
using ElfLoader.Diagnostics;
using ElfLoader.Elf;
using ElfLoader.Memory;
using ElfLoader.Redirection;
using ElfLoader.Relocations;

namespace ElfLoader.Linking;

/// <summary>
/// Loads a batch of objects into this process, as a transaction: read, resolve, scan, plan, allocate, copy and relocate,
/// seal, run IFUNC resolvers, register, initialize, publish. Up to the first line of foreign code a failure leaves nothing
/// behind; after it, what has run is finished with and the rest taken back.
/// </summary>
internal sealed class UnitLinker
{
    private static LinkRules Rules => HostMachine.Rules;

    private readonly ObjectLibrary _library;
    private readonly NativeProcess _process;
    private IReadOnlyList<ElfObject> _inputs;
    private readonly LinkErrors _errors = new();
    private readonly StubTable _stubs = new();
    private readonly LinkRequest _request;
    private readonly UnitPublication _publication;
    private UnitEntries? _entries;
    private bool _wasOvertaken;
    private StateTransfer? _state;

    internal UnitLinker(
        ObjectLibrary library, NativeProcess process, IReadOnlyList<ElfObject> inputs, LinkRequest? request = null)
    {
        _library = library;
        _process = process;
        _inputs = inputs;
        _request = request ?? new LinkRequest();
        _publication = new UnitPublication(library, process, _request);
    }

    /// <summary>What the unit has taken the place of, where it was to do that.</summary>
    internal Replacement? Replacement => _publication.Replacement;

    /// <summary>
    /// Whether it failed because of what other threads loaded or unloaded since it began, so that linking again will help.
    /// </summary>
    internal bool WasOvertaken => _wasOvertaken || _publication.WasOvertaken;

    /// <summary>Does it all.</summary>
    /// <returns>The unit; null if there is no object at all.</returns>
    /// <exception cref="LinkException">Something is wrong; nothing has changed.</exception>
    internal LoadedUnit? Link()
    {
        long removals = _library.Removals;
        var services = new UnitServices();
        var scope = new ProcessScope(_library, services) { IsReplacing = _request.Replace is not null };
        if (_request.Wanted is { } wanted && scope.FindInArchives(wanted) is { } member)
        {
            _inputs = [.. _inputs, member];
        }

        if (_inputs.Count is 0)
        {
            return null;
        }

        for (int i = 0; i < _inputs.Count; i++)
        {
            HostMachine.Check(_inputs[i]);
        }

        var resolution = new SymbolResolution(scope, _errors, _inputs, BindsLate());
        resolution.Resolve();
        for (int i = _inputs.Count; i < resolution.Objects.Count; i++)
        {
            HostMachine.Check(resolution.Objects[i].Elf);
        }

        _errors.ThrowIfAny();

        var values = new SymbolValues(resolution, Rules.Architecture);
        values.ClassifyNames();
        _entries = UnitEntries.Find(_library, resolution);
        var scan = new RelocationScan(Rules, resolution, _errors, _stubs, _library.Options.AllowUndefined);
        scan.Run(values);
        _wasOvertaken = _errors.Any && _library.Removals != removals; // what is missing now was perhaps there before
        _errors.ThrowIfAny();
        if (scan.UsesMissing && _library.Removals != removals)
        {
            _wasOvertaken = true;
            throw new LinkException(
                LinkErrorCode.Undefined, new LinkLocation(_inputs[0].Name), "what it may have relied on has just been unloaded");
        }

        var layout = new UnitLayout(resolution, _errors, scope.Gathered);
        services.Tls = layout.Tls;
        services.UsesTrap = scan.UsesMissing && _library.Options.UndefinedAddress is null;
        layout.Plan(_stubs, HostMachine.Architecture.Stub, services.CodeSize);
        _errors.ThrowIfAny();
        if (_request.Replace is { } replace)
        {
            _state = new StateTransfer(_library, replace, resolution);
            _state.Decide();
            _publication.RefuseDoubtfulInitializers(_inputs[0].Name, resolution, _state);
        }

        var unit = new LoadedUnit(_library, NameOfUnit());
        var resources = new UnitResources(_process);
        unit.Resources = resources;
        unit.Objects = [.. resolution.Objects];
        unit.Stubs = _stubs.Count > 0 ? _stubs : null;
        unit.Entries = _entries;
        try
        {
            resources.Allocation = Allocate(layout, scan);
            _entries?.Claim(_library, resources.Allocation.Pool);
            resources.ReserveTls(layout.Tls, scan.NeedsStaticTls, new LinkLocation(unit.Name));
            unit.Patches = Write(resolution, values, layout, services, resources, scope);
            resources.Allocation.Seal();
        }
        catch (Exception exception)
        {
            _entries?.Settle(_library, isPublished: false);
            resources.Discard();
            ThrowIfOfMemory(exception);
            throw;
        }

        Start(unit, resolution, layout, scope);
        values.Keep();
        resolution.Symbols.Dispose();
        return unit;
    }

    /// <summary>Whether there are so many symbols that they are better not bound all at once, and nobody changes single ones.</summary>
    private bool BindsLate()
    {
        const int many = 4096;
        int symbols = 0;
        for (int i = 0; i < _inputs.Count && symbols <= many; i++)
        {
            symbols += _inputs[i].SymbolCount;
        }

        return symbols > many && _inputs.Count > 1 && _request.Replace is null && !_library.Options.Redirectable;
    }

    /// <summary>A name for what is linked together: those of the first few objects.</summary>
    private string NameOfUnit() => _inputs.Count is 1
        ? _inputs[0].Name
        : string.Join(", ", _inputs.Take(3).Select(input => input.Name))
            + (_inputs.Count > 3 ? $" and {_inputs.Count - 3} more" : "");

    private MemoryAllocation Allocate(UnitLayout layout, RelocationScan scan)
    {
        ulong total = 0;
        foreach (LinkBlock block in layout.Blocks)
        {
            total = block.Size > ulong.MaxValue - total ? ulong.MaxValue : total + block.Size;
        }

        if (total > _library.Options.MaximumUnitSize)
        {
            throw new LinkException(
                LinkErrorCode.LimitExceeded,
                new LinkLocation(_inputs[0].Name),
                $"the sections take {total} bytes of memory together, and the limit (MaximumUnitSize) is "
                + $"{_library.Options.MaximumUnitSize}");
        }

        ReadOnlySpan<LinkBlock> blocks = layout.Blocks;
        var request = new MemoryRequest(
            Zone(blocks[0]), Zone(blocks[1]), Zone(blocks[2]), Zone(blocks[3]));
        return Allocate(request, scan);

        static ZoneRequest Zone(LinkBlock block) => new(block.Size, block.Alignment);
    }

    private MemoryAllocation Allocate(in MemoryRequest request, RelocationScan scan)
    {
        MemoryPlacement placement = _library.Options.Placement
            ?? (scan.NeedsLow ? MemoryPlacement.Low
                : scan.NeedsNear ? MemoryPlacement.Near
                : MemoryPlacement.Far);
        MemoryMapping mapping = UnitDiagnostics.MappingFor(_library.Options);
        MemoryPool? neighbour = scan.WantsNeighbour?.Resources.Pool ?? _library.Contents.LastPool;
        if (neighbour is not null && Serves(neighbour.Placement, placement) && IsMapped(neighbour, mapping)
            && neighbour.TryAllocate(request, out MemoryAllocation? beside))
        {
            return beside;
        }

        return _process.Pools(mapping).Allocate(placement, request);
    }

    private static bool IsMapped(MemoryPool pool, MemoryMapping wanted) =>
        wanted is MemoryMapping.Auto || pool.Mapping == wanted;

    private static bool Serves(MemoryPlacement offered, MemoryPlacement wanted) =>
        wanted is MemoryPlacement.Far || offered == wanted;

    /// <summary>Fills the unit's memory.</summary>
    /// <returns>The records of what was patched, if the options ask for them.</returns>
    private IReadOnlyList<PatchRecord> Write(
        SymbolResolution resolution,
        SymbolValues values,
        UnitLayout layout,
        UnitServices services,
        UnitResources resources,
        ProcessScope scope)
    {
        MemoryAllocation allocation = resources.Allocation!;
        for (int i = 0; i < layout.Blocks.Length; i++)
        {
            layout.Blocks[i].Address = allocation.Address((MemoryZone)i);
        }

        var memory = new AllocationMemory(allocation, HostMachine.Architecture.CodePadding);
        FillCode(memory, layout, resolution, allocation);
        layout.Init?.WriteFrame(memory);
        layout.Fini?.WriteFrame(memory);
        layout.AssignAddresses(_stubs);
        _state?.MoveSections();
        ulong extra = layout.Blocks[(int)MemoryZone.Code].Address + layout.ExtraCodeOffset;
        services.Place(extra, layout.Blocks[(int)MemoryZone.Data].Address + layout.LifetimeOffset);
        resources.Lifetime = services.Lifetime;
        values.Assign(_library.Options.UndefinedAddress ?? services.TrapAddress, _stubs);
        _entries?.Apply();
        _state?.MoveVariables();
        services.Write(memory.Writable((int)MemoryZone.Code, layout.ExtraCodeOffset, services.CodeSize));

        var context = new RelocationContext
        {
            Rules = Rules,
            Resolution = resolution,
            Stubs = _stubs,
            Entries = _entries,
            Tls = layout.Tls,
            Memory = memory,
            Errors = _errors,
            Advice = new ReachAdvice(resolution),
        };
        layout.Tls.ThreadPointer = 0; // symbols of static storage are offsets from it already
        RelocationPass.RunAll(context, resolution.Objects, _library.Options.MaximumParallelism);
        GotWriter? slots = null;
        foreach (LinkObject file in resolution.Objects)
        {
            if (file.UsesGot)
            {
                slots ??= new GotWriter(context, NativeProcess.Host.Tls, resources.Tls);
                slots.Write(file);
            }
        }

        WriteStubs(context, memory);
        JoinUnwindTables(layout, memory, resolution);
        _errors.ThrowIfAny();
        return _library.Options.RecordPatches
            ? PatchLedger.Of(context, resolution.Objects, resolution.Objects.Count - scope.Pulled.Count)
            : [];
    }

    private void JoinUnwindTables(UnitLayout layout, AllocationMemory memory, SymbolResolution resolution)
    {
        if (layout.UnwindSize is 0)
        {
            return;
        }

        Span<byte> tables = memory.Writable(
            (int)MemoryZone.ReadOnly, layout.UnwindOffset, checked((int)layout.UnwindSize));
        if (UnwindTables.Join(tables, out int start) is not { } problem)
        {
            layout.UnwindStart = layout.UnwindOffset + (ulong)start;
            return;
        }

        ulong place = layout.UnwindOffset + (ulong)problem.Offset;
        foreach (LinkObject file in resolution.Objects)
        {
            for (int i = 1; i < file.Sections.Length; i++)
            {
                if (file.Sections[i] is { Fate: SectionFate.Kept, Role: SectionRole.Unwind } section
                    && place >= memory.OffsetOf(section) && place - memory.OffsetOf(section) < file.Elf.Sections[i].Size)
                {
                    _errors.Add(LinkErrorCode.Malformed, file.At(i, place - memory.OffsetOf(section)), $"the unwind table {problem.Problem}");
                    return;
                }
            }
        }
    }

    /// <summary>Makes what lies between sections trap, unless that is much more memory than the sections take.</summary>
    private static void FillCode(
        AllocationMemory memory, UnitLayout layout, SymbolResolution resolution, MemoryAllocation allocation)
    {
        if (BufferedSectionWriter.IsBuffered(allocation, (int)MemoryZone.Code))
        {
            return; // whoever puts the sections together does it
        }

        const ulong little = 1 << 20;
        ulong size = layout.Blocks[(int)MemoryZone.Code].Size;
        ulong input = 0;
        foreach (LinkObject file in resolution.Objects)
        {
            input += (ulong)file.Elf.Bytes.Length;
        }

        const int chunk = 1 << 30;
        for (ulong offset = 0; offset < size && size <= input + little; offset += chunk)
        {
            memory.Writable((int)MemoryZone.Code, offset, (int)Math.Min(chunk, size - offset))
                .Fill(HostMachine.Architecture.CodePadding);
        }
    }

    private void WriteStubs(RelocationContext context, AllocationMemory memory)
    {
        StubShape shape = HostMachine.Architecture.Stub;
        foreach (ref readonly Stub stub in _stubs.All)
        {
            Span<byte> code = memory.Writable((int)MemoryZone.Code, stub.Offset, shape.Size);
            if (!HostMachine.Architecture.TryWriteStub(shape, code, stub.Address, stub.SlotAddress))
            {
                throw new LinkException(
                    LinkErrorCode.Placement,
                    new LinkLocation(_inputs[0].Name),
                    $"the unit is too large: the stub at 0x{stub.Address:x} cannot reach its slot at 0x{stub.SlotAddress:x}");
            }

            // A word of 32 bits is the lower half of one of 64: slots have room for that.
            Span<byte> slot = memory.Writable((int)MemoryZone.Relro, stub.SlotOffset, sizeof(ulong));
            BinaryPrimitives.WriteUInt64LittleEndian(slot, stub.IsIfunc ? 0 : TargetOf(context.Resolution, stub));
        }
    }

    private static ulong TargetOf(SymbolResolution resolution, in Stub stub)
    {
        (ulong value, SymbolTraits traits) = stub.Object >= 0
            ? (resolution.Objects[stub.Object].Bound(stub.Symbol).Value, resolution.Objects[stub.Object].Bound(stub.Symbol).Traits)
            : (resolution.Symbols[stub.Symbol].Value, resolution.Symbols[stub.Symbol].Traits);
        return value | ((traits & SymbolTraits.Thumb) != 0 ? HostMachine.Architecture.ThumbBit : 0);
    }

    /// <summary>From here on foreign code runs.</summary>
    private void Start(LoadedUnit unit, SymbolResolution resolution, UnitLayout layout, ProcessScope scope)
    {
        UnitResources resources = unit.Resources;
        try
        {
            _publication.RelyOnOthers(unit, resolution, scope);
            _state?.Join(unit);
            _entries?.PrepareForInitializers();
            resources.Diagnostics = UnitDiagnostics.Announce(unit, Rules, resolution, layout);
            resources.ActivateTls(layout);
            if (_library.Options.RunCode)
            {
                ResolveIfuncs(resources.Allocation!);
            }

            resources.RegisterUnwind(layout);
            if (_publication.RunsInitializers)
            {
                InitializerLists lists = InitializerLists.Collect(resolution.ObjectSpan, layout);
                unit.RegistersExit = lists.Terminators.Count > 0 || resolution.Symbols.Find("__cxa_atexit"u8) >= 0
                    || resolution.Symbols.Find("atexit"u8) >= 0;
                resources.Initialize(lists, layout, _library.Arguments);
            }

            resources.Settle();
            _publication.Publish(unit, resolution, scope, _state);
            _entries?.Settle(_library, isPublished: true);
            _library.Contents.LastPool = resources.Pool;
        }
        catch (Exception exception)
        {
            _entries?.Settle(_library, isPublished: false);
            _library.Contents.Abandon(unit);
            ThrowIfOfMemory(exception);
            throw;
        }
    }

    private void ThrowIfOfMemory(Exception exception)
    {
        if (exception is MemoryException)
        {
            throw new LinkException(exception,
            [
                new LinkError(LinkErrorCode.LimitExceeded, new LinkLocation(_inputs[0].Name), exception.Message),
            ]);
        }
    }

    private void ResolveIfuncs(MemoryAllocation allocation)
    {
        foreach (ref readonly Stub stub in _stubs.All)
        {
            if (stub.IsIfunc)
            {
                allocation.StoreWord(MemoryZone.Relro, stub.SlotOffset, (ulong)NativeCall.Resolve(stub.Resolver));
            }
        }
    }
}
