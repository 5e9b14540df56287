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
                GnuHash = ModuleTables.GnuHashOf(name),
                Hash = ModuleTables.HashOf(name),
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
        if (ModuleTables.TryRead(module, out ModuleTables tables))
        {
            uint index = 0;
            ReadOnlySpan<byte> name = new(search->Name, search->Length);
            while ((index = tables.NextNamed(name, search->GnuHash, search->Hash, index)) is not 0)
            {
                Consider(module->Base, tables[index], search);
            }
        }
    }

    private static void Consider(ulong loadBase, SymbolRecord* symbol, EntrySearch* search)
    {
        const byte local = 0; // STB_LOCAL
        const byte threadLocal = 6; // STT_TLS
        const byte indirectFunction = 10; // STT_GNU_IFUNC
        const ushort absolute = 0xfff1; // SHN_ABS
        if (symbol->Info >> 4 is local)
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

    private struct EntrySearch
    {
        public byte* Name;
        public int Length;
        public uint GnuHash;
        public uint Hash;
        public ulong Address;
        public SymbolRecord* Exact;
        public SymbolRecord* Possible;
    }
}
