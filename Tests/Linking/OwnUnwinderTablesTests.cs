using System.Runtime.InteropServices;
using ElfLoader.Elf;
using ElfLoader.Tests.Redirection;

namespace ElfLoader.Tests.Linking;

/// <summary>An unwinder that only notes which tables it is told of.</summary>
[NonParallelizable]
public sealed class OwnUnwinderTablesTests
{
    /// <summary>Reads tables as compilers make them: function starts are 32-bit distances (LSB, "The .eh_frame section").</summary>
    private const string Recording = """
        static struct table { char *start; unsigned long low, high; } tables[10000];
        extern long live[2]; /* tables that are noted; tables that were taken back and are not */
        static void note(char *start)
        {
            struct table t = { start, -1UL, 0 };
            for (char *p = start; *(int *)p; p += 4 + *(unsigned *)p)
                if (*(int *)(p + 4)) {
                    unsigned long low = (unsigned long)(p + 8 + *(int *)(p + 8)), high = low + *(unsigned *)(p + 12);
                    if (low < t.low) t.low = low;
                    if (high > t.high) t.high = high;
                }
            for (int i = 0; i < 10000; i++) if (!tables[i].start) { tables[i] = t; live[0]++; return; }
        }
        static void forget(char *start)
        {
            for (int i = 0; i < 10000; i++) if (tables[i].start == start) { tables[i].start = 0; live[0]--; return; }
            live[1]++;
        }
        int known(unsigned long pc)
        {
            int count = 0;
            for (int i = 0; i < 10000; i++) count += tables[i].start && pc >= tables[i].low && pc < tables[i].high;
            return count;
        }
        int _Unwind_RaiseException(void *exception) { return 5; }
        """;

    private const string Libgcc = """
        void __register_frame(char *start) { note(start); }
        void __deregister_frame(char *start) { forget(start); }
        """;

    /// <summary>LLVM's has both; the one that libgcc has, too, takes a single description there.</summary>
    private const string Llvm = """
        void __register_frame(char *description) { live[1]++; }
        void __deregister_frame(char *description) { live[1]++; }
        void __unw_add_dynamic_eh_frame_section(char *start) { note(start); }
        void __unw_remove_dynamic_eh_frame_section(char *start) { forget(start); }
        """;

    private const string Asking = """
        int dl_iterate_phdr(void *, void *);
        int asks(void) { return dl_iterate_phdr(0, 0); }
        """;

    private nint _live;

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int Known(ulong pc);

    [SetUp]
    public void SetUp()
    {
        _live = Marshal.AllocHGlobal(2 * sizeof(long));
        Marshal.Copy(new long[2], 0, _live, 2);
    }

    [TearDown]
    public void TearDown() => Marshal.FreeHGlobal(_live);

    [TestCase(Libgcc, false, TestName = "{m}(libgcc)")]
    [TestCase(Llvm, false, TestName = "{m}(LLVM)")]
    [TestCase(Libgcc, true, TestName = "{m}(redirectable)")]
    public void IsToldOfEachTableOnce(string functions, bool isRedirectable)
    {
        var options = new ObjectLibraryOptions { Redirectable = isRedirectable };
        using var elsewhere = new ObjectLibrary("elsewhere");
        LoadedUnit earlier = elsewhere.Load(Compiled.C("int earlier(void) { return 1; }"), "earlier.o");
        ulong[] places = [elsewhere.Address("earlier"), 0, 0];
        using (var library = new ObjectLibrary("unwinder", options))
        {
            library.DefineData("live", _live);
            LoadedUnit unwinder = library.Load(Compiled.C(Recording + functions), "unwinder.o");
            Known known = library.GetFunction<Known>("known");
            LoadedUnit later = elsewhere.Load(Compiled.C("int later(void) { return 1; }"), "later.o");
            places[1] = elsewhere.Address("later");
            places[2] = AddressRangeOf(unwinder);

            Assert.That(places.Select(place => known(place)), Is.All.EqualTo(1));
            Assert.That(unwinder.Warnings, Is.Empty);

            later.Unload();

            Assert.That((known(places[0]), known(places[1]), known(places[2])), Is.EqualTo((1, 0, 1)));
            Assert.That(Live(0), Is.Positive);
        }

        Assert.That((Live(0), Live(1)), Is.EqualTo((0L, 0L)), "all taken back before the unwinder went");
        earlier.Unload();
        Assert.That((Live(0), Live(1)), Is.EqualTo((0L, 0L)));
    }

    [Test]
    public void IsToldOfNoneIfItAsksForThem()
    {
        using var library = new ObjectLibrary("asking");
        library.DefineData("live", _live);
        LoadedUnit unit = library.Load(Compiled.C(Recording + Libgcc + Asking), "unwinder.o");
        library.Load(Compiled.C("int later(void) { return 1; }"), "later.o");

        Assert.That(library.GetFunction<Known>("known")(library.Address("later")), Is.Zero);
        Assert.That((Live(0), Live(1)), Is.EqualTo((0L, 0L)));
        Assert.That(unit.Warnings, Is.Empty);
    }

    [Test]
    public void IsToldOfThemThoughTheProgramAsksTheDynamicLinker()
    {
        using var library = new ObjectLibrary("program asks");
        library.DefineData("live", _live);
        library.Load(
        [
            ElfObject.Read(Compiled.C(Recording + Libgcc), "unwinder.o"), ElfObject.Read(Compiled.C(Asking), "program.o"),
        ]);

        Assert.That(library.GetFunction<Known>("known")(library.Address("asks")), Is.EqualTo(1));
    }

    [Test]
    public void DoesNotRunWhereNothingIsToRun()
    {
        using var library = new ObjectLibrary("inspects", new ObjectLibraryOptions { RunCode = false });
        library.DefineData("live", _live);
        library.Load(Compiled.C(Recording + Libgcc), "unwinder.o");

        Assert.That((Live(0), Live(1)), Is.EqualTo((0L, 0L)));
    }

    [TestCase("int _Unwind_RaiseException(void *e) { return 5; }", true)]
    [TestCase("int _Unwind_RaiseException(void *e); int raises(void) { return _Unwind_RaiseException(0); }", false)]
    [TestCase("int _Unwind_RaiseException(void *e) { return 5; }" + Asking, false)]
    [TestCase("void *dlsym(void *, char *); void *_Unwind_RaiseException(void *e) { return dlsym(e, \"_Unwind_RaiseException\"); }", false)]
    [TestCase("void *_Unwind_Find_FDE(void *, void *); void *_Unwind_RaiseException(void *e) { return _Unwind_Find_FDE(e, e); }", false)]
    public void UnwinderThatFindsNothingIsWarnedOf(string source, bool isWarned)
    {
        using var library = new ObjectLibrary("warns");
        LoadedUnit unit = library.Load(Compiled.C(source, "-O1 -fPIC -w"), "unwinder.o");

        Assert.That(unit.Warnings, isWarned
            ? Has.One.Contains("'unwinder.o' defines _Unwind_RaiseException").And.One.Contains("__register_frame")
            : Is.Empty);
    }

    private static ulong AddressRangeOf(LoadedUnit unit) =>
        unit.Sections.First(section => section.Name.StartsWith(".text", StringComparison.Ordinal) && section.Size > 0).Address;

    private long Live(int index) => Marshal.ReadInt64(_live, index * sizeof(long));
}
