using System.Runtime.InteropServices;
using ElfLoader.Memory;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Elf;

/// <summary>Finds and checks the sections of relocations (gABI chapter 4, "Relocation").</summary>
internal static class RelocationValidator<TClass>
    where TClass : IElfClass
{
    /// <summary>Fills the tables' part about relocations.</summary>
    /// <exception cref="LinkException">A section or a relocation is wrong.</exception>
    public static void Read(ref ElfTables tables, int count)
    {
        Span<RelocationSection> found = tables.TakeRelocationSections(count);
        int next = 0;
        ReadOnlySpan<SectionHeader> sections = tables.Sections;
        for (int i = 1; i < sections.Length; i++)
        {
            ref readonly SectionHeader header = ref sections[i];
            if (header.Type is SHT_REL or SHT_RELA or SHT_CREL or SHT_CREL_LLVM)
            {
                CheckLinks(ref tables, i, header);
                found[next++] = header.Type switch
                {
                    SHT_RELA => ReadFixed(ref tables, i, header, RelocationFormat.Rela, 3 * TClass.WordSize),
                    SHT_REL => ReadFixed(ref tables, i, header, RelocationFormat.Rel, 2 * TClass.WordSize),
                    _ => ReadCompact(ref tables, i, header),
                };
            }
        }
    }

    private static RelocationSection ReadFixed(
        ref ElfTables tables, int index, in SectionHeader header, RelocationFormat format, int entrySize)
    {
        if (header.EntrySize != (ulong)entrySize)
        {
            throw tables.Fault(index, $"sh_entsize of {header.EntrySize} is not {entrySize}");
        }

        if (header.Size % (ulong)entrySize != 0)
        {
            throw tables.Fault(index, $"size of {header.Size} is not a multiple of {entrySize}");
        }

        ReadOnlySpan<byte> entries = tables.At(tables.PartOf(index));
        uint symbols = SymbolLimit(ref tables, header);
        uint greatest = 0;
        uint types = 0;
        ulong last = 0;
        for (ReadOnlySpan<byte> rest = entries; rest.Length >= entrySize; rest = rest[entrySize..])
        {
            NativeBytes.Prefetch(in MemoryMarshal.GetReference(rest), RelocationSummary.PrefetchDistance);
            ulong info = TClass.Word(rest[TClass.WordSize..]);
            greatest = Math.Max(greatest, TClass.SymbolOf(info));
            types |= RelocationSummary.BitOf(TClass.TypeOf(info));
            last = Math.Max(last, TClass.Word(rest));
        }

        if (!entries.IsEmpty)
        {
            tables.Relocations.Add(tables.Sections[(int)header.Info], types, last);
        }

        return greatest < symbols
            ? new RelocationSection(
                index, (int)header.Info, format, format == RelocationFormat.Rela, entries.Length / entrySize)
            : throw WrongSymbol(ref tables, index, entries, entrySize, symbols);
    }

    private static RelocationSection ReadCompact(ref ElfTables tables, int index, in SectionHeader header)
    {
        ReadOnlySpan<byte> stream = tables.At(tables.PartOf(index));
        int size = stream.Length;
        if (!CrelHeader.TryTake(ref stream, out CrelHeader crel))
        {
            throw tables.Fault(index, $"CREL header is malformed, or counts more than {CountText.Of(size, "byte")} can hold");
        }

        uint symbols = SymbolLimit(ref tables, header);
        tables.Relocations.AddUnknown();
        RelocationRecord record = default;
        for (int i = 0; i < crel.Count; i++)
        {
            if (!crel.TryTake<TClass>(ref stream, ref record))
            {
                throw tables.Fault(index, $"CREL relocation {i} of {crel.Count} is malformed",
                    (ulong)(size - stream.Length));
            }

            if (record.Symbol >= symbols)
            {
                throw tables.Fault(index, $"relocation {i} refers to symbol {record.Symbol} of {symbols}",
                    (ulong)(size - stream.Length));
            }
        }

        return new RelocationSection(
            index, (int)header.Info, RelocationFormat.Crel, crel.HasAddends, crel.Count);
    }

    private static LinkException WrongSymbol(
        ref ElfTables tables, int index, ReadOnlySpan<byte> entries, int entrySize, uint symbols)
    {
        int offset = 0;
        uint symbol = 0;
        for (; offset < entries.Length; offset += entrySize)
        {
            symbol = TClass.SymbolOf(TClass.Word(entries[(offset + TClass.WordSize)..]));
            if (symbol >= symbols)
            {
                break;
            }
        }

        return tables.Fault(index, $"relocation {offset / entrySize} refers to symbol {symbol} of {symbols}",
            (ulong)offset);
    }

    /// <summary>One more than the greatest symbol index allowed; 0, for none, always is.</summary>
    private static uint SymbolLimit(ref ElfTables tables, in SectionHeader header) =>
        header.Link == 0 ? 1 : Math.Max((uint)tables.SymbolCount, 1);

    private static void CheckLinks(ref ElfTables tables, int index, in SectionHeader header)
    {
        if (header.Link != 0 && header.Link != (uint)tables.SymbolSection)
        {
            throw tables.Fault(index, $"sh_link {header.Link} of relocations is not the symbol table");
        }

        if (header.Info == 0 || header.Info >= (uint)tables.Sections.Length)
        {
            throw tables.Fault(index, $"relocations are for section {header.Info} of {tables.Sections.Length}");
        }

        uint type = tables.Sections[(int)header.Info].Type;
        if (type is SHT_NULL or SHT_SYMTAB or SHT_STRTAB or SHT_SYMTAB_SHNDX or SHT_GROUP
            or SHT_REL or SHT_RELA or SHT_CREL or SHT_CREL_LLVM)
        {
            throw tables.Fault(index, $"relocations are for section {header.Info}, whose type 0x{type:x} has none");
        }
    }
}
