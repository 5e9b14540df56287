using ElfLoader.Elf;
using ElfLoader.Memory;
using ElfLoader.Relocations;

namespace ElfLoader.Linking;

/// <summary>
/// Reads every relocation once, before memory is laid out: refuses what cannot be applied, reserves GOT slots and
/// stubs, and learns what the placement must provide.
/// </summary>
internal sealed class RelocationScan
{
    private readonly LinkRules _rules;
    private readonly SymbolResolution _resolution;
    private readonly LinkErrors _errors;
    private readonly StubTable _stubs;
    private readonly bool _allowUndefined;
    private readonly SymbolTraits _noteworthy = SymbolTraits.External | SymbolTraits.UndefinedWeak | SymbolTraits.Missing
        | SymbolTraits.Discarded | SymbolTraits.Tls | SymbolTraits.Absolute | SymbolTraits.GotBase
        | SymbolTraits.Redirected;

    private MissingSymbols? _missing;
    private ReachedData _reached;

    internal RelocationScan(
        LinkRules rules, SymbolResolution resolution, LinkErrors errors, StubTable stubs, bool allowUndefined)
    {
        _rules = rules;
        _resolution = resolution;
        _errors = errors;
        _stubs = stubs;
        _allowUndefined = allowUndefined;
        if (allowUndefined)
        {
            _noteworthy &= ~SymbolTraits.Missing;
        }
    }

    /// <summary>
    /// Whether stubs are reserved for whatever may turn out to be out of reach: where all addresses are known before
    /// memory is laid out for good, as in an image, that is not needed.
    /// </summary>
    internal bool ReservesStubs { get; init; } = true;

    /// <summary>Whether a place needs the unit below 2 GiB.</summary>
    internal bool NeedsLow { get; private set; }

    /// <summary>What the unit must lie near to.</summary>
    internal ref readonly ReachedData Reached => ref _reached;

    /// <summary>Whether any thread-local variable is used at a fixed distance from the thread pointer.</summary>
    internal bool NeedsStaticTls { get; private set; }

    /// <summary>Whether anything without a definition is referred to, and that is allowed.</summary>
    internal bool UsesMissing { get; private set; }

    /// <summary>Units whose code or data is referred to in 32 bits, so that lying in their pool would help.</summary>
    internal IDefinitionOwner? WantsNeighbour { get; private set; }

    /// <summary>Whether near names of missing ones are left to <see cref="Advised"/>: a link that is made again needs none.</summary>
    internal bool AdvisesLater { get; init; }

    /// <summary>Whether it has reported missing names without near ones.</summary>
    internal bool OwesAdvice => AdvisesLater && _missing is not null;

    /// <summary>What the link ends with, with the near names.</summary>
    internal LinkException Advised(LinkException exception) => _missing?.Advised(exception) ?? exception;

    /// <summary>Forgets all of a link, so that there can be another one.</summary>
    internal void Clear()
    {
        (NeedsLow, NeedsStaticTls, UsesMissing) = (false, false, false);
        (WantsNeighbour, _reached) = (null, default);
    }

    /// <summary>Gives the symbols of all objects their traits, and scans the objects.</summary>
    internal void Run(SymbolValues values)
    {
        UsesMissing = _allowUndefined && IsAnyMissing();
        using var symbols = new SymbolBuffer(_resolution.MostSymbols);
        foreach (LinkObject file in _resolution.Objects)
        {
            values.Classify(file);
            symbols.Lend(file);
            Scan(file);
        }

        if (_missing is not null)
        {
            _missing.Report(advises: !AdvisesLater);
            _resolution.ReportIntermediateCode();
        }
    }

    private void Scan(LinkObject file)
    {
        if ((WantIfuncStubs(file) & _noteworthy) == 0 && _rules.ArePlain(file.Elf.RelocationSummary))
        {
            return; // the reader has looked at each of them, and seen nothing either
        }

        foreach (ref readonly RelocationSection section in file.Elf.RelocationSections)
        {
            if (file.IsKept(section.Target))
            {
                Scan(file, section);
            }
        }
    }

    private bool IsAnyMissing()
    {
        for (int i = 0; i < _resolution.Symbols.Count; i++)
        {
            if ((_resolution.Symbols[i].Traits & SymbolTraits.Missing) != 0)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Reserves the stubs of the functions that resolvers choose.</summary>
    /// <returns>The traits of all symbols together.</returns>
    private SymbolTraits WantIfuncStubs(LinkObject file)
    {
        ReadOnlySpan<BoundSymbol> symbols = file.Symbols;
        SymbolTraits all = SymbolTraits.None;
        for (int i = 1; i < symbols.Length; i++)
        {
            all |= symbols[i].Traits;
            if ((symbols[i].Traits & (SymbolTraits.Ifunc | SymbolTraits.External)) != SymbolTraits.Ifunc)
            {
                continue;
            }

            if (symbols[i].Global >= 0)
            {
                _stubs.WantGlobal(ref _resolution.Symbols[symbols[i].Global], symbols[i].Global, isIfunc: true);
            }
            else
            {
                _stubs.WantLocal(file, i, isIfunc: true);
            }
        }

        return all;
    }

    private void Scan(LinkObject file, in RelocationSection section)
    {
        ref readonly SectionHeader target = ref file.Elf.Sections[section.Target];
        if (target.Type is ElfConstants.SHT_NOBITS && section.Count > 0)
        {
            _errors.Add(
                LinkErrorCode.Malformed,
                new LinkLocation(file.Elf.Name, file.Elf.SectionNameText(section.Target)),
                "the section has relocations but no bytes (SHT_NOBITS)");
            return;
        }

        if (file.Elf.RelaEntries(section) is { IsEmpty: false } entries)
        {
            Scan(file, section, entries, target.Size);
            return;
        }

        foreach (RelocationRecord record in file.Elf.Relocations(section))
        {
            Examine(file, section, record, target.Size);
        }
    }

    /// <summary>The loop over the format of x86-64.</summary>
    private void Scan(LinkObject file, in RelocationSection section, ReadOnlySpan<Rela64> entries, ulong size)
    {
        ReadOnlySpan<BoundSymbol> symbols = file.Symbols;
        ReadOnlySpan<RuleFacts> facts = _rules.Facts;
        for (int i = 0; i < entries.Length; i++)
        {
            ref readonly Rela64 entry = ref entries[i];
            RuleFacts fact = facts[(byte)entry.Type];
            if (entry.Type > byte.MaxValue || !fact.IsUsable
                || entry.Offset > size || fact.Size > size - entry.Offset
                || (fact.Needs & ~LinkRules.PlainNeeds) != 0 || (symbols[(int)entry.Symbol].Traits & _noteworthy) != 0)
            {
                Examine(file, section, entry.ToRecord(), size);
            }
        }
    }

    private void Examine(LinkObject file, in RelocationSection section, in RelocationRecord record, ulong size)
    {
        RelocationRule? rule = _rules[record.Type];
        if (rule is null || rule.Use is RelocationUse.Dynamic or RelocationUse.Refused)
        {
            RefuseType(file, section, record, rule);
            return;
        }

        if (record.Offset > size || (ulong)rule.Field.Size > size - record.Offset)
        {
            Refuse(
                LinkErrorCode.Malformed,
                file,
                section,
                record,
                rule,
                $"of {CountText.Of(rule.Field.Size, "byte")} lies outside of the section, which has {CountText.Of(size, "byte")}");
            return;
        }

        RuleNeeds needs = _rules.Needs(record.Type);
        SymbolTraits traits = file.Symbols[(int)record.Symbol].Traits;
        if ((needs & ~LinkRules.PlainNeeds) != 0 || (traits & _noteworthy) != 0)
        {
            Consider(file, section, record, rule, needs, traits);
        }
    }

    private void Consider(
        LinkObject file,
        in RelocationSection section,
        in RelocationRecord record,
        RelocationRule rule,
        RuleNeeds needs,
        SymbolTraits traits)
    {
        if ((needs & RuleNeeds.Marker) != 0)
        {
            return;
        }

        int symbol = (int)record.Symbol;
        if ((traits & SymbolTraits.Discarded) != 0)
        {
            if (!MayReferToDiscarded(file, section.Target))
            {
                Refuse(
                    LinkErrorCode.Undefined,
                    file,
                    section,
                    record,
                    rule,
                    $"refers to '{file.DescribeSymbol(symbol)}' in a section that is not loaded");
            }

            return;
        }

        if ((traits & SymbolTraits.Missing) != 0 && !_allowUndefined)
        {
            _missing ??= new MissingSymbols(_resolution, _errors);
            _missing.Note(file, section, record);
        }

        bool isTls = (traits & SymbolTraits.Tls) != 0;
        if (isTls != ((needs & RuleNeeds.Tls) != 0)
            && rule.Slot is not GotSlot.TlsModule && rule.Expression.UsesSymbol | rule.Slot is not GotSlot.None
            && (traits & (SymbolTraits.Missing | SymbolTraits.UndefinedWeak)) == 0)
        {
            Refuse(
                LinkErrorCode.Malformed,
                file,
                section,
                record,
                rule,
                $"is {(isTls ? "not " : "")}for thread-local symbols, "
                + $"and '{file.DescribeSymbol(symbol)}' is {(isTls ? "" : "not ")}thread-local");
            return;
        }

        if (isTls && rule.Slot is GotSlot.None && (traits & SymbolTraits.External) != 0
            && DistanceProblem(file.Symbols[symbol].Global, needs) is { } problem)
        {
            Refuse(LinkErrorCode.Placement, file, section, record, rule, $"against '{file.DescribeSymbol(symbol)}': {problem}");
            return;
        }

        if ((needs & (RuleNeeds.Got | RuleNeeds.Slot)) != 0 || (traits & SymbolTraits.GotBase) != 0)
        {
            _resolution.Note(file, ObjectParts.Got);
            if (rule.Slot is not GotSlot.None)
            {
                file.Got.Want(rule.Slot, symbol, file.Symbols.Length, _rules.Architecture.AddressSize);
            }
        }

        if ((needs & RuleNeeds.StaticTls) != 0 && (traits & SymbolTraits.Internal) != 0)
        {
            NeedsStaticTls = true;
        }

        ConsiderReach(file, section, record, rule, needs, traits);
    }

    /// <summary>Symbols that may lie anywhere: reserves stubs, and notes what the placement must provide.</summary>
    private void ConsiderReach(
        LinkObject file,
        in RelocationSection section,
        in RelocationRecord record,
        RelocationRule rule,
        RuleNeeds needs,
        SymbolTraits traits)
    {
        int symbol = (int)record.Symbol;
        bool isElsewhere = (traits & (SymbolTraits.External | SymbolTraits.UndefinedWeak | SymbolTraits.Absolute
            | SymbolTraits.Redirected)) != 0;
        bool isNarrow = (needs & (RuleNeeds.NarrowAbsolute | RuleNeeds.NarrowRelative)) != 0;
        if (!isNarrow)
        {
            return;
        }

        bool isBranch = (needs & RuleNeeds.Branch) != 0
            || (file.Elf.Sections[section.Target].Has(ElfConstants.SHF_EXECINSTR) && _rules.Architecture.IsBranchPlace(
                rule, file.Elf.SectionBytes(section.Target), (int)record.Offset));
        int global = file.Symbols[symbol].Global;
        bool isFunction = global >= 0 && !isBranch
            && ((traits & SymbolTraits.Redirected) != 0 || _resolution.IsOutsideFunction(global));
        if (ReservesStubs && isElsewhere && global >= 0 && (isBranch || isFunction))
        {
            _stubs.WantGlobal(ref _resolution.Symbols[global], global, isIfunc: false);
        }

        const SymbolTraits fixedNumber = SymbolTraits.Absolute | SymbolTraits.UndefinedWeak;
        if ((needs & RuleNeeds.NarrowAbsolute) != 0 && (traits & fixedNumber) == 0 && rule.Field.Size >= 4)
        {
            NeedsLow = true;
        }

        if (!isBranch && (traits & SymbolTraits.External) != 0 && (needs & RuleNeeds.NarrowRelative) != 0)
        {
            Definition outside = _resolution.Outside(_resolution.Symbols[global]);
            WantsNeighbour ??= outside.Owner;
            if (!isFunction)
            {
                _reached.Add(outside.Address, file, section.Target, record);
            }
        }
    }

    /// <summary>What keeps code that knows a thread-local variable's offset from reaching another unit's; null if nothing does.</summary>
    private string? DistanceProblem(int global, RuleNeeds needs)
    {
        Definition outside = _resolution.Outside(_resolution.Symbols[global]);
        return (needs & RuleNeeds.StaticTls) == 0
            ? $"it is in the thread-local storage of {outside.Provider}, and the code wants it in its own unit's "
                + "(local dynamic); load the objects together"
            : outside.Tls?.TpOffset is null
            ? $"the thread-local variable of {outside.Provider} has no fixed distance from the thread pointer, which the "
                + "code wants (local exec); compile with -fPIC, or load the objects together"
            : null;
    }

    /// <summary>Tables that describe functions one by one, and of which nobody reads the part of a function that is not there.</summary>
    private static bool MayReferToDiscarded(LinkObject file, int section) =>
        file.Sections[section].Role is SectionRole.Unwind
        || file.Elf.SectionNameStartsWith(section, ".gcc_except_table"u8);

    private void RefuseType(
        LinkObject file, in RelocationSection section, in RelocationRecord record, RelocationRule? rule)
    {
        if (!_errors.TryOnlyCount())
        {
            UnsupportedConstruct refused = UnsupportedConstruct.OfRelocation(_rules.Architecture, record.Type)!;
            LinkLocation where = file.At(section.Target, record.Offset, (int)record.Symbol);
            _errors.Add(refused.At(where) with { Relocation = rule?.Name });
        }
    }

    private void Refuse(
        LinkErrorCode code,
        LinkObject file,
        in RelocationSection section,
        in RelocationRecord record,
        RelocationRule rule,
        string reason)
    {
        if (!_errors.TryOnlyCount())
        {
            _errors.Add(new LinkError(
                code, file.At(section.Target, record.Offset, (int)record.Symbol), $"{rule.Name} {reason}")
            {
                Relocation = rule.Name,
            });
        }
    }
}
