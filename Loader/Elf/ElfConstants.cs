namespace ElfLoader.Elf;

/// <summary>The numbers of the ELF format, spelled as in the generic ABI and its supplements.</summary>
/// <remarks>Meant for <c>using static</c>.</remarks>
public static class ElfConstants
{
    // File header, gABI chapter 2 "ELF Header".
    /// <summary>Relocatable object.</summary>
    public const ushort ET_REL = 1;
    /// <summary>Executable at fixed addresses.</summary>
    public const ushort ET_EXEC = 2;
    /// <summary>Shared object, or position-independent executable.</summary>
    public const ushort ET_DYN = 3;
    /// <summary>Core file.</summary>
    public const ushort ET_CORE = 4;
    /// <summary>Intel 80386.</summary>
    public const ushort EM_386 = 3;
    /// <summary>MIPS.</summary>
    public const ushort EM_MIPS = 8;
    /// <summary>ARM, 32 bits.</summary>
    public const ushort EM_ARM = 40;
    /// <summary>AMD x86-64.</summary>
    public const ushort EM_X86_64 = 62;
    /// <summary>ARM, 64 bits.</summary>
    public const ushort EM_AARCH64 = 183;
    /// <summary>RISC-V.</summary>
    public const ushort EM_RISCV = 243;
    /// <summary>32-bit structures.</summary>
    public const byte ELFCLASS32 = 1;
    /// <summary>64-bit structures.</summary>
    public const byte ELFCLASS64 = 2;
    /// <summary>Little-endian.</summary>
    public const byte ELFDATA2LSB = 1;
    /// <summary>Big-endian.</summary>
    public const byte ELFDATA2MSB = 2;
    /// <summary>The only version of the format.</summary>
    public const byte EV_CURRENT = 1;
    /// <summary>No extensions, or those of the System V ABI.</summary>
    public const byte ELFOSABI_NONE = 0;
    /// <summary>GNU extensions: IFUNC, STB_GNU_UNIQUE, SHF_GNU_RETAIN.</summary>
    public const byte ELFOSABI_GNU = 3;
    /// <summary>Version of the ARM EABI.</summary>
    public const uint EF_ARM_EABIMASK = 0xff00_0000;
    /// <summary>Version 5 of the ARM EABI.</summary>
    public const uint EF_ARM_EABI_VER5 = 0x0500_0000;
    /// <summary>Image with little-endian code and big-endian data.</summary>
    public const uint EF_ARM_BE8 = 0x0080_0000;
    /// <summary>Floating-point arguments in core registers.</summary>
    public const uint EF_ARM_ABI_FLOAT_SOFT = 0x200;
    /// <summary>Floating-point arguments in floating-point registers.</summary>
    public const uint EF_ARM_ABI_FLOAT_HARD = 0x400;

    // Special section indices, gABI chapter 4 "Special Sections Indexes".
    /// <summary>Undefined; no section.</summary>
    public const ushort SHN_UNDEF = 0;
    /// <summary>First index that names no section.</summary>
    public const ushort SHN_LORESERVE = 0xff00;
    /// <summary>Common symbol of the large data sections (x86-64 psABI).</summary>
    public const ushort SHN_X86_64_LCOMMON = 0xff02;
    /// <summary>The value is absolute.</summary>
    public const ushort SHN_ABS = 0xfff1;
    /// <summary>Common symbol: the value is its alignment.</summary>
    public const ushort SHN_COMMON = 0xfff2;
    /// <summary>The index stands elsewhere, being too large.</summary>
    public const ushort SHN_XINDEX = 0xffff;
    /// <summary>e_phnum: the number is that of section 0, sh_info.</summary>
    public const ushort PN_XNUM = 0xffff;

    // Section types, gABI chapter 4 "Section Header".
    /// <summary>No section.</summary>
    public const uint SHT_NULL = 0;
    /// <summary>Bytes whose meaning is the program's.</summary>
    public const uint SHT_PROGBITS = 1;
    /// <summary>Symbol table.</summary>
    public const uint SHT_SYMTAB = 2;
    /// <summary>String table.</summary>
    public const uint SHT_STRTAB = 3;
    /// <summary>Relocations with addends.</summary>
    public const uint SHT_RELA = 4;
    /// <summary>Symbol hash table.</summary>
    public const uint SHT_HASH = 5;
    /// <summary>Dynamic linking information.</summary>
    public const uint SHT_DYNAMIC = 6;
    /// <summary>Notes.</summary>
    public const uint SHT_NOTE = 7;
    /// <summary>Zero bytes that take no room in the file.</summary>
    public const uint SHT_NOBITS = 8;
    /// <summary>Relocations whose addends stand in the places.</summary>
    public const uint SHT_REL = 9;
    /// <summary>Symbol table for dynamic linking.</summary>
    public const uint SHT_DYNSYM = 11;
    /// <summary>Addresses of initializers.</summary>
    public const uint SHT_INIT_ARRAY = 14;
    /// <summary>Addresses of finalizers.</summary>
    public const uint SHT_FINI_ARRAY = 15;
    /// <summary>Addresses of initializers that run before all others.</summary>
    public const uint SHT_PREINIT_ARRAY = 16;
    /// <summary>Sections that are kept or dropped together.</summary>
    public const uint SHT_GROUP = 17;
    /// <summary>Section indices of symbols that do not fit their 16-bit field.</summary>
    public const uint SHT_SYMTAB_SHNDX = 18;
    /// <summary>Relative relocations.</summary>
    public const uint SHT_RELR = 19;
    /// <summary>Compact relocations, the number of the generic ABI's draft.</summary>
    public const uint SHT_CREL = 20;
    /// <summary>Compact relocations, the provisional number that LLVM 19 and later write.</summary>
    public const uint SHT_CREL_LLVM = 0x4000_0014;
    /// <summary>Symbols whose address matters (LLVM).</summary>
    public const uint SHT_LLVM_ADDRSIG = 0x6fff_4c03;
    /// <summary>Object attributes (GNU).</summary>
    public const uint SHT_GNU_ATTRIBUTES = 0x6fff_fff5;
    /// <summary>First type whose meaning is the processor's.</summary>
    public const uint SHT_LOPROC = 0x7000_0000;
    /// <summary>Unwind tables (x86-64 psABI).</summary>
    public const uint SHT_X86_64_UNWIND = 0x7000_0001;
    /// <summary>Exception index table (AAELF32).</summary>
    public const uint SHT_ARM_EXIDX = 0x7000_0001;
    /// <summary>Build attributes (AAELF32).</summary>
    public const uint SHT_ARM_ATTRIBUTES = 0x7000_0003;
    /// <summary>Last type whose meaning is the processor's.</summary>
    public const uint SHT_HIPROC = 0x7fff_ffff;

    // Section flags, gABI chapter 4 "Section Attribute Flags".
    /// <summary>Writable while the program runs.</summary>
    public const ulong SHF_WRITE = 0x1;
    /// <summary>Occupies memory while the program runs.</summary>
    public const ulong SHF_ALLOC = 0x2;
    /// <summary>Instructions.</summary>
    public const ulong SHF_EXECINSTR = 0x4;
    /// <summary>Equal elements may be merged.</summary>
    public const ulong SHF_MERGE = 0x10;
    /// <summary>The elements are strings that end with a zero.</summary>
    public const ulong SHF_STRINGS = 0x20;
    /// <summary>sh_info is a section index.</summary>
    public const ulong SHF_INFO_LINK = 0x40;
    /// <summary>Ordered as the section that sh_link names, and kept only with it.</summary>
    public const ulong SHF_LINK_ORDER = 0x80;
    /// <summary>Needs handling that depends on the system.</summary>
    public const ulong SHF_OS_NONCONFORMING = 0x100;
    /// <summary>Member of a group.</summary>
    public const ulong SHF_GROUP = 0x200;
    /// <summary>Thread-local storage.</summary>
    public const ulong SHF_TLS = 0x400;
    /// <summary>Begins with a compression header.</summary>
    public const ulong SHF_COMPRESSED = 0x800;
    /// <summary>Never to be dropped as unused (GNU).</summary>
    public const ulong SHF_GNU_RETAIN = 0x20_0000;
    /// <summary>May be further away than 2 GiB (x86-64 psABI).</summary>
    public const ulong SHF_X86_64_LARGE = 0x1000_0000;
    /// <summary>Executed and never read (AAELF32).</summary>
    public const ulong SHF_ARM_PURECODE = 0x2000_0000;
    /// <summary>Left out of executables and shared objects.</summary>
    public const ulong SHF_EXCLUDE = 0x8000_0000;

    // Groups, gABI chapter 4 "Section Groups".
    /// <summary>Of several groups with one signature, one is kept.</summary>
    public const uint GRP_COMDAT = 1;

    // Compression, gABI chapter 4 "Section Compression".
    /// <summary>zlib.</summary>
    public const uint ELFCOMPRESS_ZLIB = 1;
    /// <summary>Zstandard.</summary>
    public const uint ELFCOMPRESS_ZSTD = 2;

    // Symbols, gABI chapter 4 "Symbol Table".
    /// <summary>Seen in its object only.</summary>
    public const byte STB_LOCAL = 0;
    /// <summary>Seen by all objects.</summary>
    public const byte STB_GLOBAL = 1;
    /// <summary>As global, giving way to a global definition.</summary>
    public const byte STB_WEAK = 2;
    /// <summary>One definition in the whole process (GNU).</summary>
    public const byte STB_GNU_UNIQUE = 10;
    /// <summary>Unspecified.</summary>
    public const byte STT_NOTYPE = 0;
    /// <summary>Data.</summary>
    public const byte STT_OBJECT = 1;
    /// <summary>Code.</summary>
    public const byte STT_FUNC = 2;
    /// <summary>A section.</summary>
    public const byte STT_SECTION = 3;
    /// <summary>Name of a source file.</summary>
    public const byte STT_FILE = 4;
    /// <summary>Common data.</summary>
    public const byte STT_COMMON = 5;
    /// <summary>Thread-local data.</summary>
    public const byte STT_TLS = 6;
    /// <summary>The value is a function that returns the address (GNU).</summary>
    public const byte STT_GNU_IFUNC = 10;
    /// <summary>Thumb function of objects older than the EABI.</summary>
    public const byte STT_ARM_TFUNC = 13;
    /// <summary>As the binding says.</summary>
    public const byte STV_DEFAULT = 0;
    /// <summary>As hidden, and further restricted by the processor's ABI.</summary>
    public const byte STV_INTERNAL = 1;
    /// <summary>Not seen outside of its component.</summary>
    public const byte STV_HIDDEN = 2;
    /// <summary>Seen outside of its component, which itself uses its own definition.</summary>
    public const byte STV_PROTECTED = 3;

    // Segments, gABI chapter 5 "Program Header".
    /// <summary>No segment.</summary>
    public const uint PT_NULL = 0;
    /// <summary>Mapped into memory.</summary>
    public const uint PT_LOAD = 1;
    /// <summary>Dynamic linking information.</summary>
    public const uint PT_DYNAMIC = 2;
    /// <summary>Path of the interpreter.</summary>
    public const uint PT_INTERP = 3;
    /// <summary>Notes.</summary>
    public const uint PT_NOTE = 4;
    /// <summary>The program headers themselves.</summary>
    public const uint PT_PHDR = 6;
    /// <summary>Initial thread-local storage.</summary>
    public const uint PT_TLS = 7;
    /// <summary>The sorted table of unwind information (GNU).</summary>
    public const uint PT_GNU_EH_FRAME = 0x6474_e550;
    /// <summary>Flags of the stack (GNU).</summary>
    public const uint PT_GNU_STACK = 0x6474_e551;
    /// <summary>Read-only once relocated (GNU).</summary>
    public const uint PT_GNU_RELRO = 0x6474_e552;
    /// <summary>Properties (GNU).</summary>
    public const uint PT_GNU_PROPERTY = 0x6474_e553;
    /// <summary>Exception index table (AAELF32).</summary>
    public const uint PT_ARM_EXIDX = 0x7000_0001;
    /// <summary>Executable.</summary>
    public const uint PF_X = 1;
    /// <summary>Writable.</summary>
    public const uint PF_W = 2;
    /// <summary>Readable.</summary>
    public const uint PF_R = 4;

    // Dynamic section: d_tag (gABI, "Dynamic Section").
    /// <summary>The hash table of symbols.</summary>
    public const ulong DT_HASH = 4;

    /// <summary>The names of symbols.</summary>
    public const ulong DT_STRTAB = 5;

    /// <summary>The symbols.</summary>
    public const ulong DT_SYMTAB = 6;

    /// <summary>Relocations with addends.</summary>
    public const ulong DT_RELA = 7;

    /// <summary>Bytes of these.</summary>
    public const ulong DT_RELASZ = 8;

    /// <summary>Bytes of each.</summary>
    public const ulong DT_RELAENT = 9;

    /// <summary>Bytes of the names.</summary>
    public const ulong DT_STRSZ = 10;

    /// <summary>Bytes of a symbol.</summary>
    public const ulong DT_SYMENT = 11;

    /// <summary>The name of a shared object.</summary>
    public const ulong DT_SONAME = 14;

    /// <summary>A sum of <c>DF_…</c>.</summary>
    public const ulong DT_FLAGS = 30;

    /// <summary>A sum of <c>DF_1_…</c>.</summary>
    public const ulong DT_FLAGS_1 = 0x6fff_fffb;

    /// <summary>Everything is bound when the object is opened.</summary>
    public const ulong DF_BIND_NOW = 8;

    /// <summary>Its thread-local storage has a fixed distance from the thread pointer.</summary>
    public const ulong DF_STATIC_TLS = 0x10;

    /// <summary>The same as DF_BIND_NOW.</summary>
    public const ulong DF_1_NOW = 1;

    /// <summary>It is never unmapped.</summary>
    public const ulong DF_1_NODELETE = 8;
}
