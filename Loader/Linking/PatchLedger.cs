using System.Buffers.Binary;
using ElfLoader.Elf;
using ElfLoader.Relocations;

namespace ElfLoader.Linking;

/// <summary>Writes down what a link did at every patched place.</summary>
/// <remarks>
/// A relocation is a function of the object's bytes and of addresses, so nothing needs to be noted while linking: once all
/// addresses are known, the same pass is applied again, one relocation at a time, to copies of the sections, and what
/// each one changes is looked at. The pass itself knows nothing of it and is no slower where nobody asks.
/// How a value came about is not taken from the pass but found by computing each possibility and comparing the bytes:
/// the ledger only claims that a formula was stored where the bytes are what the formula gives.
/// </remarks>
internal sealed class PatchLedger
{
    /// <summary>Bytes around a place in which a rewritten sequence of instructions begins and ends.</summary>
    private const int MostBefore = 32;

    private const int MostAfter = 64;

    private readonly RelocationContext _context;
    private readonly SymbolOrigins _origins;
    private readonly PatchStubs _stubs;
    private readonly List<PatchRecord> _records = [];

    private PatchLedger(RelocationContext context, int inputs)
    {
        _context = context;
        _origins = new SymbolOrigins(context.Resolution, inputs);
        _stubs = new PatchStubs(context);
    }

    /// <summary>The records of a link that has succeeded.</summary>
    /// <param name="context">What its relocations knew.</param>
    /// <param name="order">The objects, in the order of linking.</param>
    /// <param name="inputs">How many of them were given: the others come from archives.</param>
    internal static IReadOnlyList<PatchRecord> Of(RelocationContext context, IReadOnlyList<LinkObject> order, int inputs)
    {
        var ledger = new PatchLedger(context, inputs);
        for (int i = 0; i < order.Count; i++)
        {
            foreach (ref readonly RelocationSection section in order[i].Elf.RelocationSections)
            {
                if (order[i].IsKept(section.Target))
                {
                    ledger.Add(new PatchedSection(order[i], i, section));
                }
            }
        }

        return ledger._records;
    }

    private void Add(in PatchedSection patched)
    {
        LinkObject file = patched.File;
        RelocationSection section = patched.Relocations;
        byte[] bytes = file.Elf.SectionBytes(section.Target).ToArray();
        var relocator = new TableRelocator(_context, file);
        bool isImplicit = LinkRules.HasImplicitAddend(section);
        int swallowed = 0;
        RelocationReader reader = file.Elf.Relocations(section).GetEnumerator();
        while (reader.MoveNext())
        {
            RelocationRecord relocation = reader.Current;
            RelocationRule rule = _context.Rules[relocation.Type]!;
            if (file.Symbols[(int)relocation.Symbol].Is(SymbolTraits.Discarded))
            {
                var place = new Operands { A = relocation.Addend, P = patched.Address + relocation.Offset };
                bytes.AsSpan((int)relocation.Offset, rule.Field.Size).Clear();
                Add(patched, bytes, relocation, rule, place, PatchMethod.Cleared, Field(relocation, rule));
                continue;
            }

            Operands operands = relocator.Bind(section, relocation, rule, patched.Address, isImplicit);
            if (swallowed > 0)
            {
                swallowed--;
                Add(patched, bytes, relocation, rule, operands, PatchMethod.Sequence, Field(relocation, rule));
                continue;
            }

            int start = Math.Max((int)relocation.Offset - MostBefore, 0);
            byte[] before = bytes[start..Math.Min((int)relocation.Offset + MostAfter, bytes.Length)];
            relocator.Apply(section, bytes, patched.Address, relocation, reader, isImplicit, out swallowed);
            (int Start, int End) changed = Changed(before, bytes.AsSpan(start, before.Length));
            if (changed.End > 0 || rule.Use is not RelocationUse.Marker)
            {
                (int first, int end) = Field(relocation, rule);
                (int, int) range = changed.End is 0
                    ? (first, end)
                    : (Math.Min(start + changed.Start, first), Math.Max(start + changed.End, end));
                AddApplied(patched, bytes, relocation, rule, operands, range);
            }
        }
    }

    private static (int Start, int End) Field(in RelocationRecord relocation, RelocationRule rule) =>
        ((int)relocation.Offset, (int)relocation.Offset + rule.Field.Size);

    private static (int Start, int End) Changed(ReadOnlySpan<byte> before, ReadOnlySpan<byte> after)
    {
        int start = before.CommonPrefixLength(after);
        int end = before.Length;
        while (end > start && before[end - 1] == after[end - 1])
        {
            end--;
        }

        return end > start ? (start, end) : (0, 0);
    }

    /// <summary>Finds out which way of carrying the relocation out gives the bytes that are there.</summary>
    private void AddApplied(
        in PatchedSection patched,
        byte[] bytes,
        in RelocationRecord relocation,
        RelocationRule rule,
        in Operands operands,
        (int Start, int End) range)
    {
        ReadOnlySpan<byte> pristine = patched.File.Elf.SectionBytes(patched.Relocations.Target)[range.Start..range.End];
        ReadOnlySpan<byte> written = bytes.AsSpan(range.Start..range.End);
        int place = (int)relocation.Offset - range.Start;
        if (Gives(rule, pristine, place, operands, written))
        {
            // The value of an indirect function's symbol is its stub.
            int symbol = (int)relocation.Symbol;
            ImageStub? stub = patched.File.Symbols[symbol].Is(SymbolTraits.Ifunc) && rule.Expression.UsesSymbol
                ? _stubs.OfSymbol(patched.File, symbol)
                : null;
            Add(patched, bytes, relocation, rule, operands, stub is null ? PatchMethod.Direct : PatchMethod.Stub, range, stub);
            return;
        }

        foreach ((ImageStub stub, Operands through) in _stubs.Candidates(patched, relocation, rule, operands))
        {
            if (Gives(rule, pristine, place, through, written))
            {
                Add(patched, bytes, relocation, rule, through, PatchMethod.Stub, range, stub);
                return;
            }
        }

        Add(patched, bytes, relocation, rule, operands, PatchMethod.Relaxed, range);
    }

    private bool Gives(
        RelocationRule rule, ReadOnlySpan<byte> pristine, int place, in Operands operands, ReadOnlySpan<byte> written)
    {
        byte[] copy = pristine.ToArray();
        return _context.Rules.Architecture.Relocations.Apply(rule, copy.AsSpan(place), operands, out _)
            is RelocationOutcome.Applied && written.SequenceEqual(copy);
    }

    private void Add(
        in PatchedSection patched,
        byte[] bytes,
        in RelocationRecord relocation,
        RelocationRule rule,
        in Operands operands,
        PatchMethod method,
        (int Start, int End) range,
        ImageStub? stub = null)
    {
        LinkObject file = patched.File;
        int symbol = (int)relocation.Symbol;
        ReadOnlyMemory<byte> pristine = file.Elf.SectionMemory(patched.Relocations.Target);
        RelocationTable table = _context.Rules.Architecture.Relocations;
        RelocationRule form = rule;
        _ = table.Check(ref form, pristine.Span[(int)relocation.Offset..], operands, out long value);
        (SymbolSource source, string? provider) = _origins.Of(file, symbol);
        _records.Add(new PatchRecord
        {
            ObjectIndex = patched.Index,
            Object = file.Elf.Name,
            Section = patched.Name,
            SectionIndex = patched.Relocations.Target,
            Offset = relocation.Offset,
            Rule = form,
            Symbol = symbol is 0 ? null : patched.SymbolName(symbol),
            Source = source,
            Provider = provider,
            Operands = operands,
            Value = value,
            Method = method,
            Stub = stub,
            Slot = method is PatchMethod.Direct && rule.Slot is not GotSlot.None ? SlotOf(patched, rule.Slot, symbol) : null,
            BytesOffset = (ulong)range.Start,
            Before = pristine[range.Start..range.End],
            After = bytes.AsMemory(range.Start..range.End),
        });
    }

    private ImageGotSlot SlotOf(in PatchedSection patched, GotSlot kind, int symbol)
    {
        GotTable got = patched.File.Got;
        ulong offset = (ulong)got.Offset(kind, symbol);
        int wordSize = _context.Rules.Architecture.AddressSize;
        ReadOnlySpan<byte> word = _context.Memory.Writable(got.Block, got.BlockOffset + offset, wordSize);
        return new ImageGotSlot(
            kind is GotSlot.TlsModule ? "" : patched.SymbolName(symbol),
            patched.File.Elf.Name,
            MapNames.NameOf(kind),
            got.Address + offset,
            wordSize is 8 ? BinaryPrimitives.ReadUInt64LittleEndian(word) : BinaryPrimitives.ReadUInt32LittleEndian(word));
    }
}
