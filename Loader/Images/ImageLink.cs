using System.Buffers.Binary;
using System.Text;
using ElfLoader.Elf;
using ElfLoader.Elf.Unwind;
using ElfLoader.Linking;
using ElfLoader.Memory;
using ElfLoader.Relocations;

namespace ElfLoader.Images;

/// <summary>
/// One link of an image: resolve, scan, lay out, copy and relocate, write what the linker itself adds, list.
/// </summary>
internal sealed class ImageLink
{
    /// <summary>The routine that reads C++'s tables of exceptions (Itanium C++ ABI: Exception Handling).</summary>
    private static ReadOnlySpan<byte> Personality => "__gxx_personality_v0"u8;

    private static ReadOnlySpan<byte> LinuxStart => "__libc_start_main"u8; // of glibc and musl, and no other's

    private readonly ImageOptions _options;
    private readonly IReadOnlyList<ElfObject> _inputs;
    private readonly IReadOnlyList<int> _objectsBefore;
    private readonly ElfObject _first;
    private ImageMachine _machine;
    private readonly LinkerSymbols _linkerSymbols;
    private readonly ImageScope _scope;
    private readonly LinkErrors _errors = new();
    private readonly StubTable _stubs = new();
    private readonly List<string> _warnings = [];

    /// <param name="options">How to link.</param>
    /// <param name="inputs">The objects.</param>
    /// <param name="archives">The archives.</param>
    /// <param name="objectsBefore">For each archive how many of the objects stand before it.</param>
    /// <param name="first">The object that says for which machine: the first one, or where there is none a member that is wanted.</param>
    internal ImageLink(
        ImageOptions options,
        IReadOnlyList<ElfObject> inputs,
        IReadOnlyList<Archive> archives,
        IReadOnlyList<int> objectsBefore,
        ElfObject first)
    {
        _options = options;
        _inputs = inputs;
        _objectsBefore = objectsBefore;
        _first = first;
        _machine = ImageMachine.Of(first).At(options.Base);
        _linkerSymbols = new LinkerSymbols(_machine);
        _scope = new ImageScope(options, _machine, first, archives, _linkerSymbols);
    }

    /// <summary>Does it all.</summary>
    internal LinkedImage Run()
    {
        var resolution = new SymbolResolution(_scope, _errors);
        resolution.Begin([.. _inputs]);
        resolution.Require([.. _options.RequiredSymbols.Append(_options.Entry).Select(Encoding.UTF8.GetBytes)]);
        resolution.Resolve();
        _machine = _machine.For(
            [.. resolution.Objects.Select(input => input.Elf)],
            Definer(resolution, Personality)?.Elf,
            hasLinuxStart: Definer(resolution, LinuxStart) is not null,
            _options,
            _errors,
            _warnings);
        RefuseSymbols(resolution);
        CheckCalled(resolution);
        _errors.ThrowIfAny();
        var values = new SymbolValues(resolution, _machine.Rules.Architecture);
        values.ClassifyNames();
        LinkObject[] order = Order(resolution.Objects);
        bool isShared = IsShared(order);
        var mappings = new ImageMappings(_options.MapSections);
        var sections = new ImageSections(_machine, resolution, mappings, new ImageMemory(), _errors);
        var inputs = BackgroundWork.Start(isShared, () => sections.CollectInputs(order));
        new RelocationScan(_machine.Rules, resolution, _errors, _stubs, _options.AllowUndefined) { ReservesStubs = false }.Run(values);
        inputs.Await();
        _errors.ThrowIfAny();
        inputs.Finish();
        sections.CollectOwn(order, _stubs, _linkerSymbols.UsesTlsCode, mappings.GotOrigin(_options.GotOrigin));
        _errors.ThrowIfAny();
        mappings.CheckUsed(resolution.Objects);
        var layout = new ImageLayout(_machine, _options, sections);
        _linkerSymbols.Place(layout);
        var branches = new BranchStubs(_machine, sections, resolution);
        do
        {
            layout.Plan(resolution, _stubs);
            values.Assign(_options.UndefinedAddress ?? layout.Base, _stubs);
        }
        while (branches.Update());

        var segments = new ProgramHeaders(_machine, layout, sections) { HasExecutableStack = WantsExecutableStack(order) };
        segments.Cut();
        RelocationContext context = NewContext(resolution, layout, sections, branches, segments);
        var file = new ImageFile(_machine, segments)
        {
            Entry = FindEntry(resolution),
            Flags = _machine.Flags ?? _first.Flags,
            OsAbi = _stubs.Count > 0 ? ElfConstants.ELFOSABI_GNU : ElfConstants.ELFOSABI_NONE,
        };
        var tables = BackgroundWork.Start(
            isShared, () => file.Build(sections.Outputs, new ImageSymbols(context, order, branches, layout, sections)));
        Write(context, order, branches, layout, sections);
        tables.Await();
        _errors.ThrowIfAny();
        tables.Finish();
        return Finish(context, new ImageMap(_machine, context, order, branches, layout, sections), order, sections, segments, file);
    }

    /// <summary>The object that defines a symbol; null where none does.</summary>
    private static LinkObject? Definer(SymbolResolution resolution, ReadOnlySpan<byte> name)
    {
        int index = resolution.Symbols.Find(name);
        return index >= 0 && resolution.Symbols[index].State is SymbolState.Weak or SymbolState.Strong
            ? resolution.Objects[resolution.Symbols[index].Definer]
            : null;
    }

    private void RefuseSymbols(SymbolResolution resolution)
    {
        foreach ((string prefix, string reason) in _machine.RefusedSymbols)
        {
            byte[] start = Encoding.UTF8.GetBytes(prefix);
            for (int i = 0; i < resolution.Symbols.Count; i++)
            {
                if (resolution.Symbols.Name(i).StartsWith(start) && Definer(resolution, resolution.Symbols.Name(i)) is { } file)
                {
                    string name = resolution.Symbols.Text(i);
                    _errors.Add(
                        LinkErrorCode.Unsupported,
                        new LinkLocation(file.Elf.Name, Symbol: name),
                        $"'{name[prefix.Length..]}' {reason}");
                }
            }
        }
    }

    /// <summary>Whether threads may share the work, and there is enough of it.</summary>
    private bool IsShared(LinkObject[] order)
    {
        const long enough = 1 << 20;
        return _options.TreatsAsLarge || (_options.MaximumParallelism is not 1 && Environment.ProcessorCount > 1
            && order.Sum(input => (long)input.Elf.Bytes.Length) >= enough);
    }

    /// <summary>As linkers have it, an archive's members stand where the archive stands among the objects.</summary>
    private LinkObject[] Order(IReadOnlyList<LinkObject> objects) =>
        [.. objects.OrderBy(file => file.Ordinal < _inputs.Count
            ? (2 * file.Ordinal) + 1
            : 2 * _objectsBefore[_scope.Pulled[file.Ordinal - _inputs.Count]])
            .ThenBy(file => file.Ordinal < _inputs.Count ? 0 : _scope.Pulled[file.Ordinal - _inputs.Count])];

    private RelocationContext NewContext(
        SymbolResolution resolution, ImageLayout layout, ImageSections sections, BranchStubs branches, ProgramHeaders segments) =>
        new()
        {
            Rules = _machine.Rules,
            Resolution = resolution,
            Stubs = _stubs,
            BranchRoutes = branches,
            Tls = layout.Tls,
            Memory = sections.Memory,
            Errors = _errors,
            StaticBase = address => _options.StaticBase ?? segments.StaticBaseOf(address),
            TreatsAsLarge = _options.TreatsAsLarge,
            Relax = _options.Relax,
            RelaxTls = _options.Relax,
            TlsCall = sections.TlsCall?.Address ?? 0,
            Advice = ImageReach.Advice,
        };

    private void Write(
        RelocationContext context, LinkObject[] order, BranchStubs branches, ImageLayout layout, ImageSections sections)
    {
        var debug = new DebugSections(context);
        ulong resolver = sections.TlsCode is null ? 0 : layout.TlsCodeAddress + (ulong)_machine.TlsCode!.ResolverOffset;
        var slots = new GotWriter(context, new ImageTls(resolver));
        ImageMemory.Allocate(sections.Outputs, output => ImageFile.Filling(_machine, output));
        RelocationPass.RunAll(context, order, _options.MaximumParallelism);
        foreach (LinkObject file in order)
        {
            slots.Write(file);
            debug.Relocate(file);
        }

        foreach (CtorsArray array in sections.LegacyArrays)
        {
            array.Fill(_machine.WordSize);
        }

        WriteIfuncStubs(sections);
        WriteBranchStubs(branches);
        if (sections.TlsCall is { } call)
        {
            Architecture architecture = _machine.Rules.Architecture;
            _ = architecture.TryWriteStub(architecture.TlsCall!, call.Bytes.Span, call.Address, 0);
        }

        if (sections.TlsCode is { } code)
        {
            _machine.TlsCode!.Write(
                code.Bytes.Span, (long)(layout.Tls.Base - layout.Tls.ThreadPointer), _machine.Rules.Architecture.CodePadding);
        }

        sections.Exidx?.Write();
        if (sections is { UnwindIndex: { } index, Unwind: { } unwind })
        {
            byte[] table = new byte[unwind.Size];
            unwind.Read(0, table, [0]);
            if (!EhFrameIndex.Write(index.Bytes.Span, index.Address, table, unwind.Address, _machine.WordSize))
            {
                _warnings.Add("the unwind tables (.eh_frame) cannot be indexed: exceptions are slow");
            }
        }
    }

    /// <summary>Stubs of symbols that a function picks when the program starts, and the relocations that have it called.</summary>
    private void WriteIfuncStubs(ImageSections sections)
    {
        Architecture architecture = _machine.Rules.Architecture;
        for (int i = 0; i < _stubs.Count; i++)
        {
            ref readonly Stub stub = ref _stubs.All[i];
            Span<byte> code = sections.Stubs!.Bytes.Span.Slice((int)stub.Offset, architecture.Stub.Size);
            if (!architecture.TryWriteStub(architecture.Stub, code, stub.Address, stub.SlotAddress))
            {
                _errors.Add(
                    LinkErrorCode.Placement,
                    new LinkLocation(""),
                    $"the stub at 0x{stub.Address:x} cannot reach its slot at 0x{stub.SlotAddress:x}");
            }

            int size = (int)sections.Irelative!.Output.EntrySize;
            Span<byte> relocation = sections.Irelative.Bytes.Span.Slice(size * i, size);
            PutWord(relocation, stub.SlotAddress);
            PutWord(relocation[_machine.WordSize..], _machine.IRelative); // without a symbol
            PutWord(
                _machine.HasAddends
                    ? relocation[(2 * _machine.WordSize)..]
                    : sections.StubSlots!.Bytes.Span.Slice((int)stub.SlotOffset, _machine.WordSize),
                stub.Resolver);
        }
    }

    private void WriteBranchStubs(BranchStubs branches)
    {
        foreach (BranchStub stub in branches.All)
        {
            if (!_machine.Rules.Architecture.TryWriteStub(stub.Shape, stub.Piece.Bytes.Span, stub.Piece.Address, stub.Target))
            {
                _errors.Add(
                    LinkErrorCode.Placement,
                    new LinkLocation(stub.File.Elf.Name, Symbol: stub.File.DescribeSymbol(stub.Symbol)),
                    $"the stub at 0x{stub.Piece.Address:x} cannot reach 0x{stub.Target:x}");
            }
        }
    }

    private void PutWord(Span<byte> field, ulong value)
    {
        if (_machine.Is64Bit)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(field, value);
        }
        else
        {
            BinaryPrimitives.WriteUInt32LittleEndian(field, (uint)value);
        }
    }

    private LinkedImage Finish(
        RelocationContext context,
        ImageMap map,
        LinkObject[] order,
        ImageSections sections,
        ProgramHeaders segments,
        ImageFile file)
    {
        if (file.Size > _options.MaximumSize)
        {
            throw new LinkException(
                LinkErrorCode.LimitExceeded,
                new LinkLocation("image"),
                $"the file would have {CountText.Of(file.Size, "byte")}, more than the limit of {_options.MaximumSize} (MaximumSize)");
        }

        _warnings.AddRange(segments.Warnings);
        return new LinkedImage(
            _machine,
            file,
            sections.Outputs.Where(output => output.Zone is not ImageZone.File).Append(segments.Header),
            map)
        {
            Segments = ImageMap.Segments(segments.Loads),
            Warnings = _warnings,
            Objects = [.. order.Select(file => file.Elf)],
            Patches = _options.RecordPatches ? PatchLedger.Of(context, order, _inputs.Count) : [],
        };
    }

    /// <summary>Whether an object says that its functions put code on the stack, as nested functions of C do.</summary>
    private bool WantsExecutableStack(IEnumerable<LinkObject> objects)
    {
        foreach (LinkObject file in objects)
        {
            if (file.Elf.WantsExecutableStack)
            {
                _warnings.Add($"{file.Elf.Name} asks for an executable stack");
                return true;
            }
        }

        return false;
    }

    /// <summary>Refuses what the entry is to call, if that is no function.</summary>
    private void CheckCalled(SymbolResolution resolution)
    {
        if (_options.CalledEntry is { } called && resolution.Symbols.Find(Encoding.UTF8.GetBytes(called)) is >= 0 and int index
            && EntryCode.Objection(resolution, resolution.Symbols[index]) is { } objection)
        {
            throw EntryCode.Refused(called, objection);
        }
    }

    private static bool Defines(SymbolResolution resolution, ReadOnlySpan<byte> name) =>
        resolution.Symbols.Find(name) is >= 0 and int index && resolution.Symbols[index].State is not SymbolState.Undefined;

    private ulong FindEntry(SymbolResolution resolution)
    {
        int index = resolution.Symbols.Find(Encoding.UTF8.GetBytes(_options.Entry));
        if (index >= 0)
        {
            ref LinkSymbol symbol = ref resolution.Symbols[index];
            if (symbol.State is not SymbolState.Undefined || symbol.Synthetic is not 0)
            {
                if (EntryCode.Objection(resolution, symbol) is { } objection)
                {
                    _warnings.Add($"the entry symbol '{_options.Entry}' {objection}");
                }

                return symbol.Value | ((symbol.Traits & SymbolTraits.Thumb) != 0 ? 1UL : 0);
            }
        }
        else if (_options.Definitions.TryGetValue(_options.Entry, out DefinedSymbol defined))
        {
            return defined.Address | (defined.Thumb is true ? 1UL : 0);
        }

        if (LocalEntry.TryFind(resolution.Objects, _options.Entry, out ulong local))
        {
            return local;
        }

        if (_options.EntryMustExist)
        {
            string advice = NameAdvice.For(resolution, _options.Entry) is { } found ? $"; {found}" : "";
            throw new LinkException(
                LinkErrorCode.Undefined,
                new LinkLocation("", Symbol: _options.Entry),
                $"nothing defines the entry symbol '{_options.Entry}'{advice}");
        }

        string main = Defines(resolution, "main"u8)
            ? "; 'main' is defined: start files (crt1.o) have what calls it with its arguments, and ends the program when it returns; "
                + "to start in it without that, name it as the entry (--entry main)"
            : "";
        _warnings.Add($"nothing defines the entry symbol '{_options.Entry}': the image has entry 0{main}");
        return 0;
    }
}
