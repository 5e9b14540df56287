using ElfLoader.Elf;
using ElfLoader.Relocations;

namespace ElfLoader.Linking;

/// <summary>
/// Applies single relocations of an object by their rows of the architecture's table: what their formula takes, the way through
/// a stub where the target is out of reach, rewriting of instructions, and errors.
/// </summary>
internal readonly struct TableRelocator
{
    private readonly RelocationContext _context;
    private readonly LinkRules _rules;
    private readonly LinkObject _file;

    internal TableRelocator(RelocationContext context, LinkObject file)
    {
        _context = context;
        _rules = context.Rules;
        _file = file;
    }

    /// <summary>Applies one relocation by its row of the table.</summary>
    /// <param name="section">The section of relocations.</param>
    /// <param name="bytes">The bytes of the section to patch: pristine, but for the relocations before this one.</param>
    /// <param name="address">The address of the first.</param>
    /// <param name="record">The relocation.</param>
    /// <param name="following">The relocations behind it.</param>
    /// <param name="isImplicit">Whether its addend stands in the object's bytes.</param>
    /// <param name="consumed">How many relocations behind it are done as well.</param>
    internal void Apply(
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
            operands.Got = _file.Got.Address;
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
        if (_context.BranchRoutes is { } routes && routes.TryRoute(_file, section.Target, record.Offset, out BranchRoute route))
        {
            SymbolOperands.Enter(ref operands, route.Address, route.Shape);
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
            || (global >= 0
                && VersionedName.Of(_context.Resolution.Symbols.Name(global)).Name.SequenceEqual("__tls_get_addr"u8));
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
            ? _context.Advice?.Invoke(_file, (int)record.Symbol, rule)
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
