using System.Buffers.Binary;
using ElfLoader.Arch.X64;
using ElfLoader.Elf;
using ElfLoader.Elf.Writing;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Runtime;

/// <summary>
/// Writes the one shared object that the host's dynamic linker ever sees of us. It exists for what only the dynamic
/// linker can give: room at a fixed distance from every thread's thread pointer (PT_TLS, with a TPOFF64 relocation so
/// that the room is static), and symbols that gdb finds. The machine code that must run without .NET lies in it, too.
/// </summary>
internal static class ShimImage
{
    private const int SymbolSize = 24;
    private const int RelocationSize = 24;
    private const int HashSize = 6 * 4;
    private const int DynamicEntrySize = 16;
    private const int ProgramHeaderCount = 8;
    private const int DynamicSymbols = 64 + (ProgramHeaderCount * 56); // after the file header and the program headers
    private const int HashTable = DynamicSymbols + (3 * SymbolSize);
    private const int Relocations = HashTable + HashSize + 8;
    private const int DynamicStrings = Relocations + RelocationSize;
    private const int DynamicEntries = 12;
    private const string LibraryName = "elfloader-shim";
    private const string RegisterFunction = "jit_debug_register_code";
    private const string RegisterCode = "__jit_debug_register_code";
    private const string Descriptor = "__jit_debug_descriptor";
    private const string UnwindHeader = "unwind_header";
    private const string UnwindTable = "unwind_table";

    /// <summary>Position of <c>.shstrtab</c> in <see cref="SectionNames"/>.</summary>
    private const int SectionStrings = 13;

    private static readonly string[] SectionNames =
    [
        "", ".dynsym", ".hash", ".rela.dyn", ".dynstr", ".rodata", ".text", ".got", ".dynamic", ".data", ".tdata",
        ".symtab", ".strtab", ".shstrtab", ".eh_frame_hdr", ".eh_frame",
    ];

    /// <summary>Writes the file.</summary>
    /// <param name="constants">What its code needs.</param>
    /// <param name="tlsSize">Bytes of its TLS block, a multiple of <see cref="ShimLayout.TlsAlignment"/>.</param>
    public static byte[] Write(in ShimConstants constants, int tlsSize)
    {
        const byte globalFunction = (STB_GLOBAL << 4) | STT_FUNC;
        const byte globalObject = (STB_GLOBAL << 4) | STT_OBJECT;
        const byte localFunction = (STB_LOCAL << 4) | STT_FUNC;
        const ushort code = 6;
        const ushort data = 9;
        int loaded = ShimLayout.TlsImage + tlsSize;
        var names = new StringTableWriter();
        uint libraryName = names.Add(LibraryName);
        Symbol[] exported =
        [
            new(names.Add(RegisterCode), globalFunction, code, ShimLayout.Code + Find(RegisterFunction).Offset, 2),
            new(names.Add(Descriptor), globalObject, data, ShimLayout.JitDescriptor, 24),
        ];

        // For people: names of the other functions, in backtraces. Local symbols come first.
        var allNames = new StringTableWriter();
        Symbol[] locals =
        [
            .. ShimCode.Functions.Where(function => function.Name is not (RegisterFunction or UnwindHeader or UnwindTable))
                .Select(function => new Symbol(
                    allNames.Add($"elfloader_{function.Name}"),
                    localFunction,
                    code,
                    ShimLayout.Code + function.Offset,
                    function.Code.Length)),
        ];
        Symbol[] symbols =
        [
            .. locals, exported[0] with { Name = allNames.Add(RegisterCode) }, exported[1] with { Name = allNames.Add(Descriptor) },
        ];
        var sectionNames = new StringTableWriter();
        uint[] sectionNameOffsets = [.. SectionNames.Select(sectionNames.Add)];
        byte[] nameBytes = names.ToArray();
        byte[] allNameBytes = allNames.ToArray();
        byte[] sectionNameBytes = sectionNames.ToArray();

        int symbolTable = loaded;
        int strings = symbolTable + ((symbols.Length + 1) * SymbolSize);
        int sectionStrings = strings + allNameBytes.Length;
        int sections = (sectionStrings + sectionNameBytes.Length + 7) & ~7;
        byte[] file = new byte[sections + (SectionNames.Length * Elf64.SectionHeaderSize)];

        Headers(sections, loaded, tlsSize).CopyTo(file, 0);
        Symbols(exported).CopyTo(file, DynamicSymbols);
        Words32(file, HashTable, [1, 3, 1, 0, 2, 0]); // one bucket: symbol 1, then 2
        Words(file, Relocations, [ShimLayout.Got, X64Relocations.R_X86_64_TPOFF64, 0]); // against the block's start
        nameBytes.CopyTo(file, DynamicStrings);
        Words(file, ShimLayout.Constants, constants.Words);
        foreach (ShimFunction function in ShimCode.Functions)
        {
            function.Code.CopyTo(file, ShimLayout.Code + function.Offset);
        }

        Words(file, ShimLayout.Dynamic, Dynamic(libraryName, nameBytes.Length));
        Words(file, ShimLayout.JitDescriptor, [1, 0, 0]); // version 1, no action, no entries
        Symbols(symbols).CopyTo(file, symbolTable);
        allNameBytes.CopyTo(file, strings);
        sectionNameBytes.CopyTo(file, sectionStrings);

        ShimFunction header = Find(UnwindHeader);
        ShimFunction unwind = Find(UnwindTable);
        const ulong readOnly = SHF_ALLOC;
        const ulong writable = SHF_ALLOC | SHF_WRITE;
        Section[] table =
        [
            new(SHT_NULL, 0, 0, 0, Alignment: 0),
            new(SHT_DYNSYM, readOnly, DynamicSymbols, 3 * SymbolSize, Link: 4, Info: 1, EntrySize: SymbolSize),
            new(SHT_HASH, readOnly, HashTable, HashSize, Link: 1, EntrySize: 4),
            new(SHT_RELA, readOnly, Relocations, RelocationSize, Link: 1, EntrySize: RelocationSize),
            new(SHT_STRTAB, readOnly, DynamicStrings, nameBytes.Length),
            new(SHT_PROGBITS, readOnly, ShimLayout.Constants, constants.Words.Length * 8),
            new(SHT_PROGBITS, readOnly | SHF_EXECINSTR, ShimLayout.Code, header.Offset, Alignment: 16),
            new(SHT_PROGBITS, writable, ShimLayout.Got, 8),
            new(SHT_DYNAMIC, writable, ShimLayout.Dynamic, DynamicEntries * DynamicEntrySize, Link: 4, EntrySize: DynamicEntrySize),
            new(SHT_PROGBITS, writable, ShimLayout.JitDescriptor, ShimLayout.TlsImage - ShimLayout.JitDescriptor),
            new(SHT_PROGBITS, writable | SHF_TLS, ShimLayout.TlsImage, tlsSize, Alignment: ShimLayout.TlsAlignment),
            new(
                SHT_SYMTAB, 0, symbolTable, strings - symbolTable, Link: 12, Info: (uint)locals.Length + 1, EntrySize: SymbolSize),
            new(SHT_STRTAB, 0, strings, allNameBytes.Length, Alignment: 1),
            new(SHT_STRTAB, 0, sectionStrings, sectionNameBytes.Length, Alignment: 1),
            new(SHT_PROGBITS, readOnly, ShimLayout.Code + header.Offset, header.Code.Length, Alignment: 4),
            new(SHT_PROGBITS, readOnly, ShimLayout.Code + unwind.Offset, unwind.Code.Length),
        ];
        var headers = new ElfFields(is64Bit: true);
        for (int i = 0; i < table.Length; i++)
        {
            headers.SectionHeader(table[i].Header(sectionNameOffsets[i]));
        }

        headers.ToArray().CopyTo(file, sections);
        return file;
    }

    /// <summary>The function of a name in <c>Shim.s</c>.</summary>
    public static ShimFunction Find(string name) => ShimCode.Functions.First(function => function.Name == name);

    private static byte[] Headers(int sections, int loaded, int tlsSize)
    {
        const uint read = PF_R;
        const uint readWrite = PF_R | PF_W;
        ShimFunction unwind = Find(UnwindHeader);
        (uint Type, uint Flags, int Start, int Size, int Alignment)[] headers =
        [
            (PT_LOAD, read, 0, ShimLayout.Page, ShimLayout.Page),
            (PT_LOAD, read | PF_X, ShimLayout.Code, ShimLayout.Page, ShimLayout.Page),
            (PT_LOAD, readWrite, ShimLayout.Got, loaded - ShimLayout.Got, ShimLayout.Page),
            (PT_DYNAMIC, readWrite, ShimLayout.Dynamic, DynamicEntries * DynamicEntrySize, 8),
            (PT_TLS, read, ShimLayout.TlsImage, tlsSize, ShimLayout.TlsAlignment),
            (PT_GNU_EH_FRAME, read, ShimLayout.Code + unwind.Offset, unwind.Code.Length, 4),
            (PT_GNU_STACK, readWrite, 0, 0, 16), // no executable stack
            (PT_GNU_RELRO, read, ShimLayout.Got, ShimLayout.Page, 1),
        ];
        var fields = new ElfFields(is64Bit: true);
        fields.FileHeader(ELFOSABI_NONE, new FileHeader(
            ET_DYN,
            EM_X86_64,
            EV_CURRENT,
            Entry: 0,
            ProgramHeaders: (ulong)Elf64.FileHeaderSize,
            SectionHeaders: (ulong)sections,
            Flags: 0,
            Size: 0,
            ProgramHeaderSize: 0,
            ProgramHeaderCount,
            SectionHeaderSize: 0,
            SectionCount: (ushort)SectionNames.Length,
            SectionStrings));
        foreach ((uint type, uint flags, int start, int size, int alignment) in headers)
        {
            fields.ProgramHeader(
                new ProgramHeader(type, flags, (ulong)start, (ulong)start, (ulong)size, (ulong)size, (ulong)alignment));
        }

        return fields.ToArray();
    }

    private static ulong[] Dynamic(uint libraryName, int stringSize) =>
    [
        DT_HASH, HashTable,
        DT_STRTAB, DynamicStrings,
        DT_SYMTAB, DynamicSymbols,
        DT_STRSZ, (ulong)stringSize,
        DT_SYMENT, SymbolSize,
        DT_RELA, Relocations,
        DT_RELASZ, RelocationSize,
        DT_RELAENT, RelocationSize,
        DT_SONAME, libraryName,
        DT_FLAGS, DF_BIND_NOW | DF_STATIC_TLS,
        DT_FLAGS_1, DF_1_NOW | DF_1_NODELETE,
        0, 0,
    ];

    private static byte[] Symbols(ReadOnlySpan<Symbol> symbols)
    {
        byte[] table = new byte[(symbols.Length + 1) * SymbolSize]; // the null symbol comes first
        int at = 0;
        foreach (Symbol symbol in symbols)
        {
            at += SymbolSize;
            Words32(table, at, [symbol.Name, symbol.Info | ((uint)symbol.Section << 16)]);
            Words(table, at + 8, [(ulong)symbol.Value, (ulong)symbol.Size]);
        }

        return table;
    }

    private static void Words(byte[] file, int at, ReadOnlySpan<ulong> words)
    {
        foreach (ulong word in words)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(at), word);
            at += 8;
        }
    }

    private static void Words32(byte[] file, int at, ReadOnlySpan<uint> words)
    {
        foreach (uint word in words)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(at), word);
            at += 4;
        }
    }

    private readonly record struct Symbol(uint Name, byte Info, ushort Section, int Value, int Size);

    private readonly record struct Section(
        uint Type, ulong Flags, int Start, int Size, uint Link = 0, uint Info = 0, int Alignment = 8, int EntrySize = 0)
    {
        internal SectionHeader Header(uint name) => new(
            name,
            Type,
            Flags,
            Address: Flags is 0 ? 0 : (ulong)Start,
            Offset: (ulong)Start,
            (ulong)Size,
            Link,
            Info,
            (ulong)Alignment,
            (ulong)EntrySize);
    }
}
