using System.Buffers.Binary;
using System.Text;
using ElfLoader.Memory;

namespace ElfLoader.DynamicLinking;

/// <summary>Writes what native code knows of a unit: one block of memory that does not change any more.</summary>
internal sealed class UnitRecord
{
    // struct unit of Interface.c
    private const int Name = 0;
    private const int Base = 8;
    private const int Headers = 16;
    private const int HeaderCount = 24;
    private const int Library = 32;
    private const int UnwindIndex = 40;
    private const int Symbols = 48;
    private const int SymbolEnds = 56;
    private const int SymbolCount = 64;
    private const int Strings = 72;
    private const int TlsModule = 80;
    private const int IsLoading = 88;
    private const int EntrySize = 96;
    private const int EntryNames = 104;
    private const int MapName = 120;
    private const int Next = 152;
    private const int Size = 160;

    private const int SymbolSize = 24;
    private const int IndexSize = 16;
    private const ushort AnySection = 1;

    private UnitRecord(NativeBlock block) => Block = block;

    /// <summary>Its memory.</summary>
    internal NativeBlock Block { get; }

    /// <summary>Address of the word that leads from a unit to the next one in the directory.</summary>
    /// <param name="record">Address of the unit's record.</param>
    internal static ulong NextOf(ulong record) => record + Next;

    /// <summary>Says that the unit's library has its names from here on.</summary>
    internal void EndLoading() => NativeBytes.StoreWord(Block.Address + IsLoading, 0);

    /// <summary>The symbols that do not lie in a range.</summary>
    internal List<UnitSymbol> SymbolsOutside(AddressRange range)
    {
        List<UnitSymbol> symbols = [];
        ulong strings = NativeBytes.LoadWord(Block.Address + Strings);
        ulong entry = NativeBytes.LoadWord(Block.Address + Symbols);
        for (ulong left = NativeBytes.LoadWord(Block.Address + SymbolCount); left > 0; left--, entry += SymbolSize)
        {
            ulong head = NativeBytes.LoadWord(entry); // st_name, st_info
            ulong address = NativeBytes.LoadWord(entry + 8);
            if (!range.Contains(address))
            {
                byte[] name = NativeBytes.StringAt(strings + (uint)head).ToArray();
                symbols.Add(new UnitSymbol(name, address, NativeBytes.LoadWord(entry + 16), (byte)(head >> 32)));
            }
        }

        return symbols;
    }

    /// <summary>Writes the record of a unit.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="segments">Where its parts lie.</param>
    /// <param name="symbols">What it defines for others.</param>
    /// <param name="tlsModule">Number of its module of thread-local storage; 0 if it has none.</param>
    /// <param name="library">The library that it belongs to.</param>
    /// <param name="isLoading">Whether the library does not have its names yet.</param>
    internal static UnitRecord Of(
        string name, UnitSegments segments, List<UnitSymbol> symbols, ulong tlsModule, LibraryNames library, bool isLoading)
    {
        symbols.Sort((left, right) => left.Address.CompareTo(right.Address));
        byte[] text = [.. Encoding.UTF8.GetBytes(name), 0];
        int headers = Size;
        int index = headers + (segments.Header is 0 ? UnitSegments.HeaderSize : 0);
        bool needsIndex = segments is { UnwindIndex: 0, UnwindTable: not 0 };
        int table = index + (needsIndex ? IndexSize : 0);
        int ends = checked(table + (symbols.Count * SymbolSize));
        int strings = checked(ends + (symbols.Count * sizeof(ulong)));
        int size = checked(strings + text.Length + symbols.Sum(symbol => symbol.Name.Length + 1));
        var block = new NativeBlock(size);
        Span<byte> bytes = block.Bytes;
        if (needsIndex)
        {
            WriteIndex(bytes[index..], segments.UnwindTable);
            (segments.UnwindIndex, segments.UnwindIndexSize) = (block.Address + (ulong)index, IndexSize);
        }

        if (segments.Header is 0)
        {
            segments.Write(bytes[headers..], block.Address + (ulong)headers);
        }

        text.CopyTo(bytes[strings..]);
        int place = text.Length;
        ulong end = 0;
        for (int i = 0; i < symbols.Count; i++)
        {
            UnitSymbol symbol = symbols[i];
            Span<byte> entry = bytes[(table + (i * SymbolSize))..];
            BinaryPrimitives.WriteInt32LittleEndian(entry, place);
            entry[4] = symbol.Info;
            BinaryPrimitives.WriteUInt16LittleEndian(entry[6..], AnySection);
            BinaryPrimitives.WriteUInt64LittleEndian(entry[8..], symbol.Address);
            BinaryPrimitives.WriteUInt64LittleEndian(entry[16..], symbol.Size);
            end = Math.Max(end, unchecked(symbol.Address + Math.Max(symbol.Size, 1)));
            BinaryPrimitives.WriteUInt64LittleEndian(bytes[(ends + (i * sizeof(ulong)))..], end);
            symbol.Name.Span.CopyTo(bytes[(strings + place)..]);
            place += symbol.Name.Length + 1;
        }

        ulong header = segments.Header is 0 ? block.Address + (ulong)headers : segments.Header;
        Put(bytes, Base, header);
        Put(bytes, Headers, header + (ulong)UnitSegments.FileHeaderSize);
        Put(bytes, HeaderCount, (ulong)segments.Count);
        Put(bytes, UnwindIndex, segments.UnwindIndex);
        Put(bytes, Symbols, block.Address + (ulong)table);
        Put(bytes, SymbolEnds, block.Address + (ulong)ends);
        Put(bytes, SymbolCount, (ulong)symbols.Count);
        Put(bytes, TlsModule, tlsModule);
        Put(bytes, IsLoading, isLoading ? 1UL : 0);
        Finish(block, strings, library);
        return new UnitRecord(block);
    }

    /// <summary>Writes the record of a group of entries of functions that can be redirected.</summary>
    /// <param name="name">Name of the library.</param>
    /// <param name="start">Address of the first.</param>
    /// <param name="entrySize">Bytes of each.</param>
    /// <param name="names">Address of the addresses of their names.</param>
    /// <param name="unwindTable">Address of their unwind table.</param>
    /// <param name="library">The library.</param>
    internal static UnitRecord OfEntries(
        string name, ulong start, int entrySize, ulong names, ulong unwindTable, LibraryNames library)
    {
        byte[] text = [.. Encoding.UTF8.GetBytes(name), 0];
        var block = new NativeBlock(Size + IndexSize + text.Length);
        Span<byte> bytes = block.Bytes;
        WriteIndex(bytes[Size..], unwindTable);
        text.CopyTo(bytes[(Size + IndexSize)..]);
        Put(bytes, Base, start);
        Put(bytes, UnwindIndex, block.Address + Size);
        Put(bytes, EntrySize, (ulong)entrySize);
        Put(bytes, EntryNames, names);
        Finish(block, Size + IndexSize, library);
        return new UnitRecord(block);
    }

    private static void Finish(NativeBlock block, int strings, LibraryNames library)
    {
        ulong text = block.Address + (ulong)strings;
        Put(block.Bytes, Name, text);
        Put(block.Bytes, MapName, text);
        Put(block.Bytes, Strings, text);
        Put(block.Bytes, Library, library.Address);
    }

    /// <summary>
    /// An index without a search table: where the unwind tables are, which may be at any distance (LSB, "The .eh_frame_hdr
    /// section"); unwinders read them all then.
    /// </summary>
    private static void WriteIndex(Span<byte> index, ulong table)
    {
        ReadOnlySpan<byte> head = [1, 0, 0xff, 0xff]; // version, DW_EH_PE_absptr, no table (DW_EH_PE_omit)
        head.CopyTo(index);
        BinaryPrimitives.WriteUInt64LittleEndian(index[head.Length..], table);
    }

    private static void Put(Span<byte> record, int offset, ulong value) =>
        BinaryPrimitives.WriteUInt64LittleEndian(record[offset..], value);
}
