using System.Buffers;
using System.Buffers.Binary;
using ElfLoader.Elf;
using ElfLoader.Memory;
using ElfLoader.Redirection;
using ElfLoader.Relocations;

namespace ElfLoader.Linking;

/// <summary>What the relocations of a unit need to know beside their symbols.</summary>
internal sealed record RelocationContext
{
    internal required LinkRules Rules { get; init; }

    internal required SymbolResolution Resolution { get; init; }

    internal required StubTable Stubs { get; init; }

    /// <summary>Stubs of an image, which are for single branches.</summary>
    internal BranchStubs? BranchStubs { get; init; }

    internal required TlsTemplate Tls { get; init; }

    internal required LinkMemory Memory { get; init; }

    internal required LinkErrors Errors { get; init; }

    /// <summary>Whether threads share the work even where there is little of it.</summary>
    internal bool TreatsAsLarge { get; init; }

    /// <summary>Finds the static base B(S) of the symbol that has an address (AAELF32); null where the machine has none.</summary>
    internal Func<ulong, ulong>? StaticBase { get; init; }

    /// <summary>Address of <see cref="Architecture.TlsCall"/>, where the link has it.</summary>
    internal ulong TlsCall { get; init; }

    /// <summary>Whether instructions may be rewritten to cheaper forms.</summary>
    internal bool Relax { get; init; } = true;

    /// <summary>The functions that are seen at entries; null if none is.</summary>
    internal UnitEntries? Entries { get; set; }

    /// <summary>Whether thread-local accesses become local exec: in executables, which own the static block.</summary>
    internal bool RelaxTls { get; init; }

    /// <summary>
    /// Address of the resolver for TLS descriptors in an image, whose argument is the offset from the thread pointer.
    /// </summary>
    internal ulong DescriptorResolver { get; init; }

    /// <summary>Adds to a message on a value that is out of range what would help.</summary>
    internal ReachAdvice? Advice { get; init; }
}

/// <summary>Copies the sections of one object and applies its relocations to the copies.</summary>
/// <remarks>
/// Addends come from the relocation records or the object's own bytes, never from what an earlier application has left,
/// so the pass can be repeated with other addresses. Different objects may be passed over in parallel.
/// </remarks>
internal readonly struct RelocationPass
{
    private readonly RelocationContext _context;
    private readonly LinkRules _rules;
    private readonly LinkObject _file;

    internal RelocationPass(RelocationContext context, LinkObject file)
    {
        _context = context;
        _rules = context.Rules;
        _file = file;
    }

    /// <summary>Copies and relocates all sections of all objects.</summary>
    /// <param name="context">What they need to know.</param>
    /// <param name="objects">The objects.</param>
    /// <param name="parallelism">Most threads; 0 for as many as there are processors.</param>
    internal static void RunAll(RelocationContext context, IReadOnlyList<LinkObject> objects, int parallelism)
    {
        if (parallelism is 1 || ObjectRanges.Cut(objects, parallelism, context.TreatsAsLarge) is not { Count: > 1 } ranges
            || !TryRunAll(context, objects, ranges))
        {
            RunAll(context, objects, 0..objects.Count); // again after an error, so that all are told in the order of the objects
        }
    }

    private static bool TryRunAll(RelocationContext context, IReadOnlyList<LinkObject> objects, ObjectRanges ranges)
    {
        var errors = new LinkErrors();
        ranges.Run(range => RunAll(context with { Errors = errors }, objects, range));
        return !errors.Any;
    }

    private static void RunAll(RelocationContext context, IReadOnlyList<LinkObject> objects, Range range)
    {
        SectionWriter writer = context.Memory.NewWriter();
        using var symbols = new LentSymbols(objects, range);
        for (int i = range.Start.Value; i < range.End.Value; i++)
        {
            symbols.Lend(objects[i]);
            try
            {
                new RelocationPass(context, objects[i]).Run(writer);
            }
            finally
            {
                objects[i].TakeBack();
            }
        }

        writer.Flush();
    }

    /// <summary>Copies and relocates all sections.</summary>
    internal void Run(SectionWriter writer)
    {
        ReadOnlySpan<SectionHeader> headers = _file.Elf.Sections;
        int[] relocations = ArrayPool<int>.Shared.Rent(headers.Length);
        try
        {
            Span<int> first = relocations.AsSpan(0, headers.Length); // one more than the index in RelocationSections
            bool isSingle = FindRelocations(first);
            writer.Begin(_file);
            for (int i = 1; i < headers.Length; i++)
            {
                ref readonly SectionPlace place = ref _file.Sections[i];
                if (place.Fate is SectionFate.Kept && headers[i].Type is not ElfConstants.SHT_NOBITS)
                {
                    ReadOnlySpan<byte> source = _file.Elf.SectionBytes(i);
                    if (first[i] is 0)
                    {
                        writer.Copy(place, source, headers[i].Alignment);
                        continue;
                    }

                    Span<byte> bytes = writer.Open(place, source.Length, headers[i].Alignment);
                    source.CopyTo(bytes);
                    bool wantsCode = WantsCode(i);
                    if (wantsCode)
                    {
                        _context.Entries!.Show(_file, bodies: true);
                    }

                    Relocate(i, first[i] - 1, isSingle, bytes);
                    if (wantsCode)
                    {
                        _context.Entries!.Show(_file, bodies: false);
                    }
                }
            }
        }
        finally
        {
            ArrayPool<int>.Shared.Return(relocations);
        }
    }

    /// <summary>Notes for each section which relocations come first; false if a section has two sections of them.</summary>
    private bool FindRelocations(Span<int> first)
    {
        first.Clear();
        bool isSingle = true;
        ReadOnlySpan<RelocationSection> sections = _file.Elf.RelocationSections;
        for (int i = 0; i < sections.Length; i++)
        {
            ref int entry = ref first[sections[i].Target];
            isSingle &= entry is 0;
            entry = entry is 0 ? i + 1 : entry;
        }

        return isSingle;
    }

    private void Relocate(int target, int first, bool isSingle, Span<byte> bytes)
    {
        ReadOnlySpan<RelocationSection> sections = _file.Elf.RelocationSections;
        int end = isSingle ? first + 1 : sections.Length;
        for (int i = first; i < end; i++)
        {
            if (sections[i].Target == target)
            {
                if (_file.Elf.RelaEntries(sections[i]) is { IsEmpty: false } entries)
                {
                    Relocate(sections[i], entries, bytes);
                }
                else
                {
                    Relocate(sections[i], bytes);
                }
            }
        }
    }

    /// <summary>
    /// Whether a section means the unit's own code, whatever an entry leads to: it describes that, or starts and ends it.
    /// </summary>
    private bool WantsCode(int section) => _context.Entries is not null
        && (_file.Sections[section].Role is SectionRole.Unwind
            || _file.Elf.Sections[section].Type is ElfConstants.SHT_INIT_ARRAY or ElfConstants.SHT_FINI_ARRAY
                or ElfConstants.SHT_PREINIT_ARRAY);

    /// <summary>The loop over the format of x86-64.</summary>
    private void Relocate(in RelocationSection section, ReadOnlySpan<Rela64> entries, Span<byte> bytes)
    {
        ulong address = _file.Sections[section.Target].Address;
        ReadOnlySpan<BoundSymbol> symbols = _file.Symbols;
        ReadOnlySpan<RuleFacts> facts = _rules.Facts;
        for (int i = 0; i < entries.Length; i++)
        {
            ref readonly Rela64 entry = ref entries[i];
            NativeBytes.Prefetch(in entry, RelocationSummary.PrefetchDistance);
            ref readonly BoundSymbol symbol = ref symbols[(int)entry.Symbol];
            RulePath path = facts[(byte)entry.Type].Path;
            long value = unchecked((long)symbol.Value + entry.Addend);
            if (path is RulePath.Relative32)
            {
                value = unchecked(value - (long)(address + entry.Offset));
                if (value == (int)value && !symbol.Is(SymbolTraits.Discarded))
                {
                    BinaryPrimitives.WriteInt32LittleEndian(bytes[(int)entry.Offset..], (int)value);
                    continue;
                }
            }
            else if (path is RulePath.Absolute64 && !symbol.Is(SymbolTraits.Discarded))
            {
                BinaryPrimitives.WriteInt64LittleEndian(bytes[(int)entry.Offset..], value);
                continue;
            }

            RelocationReader following = _file.Elf.RelocationsFrom(section, i + 1);
            Apply(section, bytes, address, entry.ToRecord(), following, isImplicit: false, out int consumed);
            i += consumed;
        }
    }

    /// <summary>The loop over all other formats.</summary>
    private void Relocate(in RelocationSection section, Span<byte> bytes)
    {
        ulong address = _file.Sections[section.Target].Address;
        bool isImplicit = LinkRules.HasImplicitAddend(section);
        RelocationReader reader = _file.Elf.Relocations(section).GetEnumerator();
        while (reader.MoveNext())
        {
            Apply(section, bytes, address, reader.Current, reader, isImplicit, out int consumed);
            for (; consumed > 0; consumed--)
            {
                _ = reader.MoveNext();
            }
        }
    }

    private void Apply(
        in RelocationSection section,
        Span<byte> bytes,
        ulong address,
        in RelocationRecord record,
        RelocationReader following,
        bool isImplicit,
        out int consumed)
    {
        if (_file.Symbols[(int)record.Symbol].Is(SymbolTraits.Discarded)) // in a table of which the part is not read: the scan refuses all else
        {
            // libgcc skips a description whose function address is zero as stored: the copy that was dropped.
            bytes.Slice((int)record.Offset, _rules[record.Type]!.Field.Size).Clear();
            consumed = 0;
            return;
        }

        ApplyByTable(section, bytes, address, record, following, isImplicit, out consumed);
    }

    /// <summary>Applies one relocation by its row of the table.</summary>
    /// <param name="section">The section of relocations.</param>
    /// <param name="bytes">The bytes of the section to patch: pristine, but for the relocations before this one.</param>
    /// <param name="address">The address of the first.</param>
    /// <param name="record">The relocation.</param>
    /// <param name="following">The relocations behind it.</param>
    /// <param name="isImplicit">Whether its addend stands in the object's bytes.</param>
    /// <param name="consumed">How many relocations behind it are done as well.</param>
    internal void ApplyByTable(
        in RelocationSection section,
        Span<byte> bytes,
        ulong address,
        in RelocationRecord record,
        RelocationReader following,
        bool isImplicit,
        out int consumed)
    {
        consumed = 0;
        RelocationRule rule = _rules[record.Type]!;
        if (rule.Use is RelocationUse.Marker && !rule.MayRelax)
        {
            return;
        }

        Operands operands = Bind(section, record, rule, address, isImplicit);
        if (rule.MayRelax && _context.Relax && IsCode(section.Target)
            && TryRelax(rule, bytes, record, operands, following, out consumed))
        {
            return;
        }

        if (rule.Use is RelocationUse.Marker)
        {
            return;
        }

        Apply(section, bytes, record, rule, operands, following);
    }

    /// <summary>The letters of a relocation's formula.</summary>
    internal Operands Bind(
        in RelocationSection section, in RelocationRecord record, RelocationRule rule, ulong address, bool isImplicit)
    {
        ref readonly BoundSymbol symbol = ref _file.Symbols[(int)record.Symbol];
        long addend = isImplicit
            ? rule.ReadAddend(_file.Elf.SectionBytes(section.Target)[(int)record.Offset..])
            : record.Addend;
        var operands = new Operands
        {
            A = addend,
            P = address + record.Offset,
            Tp = _context.Tls.ThreadPointer,
            TlsBlock = _context.Tls.Base,
        };
        SymbolOperands.Bind(ref operands, _rules.Architecture, rule, symbol, _context.TlsCall);
        if (symbol.Is(SymbolTraits.Tls) && symbol.Is(SymbolTraits.UndefinedWeak))
        {
            operands.S = operands.L = operands.Tp; // its offset from the thread pointer is 0, as other linkers have it
        }

        if (rule.Expression.UsesStaticBase)
        {
            operands.B = _context.StaticBase?.Invoke(SectionOf((int)record.Symbol) ?? operands.S) ?? 0;
        }

        if (rule.Expression.UsesGot)
        {
            operands.Got = _file.Got.Origin;
            operands.G = rule.Slot is GotSlot.None
                ? 0
                : _file.Got.Address + (ulong)_file.Got.Offset(rule.Slot, (int)record.Symbol) - operands.Got;
        }

        if (rule.Expression.UsesSize)
        {
            operands.Z = SizeOf((int)record.Symbol);
        }

        return operands;
    }

    private void Apply(
        in RelocationSection section,
        Span<byte> bytes,
        in RelocationRecord record,
        RelocationRule rule,
        Operands operands,
        RelocationReader following)
    {
        RelocationTable table = _rules.Architecture.Relocations;
        int offset = (int)record.Offset;
        if (_context.BranchStubs?.RouteOf(_file, section.Target, record.Offset) is { } route)
        {
            SymbolOperands.Enter(ref operands, route.Piece.Address, route.Shape);
            operands.A = -_rules.Architecture.BranchOrigin(rule);
        }

        RelocationOutcome outcome = table.Apply(rule, bytes[offset..], operands, out long value);
        if (outcome is RelocationOutcome.OutOfRange && MayGoThroughStub(section, rule, record))
        {
            int stub = _context.Stubs.Find(_context.Resolution.Symbols, _file, (int)record.Symbol);
            if (stub >= 0)
            {
                Operands viaStub = operands;
                SymbolOperands.Enter(ref viaStub, _context.Stubs.All[stub].Address, _rules.Architecture.Stub);
                outcome = table.Apply(rule, bytes[offset..], viaStub, out _);
            }
        }

        const SymbolTraits number = SymbolTraits.Absolute | SymbolTraits.UndefinedWeak;
        if (outcome is RelocationOutcome.OutOfRange && _file.Symbols[(int)record.Symbol].Is(number)
            && IsCode(section.Target) && TryRelax(rule, bytes, record, operands, following, out _))
        {
            return;
        }

        if (outcome is not RelocationOutcome.Applied)
        {
            Report(section, record, rule, outcome, value);
        }
    }

    /// <summary>Branches may; so may addresses of functions elsewhere, as in an executable that is not PIC; data never.</summary>
    private bool MayGoThroughStub(in RelocationSection section, RelocationRule rule, in RelocationRecord record)
    {
        if (!rule.Expression.UsesSymbol)
        {
            return false;
        }

        int global = _file.Symbols[(int)record.Symbol].Global;
        return rule.IsBranch
            || (IsCode(section.Target) && _rules.Architecture.IsBranchPlace(
                rule, _file.Elf.SectionBytes(section.Target), (int)record.Offset))
            || (global >= 0 && (_context.Resolution.Symbols[global].Traits & SymbolTraits.Function) != 0);
    }

    private bool TryRelax(
        RelocationRule rule,
        Span<byte> bytes,
        in RelocationRecord record,
        in Operands operands,
        RelocationReader following,
        out int consumed)
    {
        ref readonly BoundSymbol symbol = ref _file.Symbols[(int)record.Symbol];
        RelaxationTraits traits = RelaxationTraits.FixedAddress;
        if (!symbol.Is(SymbolTraits.Ifunc))
        {
            traits |= RelaxationTraits.BindsDirectly;
        }

        if (symbol.Is(SymbolTraits.Absolute | SymbolTraits.UndefinedWeak))
        {
            traits |= RelaxationTraits.Absolute;
        }

        if (_context.RelaxTls)
        {
            traits |= RelaxationTraits.StaticTls;
        }

        RelocationRule? next = null;
        int nextOffset = 0;
        if (following.MoveNext() && BelongsTo(record, following.Current))
        {
            next = _rules[following.Current.Type];
            nextOffset = (int)following.Current.Offset;
        }

        Relaxation relaxation = _rules.Architecture.TryRelax(
            rule, bytes, (int)record.Offset, operands, traits, next, nextOffset);
        consumed = relaxation.Consumed;
        return relaxation.Applied;
    }

    /// <summary>
    /// Whether a record is the call of the TLS sequence that another one begins: of <c>__tls_get_addr</c>, or through the
    /// same symbol's descriptor.
    /// </summary>
    private bool BelongsTo(in RelocationRecord first, in RelocationRecord call)
    {
        int global = _file.Symbols[(int)call.Symbol].Global;
        return first.Symbol == call.Symbol
            || (global >= 0 && _context.Resolution.Symbols.Name(global).SequenceEqual("__tls_get_addr"u8));
    }

    private bool IsCode(int section) => _file.Elf.Sections[section].Has(ElfConstants.SHF_EXECINSTR);

    /// <summary>
    /// Address of the section that a symbol is defined in, which says in which segment it is even where the symbol itself
    /// lies beyond the section's end; null if it is in none.
    /// </summary>
    private ulong? SectionOf(int symbol)
    {
        LinkObject file = _file;
        if (file.Symbols[symbol].Global is >= 0 and int global)
        {
            ref readonly LinkSymbol shared = ref _context.Resolution.Symbols[global];
            if (shared.State is not (SymbolState.Weak or SymbolState.Strong))
            {
                return null;
            }

            file = _context.Resolution.Objects[shared.Definer];
            symbol = shared.DefinerSymbol;
        }

        SymbolRecord record = file.Elf.Symbol(symbol);
        return record.Place is SymbolPlace.Section ? file.Sections[record.Section].Address : null;
    }

    private ulong SizeOf(int symbol)
    {
        int global = _file.Symbols[symbol].Global;
        return global >= 0 ? _context.Resolution.Symbols[global].Size
            : symbol is 0 ? 0
            : _file.Elf.Symbol(symbol).Size;
    }

    private void Report(
        in RelocationSection section,
        in RelocationRecord record,
        RelocationRule rule,
        RelocationOutcome outcome,
        long value)
    {
        if (_context.Errors.TryOnlyCount())
        {
            return;
        }

        string name = _file.DescribeSymbol((int)record.Symbol);
        string message = outcome switch
        {
            RelocationOutcome.OutOfRange =>
                $"{rule.Name} against '{name}': value {Hex(value)} is not between {Hex(rule.Minimum)} and {Hex(rule.Maximum)}",
            RelocationOutcome.Misaligned =>
                $"{rule.Name} against '{name}': value {Hex(value)} is not a multiple of {1 << rule.Field.LowBit}",
            RelocationOutcome.NotEncodable =>
                $"{rule.Name} against '{name}': value {Hex(value)} cannot be encoded in the instruction",
            RelocationOutcome.WrongInstructionSet =>
                $"{rule.Name} against '{name}': the branch cannot change to the instruction set of its target",
            _ => $"{rule.Name} against '{name}': the place does not hold an instruction that this relocation is for",
        };
        string? advice = outcome is RelocationOutcome.OutOfRange
            ? _context.Advice?.For(_file, (int)record.Symbol, rule)
            : null;
        _context.Errors.Add(new LinkError(
            LinkErrorCode.OutOfRange,
            _file.At(section.Target, record.Offset, (int)record.Symbol),
            advice is null ? message : $"{message}; {advice}")
        {
            Relocation = rule.Name,
            Value = value,
            Allowed = (rule.Minimum, rule.Maximum),
        });
    }

    private static string Hex(long value) => value < 0 ? $"-0x{(ulong)-value:x}" : $"0x{value:x}";
}
