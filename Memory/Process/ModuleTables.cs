namespace ElfLoader.Memory;

/// <summary>The tables by which the dynamic linker finds a module's symbols (gABI, "Dynamic Section", "Hash Table").</summary>
/// <remarks>They lie in the module's memory, and are good for as long as it is loaded.</remarks>
internal unsafe struct ModuleTables
{
    private const uint Load = 1; // PT_LOAD
    private const uint Dynamic = 2; // PT_DYNAMIC
    private const byte Object = 1; // STT_OBJECT
    private const byte Global = 1; // STB_GLOBAL
    private const ushort Undefined = 0; // SHN_UNDEF
    private const ushort Absolute = 0xfff1; // SHN_ABS
    private const ushort HiddenVersion = 0x8000; // VERSYM_HIDDEN

    private DynamicLinker.SymbolRecord* _symbols;
    private byte* _strings;
    private ulong _stringSize;
    private uint* _gnuHash;
    private uint* _hash;
    private ushort* _versions;

    /// <summary>Finds a module's tables.</summary>
    /// <returns>False if it has none.</returns>
    internal static bool TryRead(DynamicLinker.ModuleInfo* module, out ModuleTables tables)
    {
        tables = default;
        for (int i = 0; i < module->HeaderCount; i++)
        {
            if (module->Headers[i].Type is Dynamic)
            {
                tables.Read(module, (ulong*)(module->Base + module->Headers[i].Address));
            }
        }

        return tables._symbols is not null && tables._strings is not null
            && (tables._gnuHash is not null || tables._hash is not null);
    }

    /// <summary>The hash of <c>DT_GNU_HASH</c>.</summary>
    internal static uint GnuHashOf(ReadOnlySpan<byte> name)
    {
        uint hash = 5381;
        foreach (byte letter in name)
        {
            hash = unchecked((hash * 33) + letter);
        }

        return hash;
    }

    /// <summary>The hash of <c>DT_HASH</c>.</summary>
    internal static uint HashOf(ReadOnlySpan<byte> name)
    {
        uint hash = 0;
        foreach (byte letter in name)
        {
            hash = unchecked((hash << 4) + letter);
            uint high = hash & 0xf0000000;
            hash = (hash ^ (high >> 24)) & ~high;
        }

        return hash;
    }

    /// <summary>Finds a definition by name; null if there is none that a reference without a version is bound to.</summary>
    internal readonly DynamicLinker.SymbolRecord* Find(ReadOnlySpan<byte> name, uint gnuHash, uint hash)
    {
        uint index = 0;
        while ((index = NextNamed(name, gnuHash, hash, index)) is not 0)
        {
            if (_symbols[index].Section is not (Undefined or Absolute)
                && (_versions is null || (_versions[index] & HiddenVersion) is 0))
            {
                return _symbols + index;
            }
        }

        return null;
    }

    /// <summary>Finds the next entry of a name, whatever it is: of a version, undefined, an absolute number.</summary>
    /// <param name="name">The name.</param>
    /// <param name="gnuHash">Its <see cref="GnuHashOf"/>.</param>
    /// <param name="hash">Its <see cref="HashOf"/>.</param>
    /// <param name="after">The index of the one found before; 0 to begin.</param>
    /// <returns>Its index; 0 if there is none.</returns>
    internal readonly uint NextNamed(ReadOnlySpan<byte> name, uint gnuHash, uint hash, uint after) =>
        _gnuHash is not null ? NextByGnuHash(name, gnuHash, after) : NextByHash(name, hash, after);

    /// <summary>The entry of an index.</summary>
    internal readonly DynamicLinker.SymbolRecord* this[uint index] => _symbols + index;

    /// <summary>One more than the index of the last symbol that may be undefined: these come first.</summary>
    internal readonly uint ImportCount => _gnuHash is not null ? _gnuHash[1] : _hash[1];

    /// <summary>The name of a symbol that the module imports; empty if it is none.</summary>
    internal readonly ReadOnlySpan<byte> Import(uint index)
    {
        DynamicLinker.SymbolRecord* symbol = _symbols + index;
        return symbol->Section is Undefined && symbol->Name < _stringSize
            ? System.Runtime.InteropServices.MemoryMarshal.CreateReadOnlySpanFromNullTerminated(_strings + symbol->Name)
            : [];
    }

    /// <summary>Whether a variable of strong binding passes a test.</summary>
    internal readonly bool AnyVariable(VariableTest test)
    {
        uint count = _hash is not null ? _hash[1] : CountByGnuHash();
        for (uint i = 1; i < count; i++)
        {
            DynamicLinker.SymbolRecord* symbol = _symbols + i;
            if (symbol->Info is ((Global << 4) + Object) && symbol->Section is not (Undefined or Absolute) && symbol->Size > 0
                && symbol->Name < _stringSize && test(
                    System.Runtime.InteropServices.MemoryMarshal.CreateReadOnlySpanFromNullTerminated(_strings + symbol->Name),
                    symbol->Size))
            {
                return true;
            }
        }

        return false;
    }

    private void Read(DynamicLinker.ModuleInfo* module, ulong* entry)
    {
        const ulong hash = 4; // DT_HASH
        const ulong strings = 5; // DT_STRTAB
        const ulong symbols = 6; // DT_SYMTAB
        const ulong stringSize = 10; // DT_STRSZ
        const ulong gnuHash = 0x6ffffef5; // DT_GNU_HASH
        const ulong versions = 0x6ffffff0; // DT_VERSYM
        for (; entry[0] is not 0; entry += 2)
        {
            switch (entry[0])
            {
                case stringSize:
                    _stringSize = entry[1];
                    break;
                case hash:
                    _hash = (uint*)AddressOf(module, entry[1]);
                    break;
                case strings:
                    _strings = (byte*)AddressOf(module, entry[1]);
                    break;
                case symbols:
                    _symbols = (DynamicLinker.SymbolRecord*)AddressOf(module, entry[1]);
                    break;
                case gnuHash:
                    _gnuHash = (uint*)AddressOf(module, entry[1]);
                    break;
                case versions:
                    _versions = (ushort*)AddressOf(module, entry[1]);
                    break;
            }
        }
    }

    /// <summary>
    /// The dynamic linker makes addresses of what the file has as distances, but not where the section is read-only, as that of
    /// the kernel's own module is. What lies in no segment of the module is not there.
    /// </summary>
    private static ulong AddressOf(DynamicLinker.ModuleInfo* module, ulong value)
    {
        ulong address = value < module->Base ? module->Base + value : value;
        for (int i = 0; i < module->HeaderCount; i++)
        {
            ref DynamicLinker.ProgramHeader header = ref module->Headers[i];
            if (header.Type is Load && address - (module->Base + header.Address) < header.MemorySize)
            {
                return address;
            }
        }

        return 0;
    }

    private readonly uint NextByGnuHash(ReadOnlySpan<byte> name, uint hash, uint after)
    {
        (uint buckets, uint first, uint filterWords, int shift) = (_gnuHash[0], _gnuHash[1], _gnuHash[2], (int)_gnuHash[3]);
        if (buckets is 0 || filterWords is 0)
        {
            return 0;
        }

        ulong* filter = (ulong*)(_gnuHash + 4);
        uint* starts = (uint*)(filter + filterWords);
        uint* chain = starts + buckets;
        uint index = after + 1;
        if (after is 0)
        {
            ulong word = filter[(hash / 64) & (filterWords - 1)];
            index = (word >> (int)(hash % 64) & word >> (int)((hash >> shift) % 64) & 1) is 0 ? 0 : starts[hash % buckets];
            if (index < first)
            {
                return 0;
            }
        }
        else if ((chain[after - first] & 1) is not 0)
        {
            return 0;
        }

        for (; ; index++)
        {
            uint other = chain[index - first];
            if (((other ^ hash) >> 1) is 0 && HasName(index, name))
            {
                return index;
            }

            if ((other & 1) is not 0)
            {
                return 0;
            }
        }
    }

    private readonly uint NextByHash(ReadOnlySpan<byte> name, uint hash, uint after)
    {
        (uint buckets, uint count) = (_hash[0], _hash[1]);
        uint* chain = _hash + 2 + buckets;
        uint index = after is not 0 ? chain[after] : buckets is 0 ? 0 : _hash[2 + (hash % buckets)];
        while (index is not 0 && index < count)
        {
            if (HasName(index, name))
            {
                return index;
            }

            index = chain[index];
        }

        return 0;
    }

    /// <summary>The number of symbols is one more than the last of the last chain.</summary>
    private readonly uint CountByGnuHash()
    {
        (uint buckets, uint first, uint filterWords) = (_gnuHash[0], _gnuHash[1], _gnuHash[2]);
        uint* starts = _gnuHash + 4 + (filterWords * 2);
        uint* chain = starts + buckets;
        uint last = 0;
        for (uint i = 0; i < buckets; i++)
        {
            last = Math.Max(last, starts[i]);
        }

        if (last < first)
        {
            return first;
        }

        while ((chain[last - first] & 1) is 0)
        {
            last++;
        }

        return last + 1;
    }

    private readonly bool HasName(uint index, ReadOnlySpan<byte> name)
    {
        uint start = _symbols[index].Name;
        return (ulong)name.Length < _stringSize && start < _stringSize - (ulong)name.Length
            && new ReadOnlySpan<byte>(_strings + start, name.Length).SequenceEqual(name)
            && _strings[start + (ulong)name.Length] is 0;
    }
}
