using System.Buffers;
using System.Buffers.Binary;
using ElfLoader.Elf;
using ElfLoader.Memory;

namespace ElfLoader.Linking;

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
    private readonly TableRelocator _byTable;

    internal RelocationPass(RelocationContext context, LinkObject file)
    {
        _context = context;
        _rules = context.Rules;
        _file = file;
        _byTable = new TableRelocator(context, file);
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
        using var symbols = new SymbolBuffer(context.Resolution.MostSymbols);
        int[] relocations = ArrayPool<int>.Shared.Rent(context.Resolution.MostLoadedSections);
        for (int i = range.Start.Value; i < range.End.Value; i++)
        {
            symbols.Lend(objects[i]);
            new RelocationPass(context, objects[i]).Run(writer, relocations);
        }

        writer.Flush();
        ArrayPool<int>.Shared.Return(relocations);
    }

    /// <summary>Copies and relocates all sections.</summary>
    /// <param name="writer">Where they are put together.</param>
    /// <param name="relocations">Memory for a number for each section that may be loaded.</param>
    private void Run(SectionWriter writer, int[] relocations)
    {
        ReadOnlySpan<SectionPlace> places = _file.LoadedSections;
        ReadOnlySpan<SectionHeader> headers = _file.Elf.SectionsInMemory;
        Span<int> first = relocations.AsSpan(0, places.Length); // one more than the index in RelocationSections
        bool isSingle = FindRelocations(first);
        writer.Begin(_file);
        for (int i = 1; i < places.Length; i++)
        {
            ref readonly SectionPlace place = ref places[i];
            if (place.Fate is not SectionFate.Kept || headers[i].Type is ElfConstants.SHT_NOBITS)
            {
                continue;
            }

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

    /// <summary>Notes for each section which relocations come first; false if a section has two sections of them.</summary>
    private bool FindRelocations(Span<int> first)
    {
        first.Clear();
        bool isSingle = true;
        ReadOnlySpan<RelocationSection> sections = _file.Elf.RelocationSections;
        for (int i = 0; i < sections.Length; i++)
        {
            if (sections[i].Target < first.Length) // others are for debugging information
            {
                ref int entry = ref first[sections[i].Target];
                isSingle &= entry is 0;
                entry = entry is 0 ? i + 1 : entry;
            }
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

        _byTable.Apply(section, bytes, address, record, following, isImplicit, out consumed);
    }
}
