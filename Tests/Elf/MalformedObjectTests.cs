using ElfLoader.Elf;
using ElfLoader.Tests.Support;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Tests.Elf;

/// <summary>One right object, made wrong in one way a row; each is refused with place and reason.</summary>
public sealed class MalformedObjectTests
{
    private const int Text = 1;
    private const int Bss = 2;
    private const int Relocations = 3;
    private const int Group = 4;
    private const int SymbolTable = 5;
    private const int Strings = 6;
    private const int Names = 7;
    private const int Function = 2;

    private static readonly Row[] Rows =
    [
        Bytes("not ELF", file => file[0] = 0, "not an ELF file"),
        Bytes("class", file => file[4] = 3, "ELF class 3 is neither 1 nor 2"),
        Bytes("data encoding", file => file[5] = 0, "ELF data encoding 0 is neither 1 nor 2"),
        Bytes("big-endian", file => file[5] = 2, "big-endian object; only", LinkErrorCode.Unsupported),
        Bytes("ident version", file => file[6] = 2, "ELF version 2 is not 1"),
        Header("shared object", h => h with { Type = ET_DYN }, "shared object for x86-64", LinkErrorCode.Unsupported),
        Header("executable", h => h with { Type = ET_EXEC }, "executable for x86-64", LinkErrorCode.Unsupported),
        Header("core file", h => h with { Type = ET_CORE }, "core file for x86-64", LinkErrorCode.Unsupported),
        Header("type", h => h with { Type = 77 }, "ELF file type 77 is not"),
        Header("version", h => h with { Version = 0 }, "ELF version 0 is not 1"),
        Header("section header size", h => h with { SectionHeaderSize = 8 }, "e_shentsize of 8 is not"),
        Header("section headers nowhere", h => h with { SectionHeaders = 0 },
            "8 sections, but no section header table"),
        Header("section headers past the end", h => h with { SectionHeaders = 0xffff_ffff }, "section header of"),
        Header("section headers end past the end", h => h with { SectionHeaders = h.SectionHeaders + 1 },
            "section header table of"),
        Header("too many sections", h => h with { SectionCount = 0xfeff }, "65279 section headers of"),
        Header("section names past the sections", h => h with { SectionNames = 8 },
            "the section name string table is section 8 of 8"),
        Header("section names are no strings", h => h with { SectionNames = Text },
            "the section name string table has section type 0x1, not 3"),
        Object("extended count claims all",
            d => d.Builder.Lie(h => h with { SectionCount = 0 }).Lie(0, s => s with { Size = uint.MaxValue }),
            "4294967295 section headers of"),
        Object("extended names index",
            d => d.Builder.Lie(h => h with { SectionNames = SHN_XINDEX }).Lie(0, s => s with { Link = 0x10000 }),
            "the section name string table is section 65536 of 8"),
        Section("null section", 0, s => s with { Type = SHT_PROGBITS }, "section 0 has type 0x1"),
        Section("names not terminated", Names, s => s with { Size = s.Size - 1 }, "does not end with a zero"),
        Section("name past the names", Text, s => s with { Name = 0x1000 }, "name at 4096 is past the"),
        Section("offset past the end", Text, s => s with { Offset = 0x10000 }, "end past the"),
        Section("size past the end", Text, s => s with { Size = 0x10000 }, "end past the"),
        Section("end wraps around", Text, s => s with { Offset = uint.MaxValue, Size = 2 }, "end past the"),
        Section("size wraps around", Text, s => s with { Offset = 8, Size = ulong.MaxValue - 4 }, "end past the"),
        Section("alignment", Text, s => s with { Alignment = 3 }, "alignment of 3 is not a power of two"),
        Section("great alignment", Text, s => s with { Alignment = 1u << 31 },
            "alignment of 2147483648 exceeds the limit of 1073741824", LinkErrorCode.LimitExceeded),
        Section("great zeros", Bss, s => s with { Size = 1 << 21 },
            "2097152 bytes of zeros and the 0 before them exceed",
            LinkErrorCode.LimitExceeded),
        Object("sections overlap", d => d.AddOverlapping(100), "sections overlap: the first"),
        Section("link order", Text, s => s with { Flags = SHF_LINK_ORDER, Link = 8 },
            "SHF_LINK_ORDER refers to section 8 of 8"),
        Section("compressed in memory", Text, s => s with { Flags = SHF_ALLOC | SHF_COMPRESSED },
            "SHF_COMPRESSED on a section"),
        Section("compressed without bytes", Bss, s => s with { Flags = SHF_COMPRESSED }, "SHF_COMPRESSED on a section"),
        Section("compressed table", SymbolTable, s => s with { Flags = SHF_COMPRESSED },
            "compressed table of section type 0x2",
            LinkErrorCode.Unsupported),
        Section("compressed too short", Text, s => s with { Flags = SHF_COMPRESSED, Size = 4 },
            "compression header of"),
        Section("compressed alignment", Text, s => s with { Flags = SHF_COMPRESSED }, "is not a power of two"),
        Section("symbol size", SymbolTable, s => s with { EntrySize = 8 }, "sh_entsize of 8 is not"),
        Section("symbol table's size", SymbolTable, s => s with { Size = s.Size - 1 }, "is not a multiple of"),
        Section("first global past the end", SymbolTable, s => s with { Info = 5 },
            "sh_info of 5 is not the first global symbol of 4"),
        Section("first global zero", SymbolTable, s => s with { Info = 0 }, "sh_info of 0 is not"),
        Section("global among locals", SymbolTable, s => s with { Info = 3 },
            "binding 1 of symbol 2 contradicts sh_info"),
        Section("local among globals", SymbolTable, s => s with { Info = 1 },
            "binding 0 of symbol 1 contradicts sh_info"),
        Section("symbol names past the sections", SymbolTable, s => s with { Link = 9 },
            "the symbol string table is section 9 of 8"),
        Section("symbol names are no strings", SymbolTable, s => s with { Link = Text },
            "the symbol string table has section type 0x1"),
        Section("symbol names not terminated", Strings, s => s with { Size = s.Size - 1 }, "does not end with a zero"),
        Section("symbol name past the names", Strings, s => s with { Size = 1 },
            "name at 1 is past the 1 byte of the string table"),
        Section("symbol names empty", Strings, s => s with { Size = 0 },
            "name at 1 is past the 0 bytes of the string table"),
        Section("no symbol table", SymbolTable, s => s with { Type = SHT_PROGBITS },
            "sh_link 5 is not the symbol table"),
        Section("second symbol table", Text, s => s with { Type = SHT_SYMTAB },
            "second symbol table; the first is section 1"),
        Section("indices for no section", Text, s => s with { Type = SHT_SYMTAB_SHNDX, Link = 8 },
            "sh_link refers to section 8 of 8"),
        Section("indices of wrong size", Text, s => s with { Type = SHT_SYMTAB_SHNDX, Link = SymbolTable },
            "24 bytes are not a section index of 4 bytes for each of 4 symbols"),
        Section("relocation size", Relocations, s => s with { EntrySize = 1 }, "sh_entsize of 1 is not"),
        Section("relocations' size", Relocations, s => s with { Size = s.Size - 1 }, "is not a multiple of"),
        Section("relocations of other symbols", Relocations, s => s with { Link = Strings },
            "sh_link 6 of relocations is not the symbol table"),
        Section("relocations without symbols", Relocations, s => s with { Link = 0 },
            "relocation 1 refers to symbol 2 of 1"),
        Section("relocations for nothing", Relocations, s => s with { Info = 0 }, "relocations are for section 0 of 8"),
        Section("relocations past the sections", Relocations, s => s with { Info = 8 },
            "relocations are for section 8 of 8"),
        Section("relocations for a table", Relocations, s => s with { Info = SymbolTable }, "whose type 0x2 has none"),
        Section("group of no words", Group, s => s with { Size = 0 }, "group of 0 bytes"),
        Section("group of odd size", Group, s => s with { Size = 6 }, "group of 6 bytes"),
        Section("group entry size", Group, s => s with { EntrySize = 8 }, "with sh_entsize 8 is not"),
        Section("group of other symbols", Group, s => s with { Link = 1 }, "group's sh_link 1 is not the symbol table"),
        Section("group without signature", Group, s => s with { Info = 0 }, "group's signature is symbol 0 of 4"),
        Section("group's signature past the symbols", Group, s => s with { Info = 4 },
            "group's signature is symbol 4 of 4"),
        Object("group flags", d => d.GroupWords = [2, Text],
            "group flags 0x2 are not known", LinkErrorCode.Unsupported),
        Object("member past the sections", d => d.GroupWords = [1, 8], "member is section 8 of 8"),
        Object("member is null", d => d.GroupWords = [1, 0], "member is section 0 of 8"),
        Object("member is a group", d => d.GroupWords = [1, Group], "member, section 4, is itself a group"),
        Object("member twice", d => d.GroupWords = [1, Text, Text], "section 1 is already in the group of section 4"),
        Object("relocation symbol", d => d.Builder.AddRelocation(Text, 0, 1, 4),
            "relocation 2 refers to symbol 4 of 4"),
        Object("symbol section", d => d.AddSymbol(section: 8), "symbol 4 is in section 8 of 8"),
        Object("symbol reserved section", d => d.AddSymbol(section: 0xff10),
            "reserved section index 0xff10 of symbol 4", LinkErrorCode.Unsupported),
        Object("large common of other machines", d => d.AddSymbol(section: SHN_X86_64_LCOMMON),
            "reserved section index 0xff02",
            LinkErrorCode.Unsupported, EM_ARM),
        Object("extended index without table", d => d.AddSymbol(section: SHN_XINDEX, withTable: false),
            "symbol 4 needs SHT_SYMTAB_SHNDX, but there is none"),
        Object("extended index", d => d.AddSymbol(section: SHN_XINDEX, large: 0x10000),
            "symbol 4 is in section 65536 of"),
        Object("common alignment", d => d.AddSymbol(section: SHN_COMMON, value: 12),
            "alignment of 12 of a common symbol is not"),
        Object("great common alignment", d => d.AddSymbol(section: SHN_COMMON, value: 1u << 31),
            "of a common symbol exceeds the limit",
            LinkErrorCode.LimitExceeded),
        Object("great common", d => d.AddSymbol(section: SHN_COMMON, size: 1 << 21),
            "2097152 bytes of a common symbol and the 32 before them",
            LinkErrorCode.LimitExceeded),
        Object("great commons together", d => d.AddCommons(1 << 19, 1 << 19),
            "524288 bytes of a common symbol and the 524320 before them exceed", LinkErrorCode.LimitExceeded),
        Bytes("null symbol", file => file[(int)ElfObject.Read(file.ToArray(), "").Sections[SymbolTable].Offset + 4] = 1,
            "symbol 0 is not the null symbol"),
    ];

    [TestCaseSource(nameof(Rows))]
    public void IsRefusedWithPlaceAndReason(Row row)
    {
        foreach (bool is64Bit in (bool[])[true, false])
        {
            byte[] file = row.Make(is64Bit);

            LinkException thrown = Assert.Throws<LinkException>(
                () => ElfObject.Read(file, "a.o", new ReadLimits { MaximumZeroFilledSize = 1 << 20 }))!;

            Assert.That(thrown.Errors, Has.Count.EqualTo(1));
            Assert.That(thrown.Errors[0].Code, Is.EqualTo(row.Code));
            Assert.That(thrown.Errors[0].Message, Does.Contain(row.Message));
            Assert.That(thrown.Errors[0].Where.Object, Is.EqualTo("a.o"));
        }
    }

    [TestCase(true)]
    [TestCase(false)]
    public void TheObjectIsRightWithoutTheMistakes(bool is64Bit)
    {
        ElfObject read = ElfObject.Read(new Draft(is64Bit, EM_X86_64).Build(), "a.o");

        Assert.That(read.Sections.Length, Is.EqualTo(8));
        Assert.That(read.SymbolCount, Is.EqualTo(4));
        Assert.That(read.SectionNameText(Relocations), Is.EqualTo(".rela.text"));
        Assert.That(read.SectionNameText(SymbolTable), Is.EqualTo(".symtab"));
        Assert.That(read.SectionNameText(Strings), Is.EqualTo(".strtab"));
        Assert.That(read.SectionNameText(Names), Is.EqualTo(".shstrtab"));
    }

    [Test]
    public void PlaceNamesSectionOffsetAndSymbol()
    {
        Draft draft = new(is64Bit: true, EM_X86_64);
        draft.Builder.AddSymbol("wrong", section: 99);

        LinkException thrown = Assert.Throws<LinkException>(() => ElfObject.Read(draft.Build(), "a.o"))!;

        Assert.That(thrown.Errors[0].Where, Is.EqualTo(new LinkLocation("a.o", ".symtab", 4 * 24, "wrong")));
        Assert.That(thrown.Message, Is.EqualTo("a.o: .symtab+0x60: symbol 4 is in section 99 of 8"));
    }

    private static Row Bytes(
        string name, Action<byte[]> change, string message, LinkErrorCode code = LinkErrorCode.Malformed)
    {
        byte[] Make(bool is64Bit)
        {
            byte[] file = new Draft(is64Bit, EM_X86_64).Build();
            change(file);
            return file;
        }

        return new Row(name, Make, message, code);
    }

    private static Row Header(
        string name,
        Func<FileHeader, FileHeader> change,
        string message,
        LinkErrorCode code = LinkErrorCode.Malformed) =>
        Object(name, draft => draft.Builder.Lie(change), message, code);

    private static Row Section(
        string name,
        int section,
        Func<SectionHeader, SectionHeader> change,
        string message,
        LinkErrorCode code = LinkErrorCode.Malformed) =>
        Object(name, draft => draft.Builder.Lie(section, change), message, code);

    private static Row Object(
        string name,
        Action<Draft> change,
        string message,
        LinkErrorCode code = LinkErrorCode.Malformed,
        ushort machine = EM_X86_64)
    {
        byte[] Make(bool is64Bit)
        {
            Draft draft = new(is64Bit, machine);
            change(draft);
            return draft.Build();
        }

        return new Row(name, Make, message, code);
    }

    /// <summary>One mistake.</summary>
    public sealed record Row(string Name, Func<bool, byte[]> Make, string Message, LinkErrorCode Code)
    {
        public override string ToString() => Name;
    }

    /// <summary>The right object, before it is built.</summary>
    private sealed class Draft
    {
        public Draft(bool is64Bit, ushort machine)
        {
            Builder = new ElfBuilder(is64Bit, machine);
            Builder.AddCode(".text", [.. Enumerable.Repeat((byte)3, 24)]);
            Builder.AddSection(".bss", SHT_NOBITS, SHF_ALLOC | SHF_WRITE, size: 32);
            Builder.AddSymbol("here", Text, binding: SymbolBinding.Local);
            Builder.AddSymbol("f", Text, type: SymbolType.Function);
            Builder.AddSymbol("g");
            Builder.AddRelocation(Text, 4, 0, symbol: 0);
            Builder.AddRelocation(Text, 8, 1, symbol: Function);
        }

        public ElfBuilder Builder { get; }

        public int[] GroupWords { get; set; } = [1, Text, Relocations];

        public void AddSymbol(int section, ulong value = 0, ulong size = 0, uint large = 0, bool withTable = true)
        {
            Builder.AddRawSymbol(new RawSymbol(1, STB_GLOBAL << 4, 0, (ushort)section, value, size), large);
            if (!withTable)
            {
                Builder.Lie(SymbolTable + 1, header => header with { Type = SHT_PROGBITS });
            }
        }

        public void AddCommons(params ulong[] sizes)
        {
            foreach (ulong size in sizes)
            {
                AddSymbol(SHN_COMMON, size: size);
            }
        }

        public void AddOverlapping(int count)
        {
            for (int i = 0; i < count; i++)
            {
                Builder.Lie(Builder.AddSection(".data"), header => header with { Offset = 0, Size = 2000 });
            }
        }

        public byte[] Build()
        {
            byte[] words = [.. GroupWords.SelectMany(BitConverter.GetBytes)];
            Builder.AddSection(".group", SHT_GROUP, 0, words, alignment: 4, info: Function, entrySize: 4);
            return Builder.Build();
        }
    }
}
