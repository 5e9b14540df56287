using System.Buffers.Binary;
using System.Text;

namespace ElfLoader.Runtime;

/// <summary>
/// Writes the one shared object that the host's dynamic linker ever sees of us. It exists for what only the dynamic
/// linker can give: room at a fixed distance from every thread's thread pointer (PT_TLS, with a TPOFF64 relocation so
/// that the room is static), and symbols that gdb finds. The machine code that must run without .NET lies in it, too.
/// </summary>
internal static class ShimImage
{
    private const int HeaderSize = 64;
    private const int ProgramHeaderSize = 56;
    private const int SectionHeaderSize = 64;
    private const int SymbolSize = 24;
    private const int ProgramHeaders = 8;
    private const int DynamicSymbols = HeaderSize + (ProgramHeaders * ProgramHeaderSize);
    private const int HashTable = DynamicSymbols + (3 * SymbolSize);
    private const int Relocations = HashTable + (6 * 4) + 8;
    private const int DynamicStrings = Relocations + 24;
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
        const ushort Code = 6;
        const ushort Data = 9;
        int loaded = ShimLayout.TlsImage + tlsSize;
        (byte[] names, int[] nameOffsets) = Strings([LibraryName, RegisterCode, Descriptor]);
        Symbol[] exported =
        [
            new(nameOffsets[1], 0x12, Code, ShimLayout.Code + Find(RegisterFunction).Offset, 2),
            new(nameOffsets[2], 0x11, Data, ShimLayout.JitDescriptor, 24),
        ];

        // For people: names of the other functions, in backtraces. Local symbols come first.
        ShimFunction[] others =
        [
            .. ShimCode.Functions.Where(function => function.Name is not (RegisterFunction or UnwindHeader or UnwindTable)),
        ];
        int localSymbols = others.Length;
        (byte[] allNames, int[] all) = Strings(
            [.. others.Select(function => $"elfloader_{function.Name}"), RegisterCode, Descriptor]);
        Symbol[] symbols =
        [
            .. others.Select((function, i) =>
                new Symbol(all[i], 0x02, Code, ShimLayout.Code + function.Offset, function.Code.Length)),
            exported[0] with { Name = all[^2] },
            exported[1] with { Name = all[^1] },
        ];
        (byte[] sectionNames, int[] sectionNameOffsets) = Strings(SectionNames.AsSpan(1));

        int symbolTable = loaded;
        int strings = symbolTable + ((symbols.Length + 1) * SymbolSize);
        int sectionStrings = strings + allNames.Length;
        int sections = (sectionStrings + sectionNames.Length + 7) & ~7;
        byte[] file = new byte[sections + (SectionNames.Length * SectionHeaderSize)];

        WriteHeader(file, sections);
        WriteProgramHeaders(file, loaded, tlsSize);
        WriteSymbols(file, DynamicSymbols, exported);
        Words32(file, HashTable, [1, 3, 1, 0, 2, 0]); // one bucket: symbol 1, then 2
        Words(file, Relocations, [ShimLayout.Got, 18, 0]); // R_X86_64_TPOFF64 against the block's start
        names.CopyTo(file, DynamicStrings);
        Words(file, ShimLayout.Constants, constants.Words);
        foreach (ShimFunction function in ShimCode.Functions)
        {
            function.Code.CopyTo(file, ShimLayout.Code + function.Offset);
        }

        WriteDynamic(file, names.Length);
        Words(file, ShimLayout.JitDescriptor, [1, 0, 0]); // version 1, no action, no entries
        WriteSymbols(file, symbolTable, symbols);
        allNames.CopyTo(file, strings);
        sectionNames.CopyTo(file, sectionStrings);

        ShimFunction header = Find(UnwindHeader);
        ShimFunction unwind = Find(UnwindTable);
        Section[] table =
        [
            default,
            new(11, 2, DynamicSymbols, 3 * SymbolSize, Link: 4, Info: 1, EntrySize: SymbolSize),
            new(5, 2, HashTable, 6 * 4, Link: 1, EntrySize: 4),
            new(4, 2, Relocations, 24, Link: 1, EntrySize: 24),
            new(3, 2, DynamicStrings, names.Length),
            new(1, 2, ShimLayout.Constants, constants.Words.Length * 8),
            new(1, 6, ShimLayout.Code, header.Offset, Alignment: 16),
            new(1, 3, ShimLayout.Got, 8),
            new(6, 3, ShimLayout.Dynamic, DynamicEntries * 16, Link: 4, EntrySize: 16),
            new(1, 3, ShimLayout.JitDescriptor, ShimLayout.TlsImage - ShimLayout.JitDescriptor),
            new(1, 0x403, ShimLayout.TlsImage, tlsSize, Alignment: ShimLayout.TlsAlignment),
            new(2, 0, symbolTable, strings - symbolTable, Link: 12, Info: localSymbols + 1, EntrySize: SymbolSize),
            new(3, 0, strings, allNames.Length, Alignment: 1),
            new(3, 0, sectionStrings, sectionNames.Length, Alignment: 1),
            new(1, 2, ShimLayout.Code + header.Offset, header.Code.Length, Alignment: 4),
            new(1, 2, ShimLayout.Code + unwind.Offset, unwind.Code.Length),
        ];
        for (int i = 1; i < table.Length; i++)
        {
            WriteSection(file, sections + (i * SectionHeaderSize), sectionNameOffsets[i - 1], table[i]);
        }

        return file;
    }

    /// <summary>The function of a name in <c>Shim.s</c>.</summary>
    public static ShimFunction Find(string name) => ShimCode.Functions.First(function => function.Name == name);

    private const int DynamicEntries = 12;

    private static void WriteHeader(byte[] file, int sections)
    {
        ReadOnlySpan<byte> identification = [0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1];
        identification.CopyTo(file);
        Words32(file, 16, [3 | (62u << 16), 1]); // ET_DYN, EM_X86_64
        Words(file, 24, [0, HeaderSize, (ulong)sections]);
        Words32(
            file,
            48,
            [
                0,
                HeaderSize | (ProgramHeaderSize << 16),
                ProgramHeaders | (SectionHeaderSize << 16),
                (uint)SectionNames.Length | (SectionStrings << 16),
            ]);
    }

    private static void WriteProgramHeaders(byte[] file, int loaded, int tlsSize)
    {
        // type, flags (execute 1, write 2, read 4), start, size, alignment
        (uint Type, uint Flags, int Start, int Size, int Alignment)[] headers =
        [
            (1, 4, 0, ShimLayout.Page, ShimLayout.Page),
            (1, 5, ShimLayout.Code, ShimLayout.Page, ShimLayout.Page),
            (1, 6, ShimLayout.Got, loaded - ShimLayout.Got, ShimLayout.Page),
            (2, 6, ShimLayout.Dynamic, DynamicEntries * 16, 8), // PT_DYNAMIC
            (7, 4, ShimLayout.TlsImage, tlsSize, ShimLayout.TlsAlignment), // PT_TLS
            (0x6474e550, 4, ShimLayout.Code + Find(UnwindHeader).Offset, Find(UnwindHeader).Code.Length, 4), // PT_GNU_EH_FRAME
            (0x6474e551, 6, 0, 0, 16), // PT_GNU_STACK: no executable stack
            (0x6474e552, 4, ShimLayout.Got, ShimLayout.Page, 1), // PT_GNU_RELRO
        ];
        for (int i = 0; i < headers.Length; i++)
        {
            int at = HeaderSize + (i * ProgramHeaderSize);
            (uint type, uint flags, int start, int size, int alignment) = headers[i];
            Words32(file, at, [type, flags]);
            Words(file, at + 8, [(ulong)start, (ulong)start, (ulong)start, (ulong)size, (ulong)size, (ulong)alignment]);
        }
    }

    private static void WriteDynamic(byte[] file, int stringSize) => Words(
        file,
        ShimLayout.Dynamic,
        [
            4, HashTable, // DT_HASH
            5, DynamicStrings, // DT_STRTAB
            6, DynamicSymbols, // DT_SYMTAB
            10, (ulong)stringSize, // DT_STRSZ
            11, SymbolSize, // DT_SYMENT
            7, Relocations, // DT_RELA
            8, 24, // DT_RELASZ
            9, 24, // DT_RELAENT
            14, 1, // DT_SONAME: the first string
            30, 0x18, // DT_FLAGS: BIND_NOW, STATIC_TLS
            0x6ffffffb, 0x9, // DT_FLAGS_1: NOW, NODELETE
            0, 0,
        ]);

    private static void WriteSymbols(byte[] file, int at, ReadOnlySpan<Symbol> symbols)
    {
        foreach (Symbol symbol in symbols)
        {
            at += SymbolSize; // the null symbol comes first
            Words32(file, at, [(uint)symbol.Name, symbol.Info | ((uint)symbol.Section << 16)]);
            Words(file, at + 8, [(ulong)symbol.Value, (ulong)symbol.Size]);
        }
    }

    private static void WriteSection(byte[] file, int at, int name, Section section)
    {
        Words32(file, at, [(uint)name, section.Type]);
        ulong address = section.Flags is 0 ? 0 : (ulong)section.Start;
        Words(file, at + 8, [section.Flags, address, (ulong)section.Start, (ulong)section.Size]);
        Words32(file, at + 40, [(uint)section.Link, (uint)section.Info]);
        Words(file, at + 48, [(ulong)section.Alignment, (ulong)section.EntrySize]);
    }

    private static (byte[] Table, int[] Offsets) Strings(ReadOnlySpan<string> strings)
    {
        var table = new List<byte> { 0 };
        int[] offsets = new int[strings.Length];
        for (int i = 0; i < strings.Length; i++)
        {
            offsets[i] = table.Count;
            table.AddRange(Encoding.UTF8.GetBytes(strings[i]));
            table.Add(0);
        }

        return ([.. table], offsets);
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

    private readonly record struct Symbol(int Name, byte Info, ushort Section, int Value, int Size);

    private readonly record struct Section(
        uint Type, ulong Flags, int Start, int Size, int Link = 0, int Info = 0, int Alignment = 8, int EntrySize = 0);
}
