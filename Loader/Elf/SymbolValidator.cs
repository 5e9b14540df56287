using System.Buffers.Binary;
using System.Numerics;
using ElfLoader.Memory;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Elf;

/// <summary>Finds and checks the symbol table and what belongs to it (gABI chapter 4, "Symbol Table").</summary>
internal static class SymbolValidator<TClass>
    where TClass : IElfClass
{
    /// <summary>Fills the tables' parts about symbols.</summary>
    /// <exception cref="LinkException">Something is wrong with them.</exception>
    public static void Read(ElfImage image, ref ElfTables tables, TableCounts counts)
    {
        int section = counts.SymbolTable;
        SectionHeader header = tables.Sections[section];
        if (header.EntrySize != (ulong)TClass.SymbolSize)
        {
            throw tables.Fault(section, $"sh_entsize of {header.EntrySize} is not {TClass.SymbolSize}");
        }

        if (header.Size % (ulong)TClass.SymbolSize != 0)
        {
            throw tables.Fault(section, $"size of {header.Size} is not a multiple of {TClass.SymbolSize}");
        }

        int count = (int)header.Size / TClass.SymbolSize;
        if (header.Info > (uint)count || (header.Info == 0 && count != 0))
        {
            throw tables.Fault(section, $"sh_info of {header.Info} is not the first global symbol of {count}");
        }

        tables.SymbolSection = section;
        tables.Symbols = tables.PartOf(section);
        tables.SymbolNames = ElfValidator<TClass>.ReadStrings(image, ref tables, header.Link, "symbol string table");
        tables.SymbolCount = count;
        tables.FirstGlobalSymbol = (int)header.Info;
        if (counts.LargeIndices != 0)
        {
            tables.LargeIndices = ReadLargeIndices(ref tables, counts.LargeIndices);
        }

        CheckSymbols(ref tables);
        CheckNames(ref tables);
    }

    /// <summary>Kept out of the loop over the symbols, as most files need not be looked at.</summary>
    private static void CheckNames(ref ElfTables tables)
    {
        ReadOnlySpan<byte> names = tables.At(tables.SymbolNames);
        if (NameBudget.IsSurelyKept(names, tables.SymbolCount, tables.Bytes.Length))
        {
            return;
        }

        SymbolTable symbols = new(tables.At(tables.Symbols), tables.At(tables.LargeIndices), names, TClass.Ident == ELFCLASS64);
        long left = NameBudget.Of(tables.Bytes.Length);
        for (int i = 1; i < tables.SymbolCount; i++)
        {
            left -= StringTable.At(names, symbols.NameOffset(i)).Length;
            if (left < 0)
            {
                throw tables.Fault(
                    tables.SymbolSection,
                    NameBudget.Exceeded(CountText.Of(tables.SymbolCount, "symbol"), tables.Bytes.Length),
                    (ulong)i * (ulong)TClass.SymbolSize,
                    LinkErrorCode.LimitExceeded);
            }
        }
    }

    private static FilePart ReadLargeIndices(ref ElfTables tables, int section)
    {
        FilePart indices = tables.PartOf(section);
        return (ulong)indices.Length == (ulong)tables.SymbolCount * sizeof(uint)
            ? indices
            : throw tables.Fault(section,
                $"{CountText.Of(indices.Length, "byte")} {(indices.Length is 1 ? "is" : "are")} not a section index of 4 bytes for each of {CountText.Of(tables.SymbolCount, "symbol")}");
    }

    private static void CheckSymbols(ref ElfTables tables)
    {
        ReadOnlySpan<byte> symbols = tables.At(tables.Symbols);
        ReadOnlySpan<byte> names = tables.At(tables.SymbolNames);
        uint sections = (uint)Math.Min(tables.Sections.Length, SHN_LORESERVE);
        uint limit = Math.Max((uint)names.Length, 1);
        int firstGlobal = tables.FirstGlobalSymbol;
        for (int i = 0; i < tables.SymbolCount; i++)
        {
            RawSymbol symbol = TClass.ReadSymbol(symbols.Slice(i * TClass.SymbolSize, TClass.SymbolSize));
            bool isLocal = symbol.Info >> 4 == STB_LOCAL;
            if (symbol.Name >= limit || isLocal != i < firstGlobal || symbol.Section >= sections || i == 0)
            {
                CheckUnusual(ref tables, i, symbol);
            }
        }
    }

    /// <summary>Kept out of the loop: whatever is not plainly right.</summary>
    private static void CheckUnusual(ref ElfTables tables, int index, in RawSymbol symbol)
    {
        if (symbol.Name >= Math.Max((uint)tables.SymbolNames.Length, 1))
        {
            throw Fault(ref tables, index,
                $"name at {symbol.Name} is past the {CountText.Of(tables.SymbolNames.Length, "byte")} of the string table");
        }

        if (symbol.Info >> 4 == STB_LOCAL != index < tables.FirstGlobalSymbol)
        {
            throw Fault(ref tables, index, $"binding {symbol.Info >> 4} of symbol {index} contradicts sh_info, "
                + $"by which symbols are global from {tables.FirstGlobalSymbol} on");
        }

        if (index == 0 && symbol != default)
        {
            throw Fault(ref tables, index, "symbol 0 is not the null symbol");
        }

        switch (symbol.Section)
        {
            case < SHN_LORESERVE when symbol.Section < tables.Sections.Length:
            case SHN_ABS:
                break;
            case SHN_COMMON:
            case SHN_X86_64_LCOMMON when tables.Machine == EM_X86_64:
                CheckCommon(ref tables, index, symbol);
                break;
            case SHN_XINDEX when tables.LargeIndices.Length == 0:
                throw Fault(ref tables, index, $"symbol {index} needs SHT_SYMTAB_SHNDX, but there is none");
            case SHN_XINDEX:
                ReadOnlySpan<byte> large = tables.At(tables.LargeIndices)[(index * sizeof(uint))..];
                CheckSection(ref tables, index, BinaryPrimitives.ReadUInt32LittleEndian(large));
                break;
            case >= SHN_LORESERVE:
                throw Fault(ref tables, index, $"reserved section index 0x{symbol.Section:x} of symbol {index} is not "
                    + $"known for {ElfMachines.NameOf(tables.Machine, tables.Is64Bit)}", LinkErrorCode.Unsupported);
            default:
                CheckSection(ref tables, index, symbol.Section);
                break;
        }
    }

    private static void CheckSection(ref ElfTables tables, int index, uint section)
    {
        if (section >= (uint)tables.Sections.Length)
        {
            throw Fault(ref tables, index, $"symbol {index} is in section {section} of {tables.Sections.Length}");
        }
    }

    private static void CheckCommon(ref ElfTables tables, int index, in RawSymbol symbol)
    {
        if (symbol.Value != 0 && !BitOperations.IsPow2(symbol.Value))
        {
            throw Fault(ref tables, index, $"alignment of {symbol.Value} of a common symbol is not a power of two");
        }

        if (symbol.Value > tables.Limits.MaximumAlignment)
        {
            throw Fault(ref tables, index, $"alignment of {symbol.Value} of a common symbol exceeds the limit of "
                + $"{tables.Limits.MaximumAlignment}", LinkErrorCode.LimitExceeded);
        }

        if (!tables.TryAddZeroFilled(symbol.Size))
        {
            throw Fault(ref tables, index, $"{CountText.Of(symbol.Size, "byte")} of a common symbol and the {tables.ZeroFilledSize} before "
                + $"them exceed the limit of {tables.Limits.MaximumZeroFilledSize}", LinkErrorCode.LimitExceeded);
        }
    }

    private static LinkException Fault(
        ref ElfTables tables, int index, string message, LinkErrorCode code = LinkErrorCode.Malformed) =>
        tables.Fault(tables.SymbolSection, message, (ulong)index * (ulong)TClass.SymbolSize, code, index);
}
