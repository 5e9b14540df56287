using System.Diagnostics;
using ElfLoader.Elf;
using ElfLoader.Memory;
using ElfLoader.Tests.Support;
using static ElfLoader.Arch.X64.X64Relocations;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Tests.Linking;

/// <summary>Whatever an object says, it is loaded or refused with LinkException, soon, and nothing of it is left.</summary>
[NonParallelizable]
internal sealed class HostileObjectsTests
{
    private const ulong Text = SHF_ALLOC | SHF_EXECINSTR;
    private const ulong Tls = SHF_ALLOC | SHF_WRITE | SHF_TLS;
    private const ulong Huge = 1ul << 30;

    private static readonly ObjectLibraryOptions Options = LinkTest.Inspecting with { MaximumUnitSize = 256 << 20 };

    [TestCase("hello", 600)]
    [TestCase("throws2", 600)]
    [TestCase("tls2", 500)]
    [TestCase("tlsdesc", 500)]
    [TestCase("large", 500)]
    [TestCase("comdat", 500)]
    [TestCase("calls-crel", 500)]
    public void MutantsAreLoadedOrRefused(string fixture, int count)
    {
        byte[] original = File.ReadAllBytes(Fixtures.Object(fixture));
        (int, ulong, int) before = LinkTest.Footprint();
        int mappings = ProcessMaps.Read().Count;
        var random = new Random(count);
        int loaded = 0;
        for (int i = 0; i < count; i++)
        {
            byte[] mutant = Mutate(original, random);
            try
            {
                using var library = new ObjectLibrary("mutants", Options);
                library.Load(mutant, $"{fixture} {i}");
                loaded++;
            }
            catch (LinkException)
            {
            }

            if (LinkTest.Footprint() != before)
            {
                Assert.Fail($"mutant {i} leaves something behind: {before}, then {LinkTest.Footprint()}");
            }
        }

        Assert.That(loaded, Is.InRange(count / 20, count - (count / 20)), "else the mutants are too tame or too wild");
        Assert.That(ProcessMaps.Read(), Has.Count.LessThan(mappings + 100));
    }

    [TestCaseSource(nameof(Objects))]
    public void IsLoadedOrRefusedSoon(ElfBuilder elf)
    {
        byte[] bytes = elf.Build();
        (int, ulong, int) before = LinkTest.Footprint();
        var watch = Stopwatch.StartNew();
        try
        {
            using var library = new ObjectLibrary("hostile", LinkTest.Inspecting);
            LoadedUnit unit = library.Load(bytes, "hostile.o");
            Assert.That(unit.Sections.Count(), Is.GreaterThanOrEqualTo(0));
        }
        catch (LinkException exception)
        {
            TestContext.Out.WriteLine(exception.Errors[0]);
        }

        Assert.That(LinkTest.Footprint(), Is.EqualTo(before));
        Assert.That(watch.Elapsed, Is.LessThan(TimeSpan.FromSeconds(10)));
    }

    private static IEnumerable<TestCaseData> Objects()
    {
        ElfBuilder elf = new();
        yield return Row("nothing at all", elf);

        elf = new ElfBuilder();
        elf.AddSection(".text", SHT_PROGBITS, Text, [], alignment: 64);
        elf.AddSymbol("end", 1, value: ulong.MaxValue, size: ulong.MaxValue);
        yield return Row("empty section, symbol far outside of it", elf);

        elf = new ElfBuilder();
        for (int i = 0; i < 6; i++)
        {
            elf.AddSection($".text.{i}", SHT_PROGBITS, Text, [0xc3], alignment: Huge / 2);
        }

        yield return Row("huge alignments of code", elf);

        elf = new ElfBuilder();
        for (int i = 0; i < 3; i++)
        {
            elf.AddSection(".init", SHT_PROGBITS, Text, [0x90], alignment: Huge);
        }

        yield return Row("huge alignments of fragments", elf);

        elf = new ElfBuilder();
        elf.AddSection(".rodata", SHT_PROGBITS, SHF_ALLOC, [1], alignment: Huge);
        elf.AddSection(".data", SHT_PROGBITS, LinkTest.Writable, [1], alignment: Huge);
        elf.AddSection(".data.rel.ro", SHT_PROGBITS, LinkTest.Writable, [1], alignment: Huge);
        yield return Row("huge alignments of data", elf);

        elf = new ElfBuilder();
        elf.AddSection(".tdata", SHT_PROGBITS, Tls, [1], alignment: Huge);
        elf.AddSection(".tdata.2", SHT_PROGBITS, Tls, [1], alignment: Huge);
        elf.AddSection(".tbss", SHT_NOBITS, Tls, size: Huge, alignment: Huge);
        yield return Row("huge alignments of thread-local storage", elf);

        foreach (ulong flags in (ulong[])[SHF_ALLOC, LinkTest.Writable, Text, Tls])
        {
            elf = new ElfBuilder();
            for (int i = 0; i < 4; i++)
            {
                elf.AddSection($"s{i}", SHT_NOBITS, flags, size: 4 * Huge);
            }

            yield return Row($"16 GiB of zeros, flags {flags}", elf);
        }

        elf = new ElfBuilder();
        elf.AddSection(".rodata", SHT_NOBITS, SHF_ALLOC, size: 3 * Huge);
        yield return Row("3 GiB of constant zeros", elf);

        elf = new ElfBuilder();
        elf.AddSymbol("c", SHN_COMMON, value: Huge, size: 3 * Huge);
        elf.AddSymbol("d", SHN_COMMON, value: 0, size: 0);
        elf.AddSymbol("t", SHN_COMMON, value: Huge, size: 2 * Huge, type: SymbolType.Tls);
        yield return Row("huge common symbols", elf);

        elf = new ElfBuilder();
        int data = elf.AddWords(".data", 0, 0, 0, 0);
        foreach (uint type in (uint[])[R_X86_64_64, R_X86_64_PC64, R_X86_64_GOT64, R_X86_64_SIZE64])
        {
            elf.AddRelocation(data, 8, type, 0, long.MinValue);
        }

        elf.AddRelocation(data, 0, R_X86_64_TLSLD, 0);
        yield return Row("relocations without a symbol", elf);

        elf = new ElfBuilder();
        data = elf.AddWords(".data", 0, 0, 0, 0);
        int missing = elf.AddSymbol("missing", type: SymbolType.Tls);
        foreach (uint type in (uint[])[R_X86_64_TPOFF64, R_X86_64_DTPOFF64, R_X86_64_TLSGD, R_X86_64_GOTTPOFF,
            R_X86_64_GOTPC32_TLSDESC, R_X86_64_TLSDESC_CALL, R_X86_64_SIZE64])
        {
            elf.AddRelocation(data, 8, type, missing);
        }

        yield return Row("thread-local variable that is missing", elf);

        foreach (bool isComdat in (bool[])[true, false])
        {
            elf = new ElfBuilder();
            int text = elf.AddCode(".text", 0xc3);
            int signature = elf.AddSymbol("", text, binding: SymbolBinding.Local, type: SymbolType.Section);
            int absolute = elf.AddSymbol("", SHN_ABS, binding: SymbolBinding.Local);
            int relocations = elf.AddRelocation(text, 0, R_X86_64_8, absolute);
            elf.AddGroup(signature, isComdat, text);
            elf.AddGroup(signature, isComdat, relocations);
            elf.AddGroup(absolute, isComdat);
            elf.AddGroup(absolute, isComdat, elf.SymbolTable + 1);
            yield return Row($"groups of one signature, of nothing, of the symbol table; COMDAT: {isComdat}", elf);
        }

        elf = new ElfBuilder();
        elf.AddSection(".eh_frame", SHT_NOBITS, SHF_ALLOC, size: 64);
        elf.AddSection(".eh_frame", SHT_INIT_ARRAY, SHF_ALLOC, new byte[64]);
        elf.AddSection(".eh_frame", SHT_PROGBITS, Tls, new byte[64]);
        elf.AddSection(".eh_frame", SHT_PROGBITS, Text, new byte[64], alignment: Huge);
        elf.AddSection(".init_array", SHT_INIT_ARRAY, Tls, new byte[7]);
        elf.AddSection(".ctors", SHT_PROGBITS, SHF_ALLOC, new byte[9]);
        elf.AddSection(".fini_array.99999999999", SHT_FINI_ARRAY, SHF_ALLOC, new byte[9]);
        yield return Row("sections of special names and other kinds", elf);

        elf = new ElfBuilder();
        data = elf.AddWords(".data", 0);
        foreach (string name in (string[])["__start_", "__stop_.data", "__start_x", "__dso_handle", "_TLS_MODULE_BASE_",
            "__tls_get_addr", "atexit", "__cxa_thread_atexit", "_GLOBAL_OFFSET_TABLE_", "\u00e9\ud83d\ude00", "a b\n"])
        {
            elf.AddRelocation(data, 0, R_X86_64_64, elf.AddSymbol(name, visibility: SymbolVisibility.Hidden));
            elf.AddRelocation(data, 0, R_X86_64_64, elf.AddSymbol(name, type: SymbolType.Tls));
        }

        yield return Row("names that linkers know, hidden and thread-local", elf);

        elf = new ElfBuilder();
        elf.AddSymbol("f", elf.AddSection("s", SHT_PROGBITS, Tls, [1]), type: SymbolType.GnuIfunc);
        elf.AddSymbol("g", elf.AddSection("n", SHT_PROGBITS, 0, [1]), type: SymbolType.GnuIfunc);
        elf.AddSymbol("h", SHN_COMMON, 1, 1, type: SymbolType.GnuIfunc);
        elf.AddSymbol("i", SHN_ABS, 1, 1, type: SymbolType.GnuIfunc);
        elf.AddSymbol("j", type: SymbolType.GnuIfunc);
        elf.AddSymbol("", 1);
        yield return Row("resolvers where no code is", elf);

        elf = new ElfBuilder();
        for (int i = 0; i < 20_000; i++)
        {
            elf.AddSection($"s{i}", SHT_PROGBITS, LinkTest.Writable, []);
            elf.AddSymbol($"__start_x{i}");
        }

        yield return Row("many names of sections that there are not", elf);

        elf = new ElfBuilder();
        data = elf.AddWords(".data", 0);
        int environ = elf.AddSymbol("environ");
        for (int i = 0; i < 200_000; i++)
        {
            elf.AddRelocation(data, 0, R_X86_64_8, environ);
        }

        yield return Row("many errors at once", elf);
    }

    private static TestCaseData Row(string name, ElfBuilder elf) => new TestCaseData(elf).SetArgDisplayNames(name);

    /// <summary>Changes a few bytes, most of them where they matter: in the tables, to numbers that are often limits.</summary>
    private static byte[] Mutate(byte[] original, Random random)
    {
        byte[] limits = [0, 1, 2, 4, 8, 0x10, 0x20, 0x40, 0x7f, 0x80, 0xff];
        byte[] mutant = [.. original];
        int headers = (int)BitConverter.ToUInt64(original, 40); // e_shoff
        for (int changes = random.Next(1, 4); changes > 0; changes--)
        {
            int at = random.Next(4) is 0 ? random.Next(headers, mutant.Length) : random.Next(64, mutant.Length);
            mutant[at] = random.Next(3) switch
            {
                0 => (byte)random.Next(256),
                1 => (byte)(mutant[at] ^ (1 << random.Next(8))),
                _ => limits[random.Next(limits.Length)],
            };
        }

        return mutant;
    }
}
