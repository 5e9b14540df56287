using System.Runtime.InteropServices;

namespace ElfLoader.Memory;

/// <summary>An entry of the dynamic symbol table of a library that is open (gABI, "Symbol Table").</summary>
/// <param name="Type"><c>STT_*</c>.</param>
/// <param name="Binding"><c>STB_*</c>.</param>
/// <param name="Size">Size in bytes; of an IFUNC, its resolver's.</param>
public readonly record struct DynamicSymbol(byte Type, byte Binding, ulong Size);

/// <content>Entries of dynamic symbol tables, found by their own names.</content>
public static unsafe partial class DynamicLinker
{
    /// <summary>Finds the entry of the symbol that <see cref="Find"/> gave an address of.</summary>
    /// <remarks>
    /// To ask for the nearest symbol at the address (<see cref="TryDescribe"/>) answers another question: an IFUNC's address
    /// is that of its implementation, which has a name of its own, or none, and several names may share an address.
    /// </remarks>
    /// <param name="name">The name in UTF-8.</param>
    /// <param name="address">
    /// What <see cref="Find"/> gave. Of several libraries that define the name, the entry of the one that has it there is
    /// taken; entries that do not say where it is (IFUNCs, thread-local variables), only where no other does.
    /// </param>
    /// <param name="symbol">The entry.</param>
    /// <returns>False if no open library has such an entry.</returns>
    public static bool TryFindEntry(ReadOnlySpan<byte> name, ulong address, out DynamicSymbol symbol)
    {
        symbol = default;
        if (name.IsEmpty || name.Contains((byte)0))
        {
            return false;
        }

        fixed (byte* start = name)
        {
            var search = new EntrySearch
            {
                Name = start,
                Length = name.Length,
                GnuHash = GnuHash(name),
                Address = address,
            };
            _ = IterateHeaders(&VisitSymbols, &search);
            SymbolRecord* found = search.Exact is not null ? search.Exact : search.Possible;
            if (found is null)
            {
                return false;
            }

            symbol = new DynamicSymbol((byte)(found->Info & 0xf), (byte)(found->Info >> 4), found->Size);
            return true;
        }
    }

    [UnmanagedCallersOnly]
    private static int VisitSymbols(ModuleInfo* module, nuint size, void* data)
    {
        const int HeadersAtLeast = 32; // bytes of dl_phdr_info that every C library fills
        var search = (EntrySearch*)data;
        if (size >= HeadersAtLeast)
        {
            Consider(module, search);
        }

        return search->Exact is null ? 0 : 1;
    }

    private static void Consider(ModuleInfo* module, EntrySearch* search)
    {
        SymbolTables tables = TablesOf(module);
        if (tables.Symbols is null || tables.Strings is null)
        {
            return;
        }

        if (tables.GnuHash is not null)
        {
            ConsiderGnu(module->Base, tables, search);
        }
        else if (tables.Hash is not null)
        {
            ConsiderAll(module->Base, tables, search);
        }
    }

    /// <summary>DT_GNU_HASH: a Bloom filter, buckets, and chains of hashes whose bit 0 ends a chain.</summary>
    private static void ConsiderGnu(ulong loadBase, in SymbolTables tables, EntrySearch* search)
    {
        (uint buckets, uint first, uint words, uint shift) =
            (tables.GnuHash[0], tables.GnuHash[1], tables.GnuHash[2], tables.GnuHash[3]);
        if (buckets is 0 || words is 0)
        {
            return;
        }

        uint hash = search->GnuHash;
        ulong* filter = (ulong*)(tables.GnuHash + 4);
        ulong word = filter[(hash / 64) % words];
        if (((word >> (int)(hash % 64)) & (word >> (int)((hash >> (int)shift) % 64)) & 1) is 0)
        {
            return;
        }

        uint* bucket = (uint*)(filter + words);
        uint* chain = bucket + buckets;
        uint index = bucket[hash % buckets];
        if (index < first)
        {
            return;
        }

        do
        {
            if ((chain[index - first] | 1) == (hash | 1))
            {
                Consider(loadBase, tables, index, search);
            }
        }
        while ((chain[index++ - first] & 1) is 0);
    }

    /// <summary>DT_HASH says how many symbols there are; the few libraries that have nothing else are small.</summary>
    private static void ConsiderAll(ulong loadBase, in SymbolTables tables, EntrySearch* search)
    {
        for (uint i = 1; i < tables.Hash[1]; i++)
        {
            Consider(loadBase, tables, i, search);
        }
    }

    private static void Consider(ulong loadBase, in SymbolTables tables, uint index, EntrySearch* search)
    {
        const byte local = 0; // STB_LOCAL
        const byte threadLocal = 6; // STT_TLS
        const byte indirectFunction = 10; // STT_GNU_IFUNC
        const ushort absolute = 0xfff1; // SHN_ABS
        SymbolRecord* symbol = tables.Symbols + index;
        if (symbol->Info >> 4 is local || !HasName(tables.Strings + symbol->Name, search))
        {
            return;
        }

        if ((symbol->Info & 0xf) is threadLocal or indirectFunction)
        {
            if (search->Possible is null && symbol->Section is not 0)
            {
                search->Possible = symbol;
            }
        }
        else if ((symbol->Value is not 0 || symbol->Section is absolute)
            && search->Address == symbol->Value + (symbol->Section is absolute ? 0 : loadBase))
        {
            search->Exact = symbol;
        }
    }

    private static bool HasName(byte* text, EntrySearch* search)
    {
        for (int i = 0; i < search->Length; i++)
        {
            if (text[i] != search->Name[i])
            {
                return false; // at its end, too: the name has no NUL
            }
        }

        return text[search->Length] is 0;
    }

    private static SymbolTables TablesOf(ModuleInfo* module)
    {
        const uint dynamic = 2; // PT_DYNAMIC
        SymbolTables tables = default;
        for (int i = 0; i < module->HeaderCount; i++)
        {
            if (module->Headers[i].Type is not dynamic)
            {
                continue;
            }

            for (var entry = (DynamicEntry*)(module->Base + module->Headers[i].Address); entry->Tag is not 0; entry++)
            {
                switch (entry->Tag)
                {
                    case 4: // DT_HASH
                        tables.Hash = (uint*)Pointer(module, entry->Value);
                        break;
                    case 5: // DT_STRTAB
                        tables.Strings = (byte*)Pointer(module, entry->Value);
                        break;
                    case 6: // DT_SYMTAB
                        tables.Symbols = (SymbolRecord*)Pointer(module, entry->Value);
                        break;
                    case 0x6ffffef5: // DT_GNU_HASH
                        tables.GnuHash = (uint*)Pointer(module, entry->Value);
                        break;
                }
            }
        }

        return tables;
    }

    /// <summary>
    /// glibc has added the base to these values in memory, but not where the section cannot be written (the vDSO); other C
    /// libraries never do.
    /// </summary>
    private static ulong Pointer(ModuleInfo* module, ulong value) => value < module->Base ? module->Base + value : value;

    private static uint GnuHash(ReadOnlySpan<byte> name)
    {
        uint hash = 5381;
        foreach (byte letter in name)
        {
            hash = unchecked((hash * 33) + letter);
        }

        return hash;
    }

#pragma warning disable CS0649 // The dynamic linker fills these.
    private struct DynamicEntry // Elf64_Dyn
    {
        public long Tag;
        public ulong Value;
    }
#pragma warning restore CS0649

    private struct SymbolTables
    {
        public SymbolRecord* Symbols;
        public byte* Strings;
        public uint* GnuHash;
        public uint* Hash;
    }

    private struct EntrySearch
    {
        public byte* Name;
        public int Length;
        public uint GnuHash;
        public ulong Address;
        public SymbolRecord* Exact;
        public SymbolRecord* Possible;
    }
}
