using System.Buffers.Binary;
using System.Runtime.InteropServices;
using ElfLoader.Elf;
using ElfLoader.Elf.Unwind;
using ElfLoader.Libraries;
using ElfLoader.Linking;
using ElfLoader.Memory;
using ElfLoader.Redirection;
using ElfLoader.Relocations;

namespace ElfLoader.Loading;

/// <summary>
/// Loads a batch of objects into this process, as a transaction: read, resolve, scan, plan, allocate, copy and relocate,
/// seal, run IFUNC resolvers, register, initialize, publish. Up to the first line of foreign code a failure leaves nothing
/// behind; after it, what has run is finished with and the rest taken back.
/// </summary>
/// <remarks>
/// It can be used for one link after the other, with all that a link makes for itself: of many small loads, that would be more
/// memory than what stays of them. Of a link that failed, was large, or left something behind that refers to it, it is not.
/// </remarks>
internal sealed partial class UnitLinker
{
    private static LinkRules Rules => HostMachine.Rules;

    private readonly ObjectLibrary _library;
    private readonly NativeProcess _process;
    private readonly LinkErrors _errors = new();
    private readonly StubTable _stubs = new();
    private readonly UnitServices _services = new();
    private readonly AllocationMemory _memory = new(HostMachine.Architecture.CodePadding);
    private readonly ProcessScope _scope;
    private readonly SymbolResolution _resolution;
    private readonly SymbolValues _values;
    private readonly RelocationScan _scan;
    private readonly UnitLayout _layout;
    private readonly UnitBounds _bounds = new();
    private readonly RelocationContext _context;
    private readonly UnitPublication _publication;
    private readonly List<ElfObject> _inputs = [];
    private LinkRequest _request = LinkRequest.Ordinary;
    private UnitEntries? _entries;
    private ObjectLibrary[] _linked = []; // when the link began: those whose changes count
    private ContentsChanges _before;
    private ContentsChanges _own;
    private bool _isReferredTo;
    private StateTransfer? _state;

    internal UnitLinker(ObjectLibrary library, NativeProcess process)
    {
        _library = library;
        _process = process;
        _scope = new ProcessScope(library, _services, _bounds);
        _resolution = new SymbolResolution(_scope, _errors);
        _values = new SymbolValues(_resolution, Rules.Architecture);
        _scan = new RelocationScan(Rules, _resolution, _errors, _stubs, library.Options.AllowUndefined) { AdvisesLater = true };
        _layout = new UnitLayout(_resolution, _errors);
        _services.Tls = _layout.Tls;
        _bounds.Layout = _layout;
        _publication = new UnitPublication(library, process);
        _context = new RelocationContext
        {
            Rules = Rules,
            Resolution = _resolution,
            Stubs = _stubs,
            Tls = _layout.Tls,
            Memory = _memory,
            Errors = _errors,
            Advice = new ReachAdvice(_resolution).For,
            TreatsAsLarge = library.Options.TreatsAsLarge,
        };
    }

    /// <summary>What the unit has taken the place of, where it was to do that.</summary>
    internal Replacement? Replacement => _publication.Replacement;

    /// <summary>
    /// Whether it failed because of what other threads loaded or unloaded since it began, so that linking again will help. What its
    /// own initializers did they would do again.
    /// </summary>
    internal bool WasOvertaken
    {
        get
        {
            ContentsChanges others = _library.ChangesWith(_linked) - _before - _own;
            return _publication.WasOvertaken || others.Removals > 0
                || (others.Additions > 0 && (HasWanted || _resolution.WasOvertaken(_scope.Pulled.Count)));
        }
    }

    /// <summary>Whether <see cref="Advised"/> has more to say than what it failed with.</summary>
    internal bool OwesAdvice => _scan.OwesAdvice;

    /// <summary>What it failed with, for the caller of the library: with what missing names may have been meant to be.</summary>
    internal LinkException Advised(LinkException exception)
    {
        try
        {
            return _scan.Advised(exception);
        }
        catch (OutOfMemoryException)
        {
            return exception;
        }
    }

    /// <summary>Whether the library defines the name that an archive is to define.</summary>
    private bool HasWanted => _request.Wanted is { } wanted && _library.Contents.FindVersion(wanted).Exists;

    /// <summary>Does it all.</summary>
    /// <param name="inputs">The objects.</param>
    /// <param name="request">What the link is for.</param>
    /// <returns>The unit; null if there is no object at all.</returns>
    /// <exception cref="LinkException">Something is wrong; nothing has changed.</exception>
    internal LoadedUnit? Link(ReadOnlySpan<ElfObject> inputs, LinkRequest request)
    {
        _linked = _library.Linked;
        _before = _library.ChangesWith(_linked);
        _inputs.AddRange(inputs);
        _request = request;
        _publication.Begin(request);
        _scope.IsReplacing = request.Replace is not null;
        if (request.Wanted is { } wanted && !HasWanted && _scope.FindInArchives(wanted) is { } member)
        {
            _inputs.Add(member);
        }

        if (_inputs.Count is 0)
        {
            return null;
        }

        _resolution.Begin(CollectionsMarshal.AsSpan(_inputs), MostBoundAtOnce());
        _resolution.Require(request.Required);
        _resolution.Resolve();
        if (_request.Called is { } called)
        {
            LibraryEntry.RefuseData(_library, _resolution, called);
        }

        if (_scope.Families is not 0 and int families)
        {
            AllocationPairs.Check(_library, _resolution, families, _errors);
        }

        _errors.ThrowIfAny();
        IReadOnlyList<string> warnings = VagueDefinitions.Share(_library, _resolution, _scope.Pulled.Count);
        warnings = UnitUnwinder.Warning(_resolution) is { } warning ? [.. warnings, warning] : warnings;
        var foreign = ForeignDestructors.Of(_resolution);
        _services.Register(foreign, _resolution);
        _values.ClassifyNames();
        _entries = UnitEntries.Find(_library, _resolution);
        _scan.Run(_values);
        _errors.ThrowIfAny();
        warnings = UntypedFunctions.Warning(_library, _resolution, _entries) is { } doubtful ? [.. warnings, doubtful] : warnings;
        if (_scan.UsesMissing && _library.ChangesWith(_linked).Removals != _before.Removals)
        {
            throw new LinkException(
                LinkErrorCode.Undefined, new LinkLocation(NameOfUnit()),
                "another thread has unloaded what these objects may have relied on; load them again");
        }

        _services.UsesTrap = _scan.UsesMissing && _library.Options.UndefinedAddress is null;
        _layout.Header.IsWanted = (_bounds.Needs & LayoutNeeds.Header) != 0;
        _layout.HasZerosLast = (_bounds.Needs & LayoutNeeds.ZerosLast) != 0;
        _layout.Plan(_scope.Gathered, _stubs, HostMachine.Architecture.Stub, _services.CodeSize);
        _errors.ThrowIfAny();
        if (_request.Replace is { } replace)
        {
            _state = new StateTransfer(_library, replace, _resolution);
            _state.Decide();
            _publication.RefuseDoubtfulInitializers(NameOfUnit(), _resolution, _state);
        }

        var unit = new LoadedUnit(_library, NameOfUnit()) { Warnings = warnings, ForeignDestructors = foreign };
        ref UnitResources resources = ref unit.Resources;
        unit.Objects = new UnitObjects(_resolution.Objects);
        unit.Entries = _entries;
        try
        {
            MemoryAllocation allocation = UnitMemory.Allocate(
                _library, _process, _resolution, _scan, _layout.Blocks, new LinkLocation(NameOfUnit()));
            resources.Allocation = allocation;
            _entries?.Claim(_library, allocation.Pool);
            resources.ReserveTls(_layout.Tls, _scan.NeedsStaticTls, new LinkLocation(unit.Name));
            unit.Patches = Write(ref resources);
            unit.Stubs = _stubs.Keep();
            allocation.Seal();
        }
        catch (Exception exception)
        {
            _entries?.Settle(unit, isPublished: false);
            resources.Discard();
            foreign?.Dispose();
            ThrowIfOfMemory(exception);
            throw;
        }

        Start(unit);
        _values.Keep();
        _isReferredTo = _resolution.BindsLate || _entries is not null || _state is not null || resources.Diagnostics is not null
            || _library.Options.RecordPatches;
        return unit;
    }

    /// <summary>Forgets all of the link that was made last; it has not failed.</summary>
    /// <returns>False if another link needs another linker.</returns>
    internal bool TryClear()
    {
        const int most = 4; // objects; what is lent to larger links is worth less than the memory that it takes
        if (_resolution.Objects.Count > most || _isReferredTo)
        {
            _resolution.Symbols.Dispose();
            return false;
        }

        _inputs.Clear();
        _request = LinkRequest.Ordinary;
        _stubs.Clear();
        _services.Clear();
        _memory.Allocation = null!;
        _scope.Clear();
        _resolution.Clear();
        _values.Clear();
        _scan.Clear();
        _layout.Clear();
        _publication.Clear();
        return true;
    }

    /// <summary>Most symbols that are bound all at once: any number where somebody changes single ones.</summary>
    private int MostBoundAtOnce()
    {
        const int many = 4096;
        return _request.Replace is not null || _library.Options.Redirectable ? int.MaxValue
            : _library.Options.TreatsAsLarge ? 0
            : _inputs.Count > 1 ? many
            : int.MaxValue;
    }

    /// <summary>A name for what is linked together: those of the first few objects.</summary>
    private string NameOfUnit() => _inputs.Count is 1
        ? _inputs[0].Name
        : string.Join(", ", _inputs.Take(3).Select(input => input.Name))
            + (_inputs.Count > 3 ? $" and {_inputs.Count - 3} more" : "");

    /// <summary>Fills the unit's memory.</summary>
    /// <returns>The records of what was patched, if the options ask for them.</returns>
    private IReadOnlyList<PatchRecord> Write(ref UnitResources resources)
    {
        MemoryAllocation allocation = resources.Allocation!;
        for (int i = 0; i < _layout.Blocks.Length; i++)
        {
            _layout.Blocks[i].Address = allocation.Address((MemoryZone)i);
        }

        _memory.Allocation = allocation;
        FillCode(allocation);
        _layout.Init?.WriteFrame(_memory);
        _layout.Fini?.WriteFrame(_memory);
        _layout.AssignAddresses(_stubs);
        _state?.MoveSections();
        ulong extra = _layout.Blocks[(int)MemoryZone.Code].Address + _layout.ExtraCodeOffset;
        _services.Place(extra, _layout.Blocks[(int)MemoryZone.Data].Address + _layout.LifetimeOffset);
        resources.Lifetime = _services.Lifetime;
        _values.Assign(_library.Options.UndefinedAddress ?? _services.TrapAddress, _stubs);
        _entries?.Apply();
        _state?.MoveVariables();
        _services.Write(_memory.Writable((int)MemoryZone.Code, _layout.ExtraCodeOffset, _services.CodeSize));

        _context.Entries = _entries;
        _layout.Tls.ThreadPointer = 0; // symbols of static storage are offsets from it already
        RelocationPass.RunAll(_context, _resolution.Objects, _library.Options.MaximumParallelism);
        GotWriter? slots = null;
        foreach (LinkObject file in _resolution.ObjectsIfAny(ObjectParts.Got))
        {
            if (file.UsesGot)
            {
                slots ??= new GotWriter(_context, new ProcessTls(NativeProcess.Host.Tls, resources.Tls));
                slots.Write(file);
            }
        }

        WriteStubs();
        JoinUnwindTables();
        _errors.ThrowIfAny();
        if (_layout.Header.IsWanted)
        {
            _layout.Header.Write(_memory);
        }

        return _library.Options.RecordPatches
            ? PatchLedger.Of(_context, _resolution.Objects, _resolution.Objects.Count - _scope.Pulled.Count)
            : [];
    }

    private void JoinUnwindTables()
    {
        if (_layout.UnwindSize is 0)
        {
            return;
        }

        Span<byte> tables = _memory.Writable(
            (int)MemoryZone.ReadOnly, _layout.UnwindOffset, checked((int)_layout.UnwindSize));
        if (UnwindTables.Join(tables, out int start) is not { } problem)
        {
            _layout.UnwindStart = _layout.UnwindOffset + (ulong)start;
            return;
        }

        ulong place = _layout.UnwindOffset + (ulong)problem.Offset;
        foreach (LinkObject file in _resolution.Objects)
        {
            Span<SectionPlace> places = file.LoadedSections;
            for (int i = 1; i < places.Length; i++)
            {
                if (places[i] is { Fate: SectionFate.Kept, Role: SectionRole.Unwind } section
                    && place >= _memory.OffsetOf(section) && place - _memory.OffsetOf(section) < file.Elf.Sections[i].Size)
                {
                    _errors.Add(LinkErrorCode.Malformed, file.At(i, place - _memory.OffsetOf(section)), $"the unwind table {problem.Problem}");
                    return;
                }
            }
        }
    }

    /// <summary>Makes what lies between sections trap, unless that is much more memory than the sections take.</summary>
    private void FillCode(MemoryAllocation allocation)
    {
        if (BufferedSectionWriter.IsBuffered(allocation, (int)MemoryZone.Code))
        {
            return; // whoever puts the sections together does it
        }

        const ulong little = 1 << 20;
        ulong size = _layout.Blocks[(int)MemoryZone.Code].Size;
        ulong input = 0;
        foreach (LinkObject file in _resolution.Objects)
        {
            input += (ulong)file.Elf.Bytes.Length;
        }

        const int chunk = 1 << 30;
        for (ulong offset = 0; offset < size && size <= input + little; offset += chunk)
        {
            _memory.Writable((int)MemoryZone.Code, offset, (int)Math.Min(chunk, size - offset))
                .Fill(HostMachine.Architecture.CodePadding);
        }
    }

    private void WriteStubs()
    {
        StubShape shape = HostMachine.Architecture.Stub;
        foreach (ref readonly Stub stub in _stubs.All)
        {
            Span<byte> code = _memory.Writable((int)MemoryZone.Code, stub.Offset, shape.Size);
            if (!HostMachine.Architecture.TryWriteStub(shape, code, stub.Address, stub.SlotAddress))
            {
                throw new LinkException(
                    LinkErrorCode.Placement,
                    new LinkLocation(NameOfUnit()),
                    $"the unit is too large: the stub at 0x{stub.Address:x} cannot reach its slot at 0x{stub.SlotAddress:x}");
            }

            // A word of 32 bits is the lower half of one of 64: slots have room for that.
            Span<byte> slot = _memory.Writable((int)MemoryZone.Relro, stub.SlotOffset, sizeof(ulong));
            BinaryPrimitives.WriteUInt64LittleEndian(slot, stub.IsIfunc ? 0 : TargetOf(stub));
        }
    }

    private ulong TargetOf(in Stub stub)
    {
        (ulong value, SymbolTraits traits) = stub.Object >= 0
            ? (_resolution.Objects[stub.Object].Bound(stub.Symbol).Value, _resolution.Objects[stub.Object].Bound(stub.Symbol).Traits)
            : (_resolution.Symbols[stub.Symbol].Value, _resolution.Symbols[stub.Symbol].Traits);
        return value | ((traits & SymbolTraits.Thumb) != 0 ? HostMachine.Architecture.ThumbBit : 0);
    }

    private void ThrowIfOfMemory(Exception exception)
    {
        if (exception is OutOfMemoryException shortage)
        {
            throw MemoryShortage.Of(NameOfUnit(), "link and load it", shortage);
        }

        if (exception is MemoryException)
        {
            throw new LinkException(exception,
            [
                new LinkError(LinkErrorCode.LimitExceeded, new LinkLocation(NameOfUnit()), exception.Message),
            ]);
        }
    }
}
