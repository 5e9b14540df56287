using ElfLoader.Memory;
using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Linking;
using ElfLoader.Tests.Redirection;

namespace ElfLoader.Tests.DynamicLinking;

/// <summary>Callers are told where the data of units is, before anything of a unit runs and before its memory goes.</summary>
[NonParallelizable]
public sealed class UnitEventsTests
{
    private const string Source = """
        extern int note(int);
        int initialized = 5; int zeros[1000]; static int *pointer = &initialized; const int constant = 3;
        __attribute__((constructor)) static void start(void) { note(1); }
        __attribute__((destructor)) static void finish(void) { note(2); }
        static int chosen(void) { return 9; }
        static void *choose(void) { note(3); return chosen; }
        int indirect(void) __attribute__((ifunc("choose")));
        int *get(void) { return pointer; }
        """;

    [System.Runtime.InteropServices.UnmanagedFunctionPointer(System.Runtime.InteropServices.CallingConvention.Cdecl)]
    private delegate int Note(int what);

    [Test]
    public void EventsSurroundTheLifeOfAUnit()
    {
        List<string> events = [];
        using var library = new ObjectLibrary("events");
        library.Define<Note>("note", what =>
        {
            events.Add($"{what}");
            return what;
        });
        library.UnitLoading += (sender, loading) =>
        {
            AddressRange data = loading.DataRanges.Single();
            MemoryAllocation memory = loading.Resources.Allocation!;
            events.Add($"loading {sender == library} {memory.IsSealed} {loading.IsLoaded} {data.Size >= 4004}");
        };
        library.UnitFreeing += (sender, freeing) =>
            events.Add($"freeing {sender == library} {freeing.DataRanges.Count} {freeing.IsLoaded}");
        LoadedUnit unit = library.Load(Compiled.C(Source), "events.o");
        AddressRange range = unit.DataRanges.Single();

        Assert.That(range.Contains(library.Address("initialized")) && range.Contains(library.Address("zeros") + 3999));
        Assert.That(range.Contains(library.Address("constant")) || range.Contains(library.Address("get")), Is.False);
        unit.Unload();

        Assert.That(unit.DataRanges, Is.Empty);
        Assert.That(events, Is.EqualTo(["loading True True False True", "3", "1", "2", "freeing True 1 False"]));
    }

    /// <summary>A small conservative collector in a shared library: what no root leads to is freed.</summary>
    private const string Collector = """
        #include <stdlib.h>
        static struct object { struct object *next; int is_marked; long payload; } *all;
        static struct root { char *from, *to; } roots[16];
        void *collector_allocate(void) { struct object *o = calloc(1, sizeof *o); o->next = all; all = o; return &o->payload; }
        void collector_add_roots(char *from, char *to) { for (int i = 0; i < 16; i++) if (!roots[i].from) { roots[i].from = from; roots[i].to = to; return; } }
        void collector_remove_roots(char *from, char *to) { for (int i = 0; i < 16; i++) if (roots[i].from == from) roots[i].from = roots[i].to = 0; (void)to; }
        int collector_collect(void)
        {
            for (int i = 0; i < 16; i++)
                for (char *p = roots[i].from; p && p + sizeof(void *) <= roots[i].to; p += sizeof(void *))
                    for (struct object *o = all; o; o = o->next) o->is_marked |= *(long **)p == &o->payload;
            int live = 0;
            for (struct object **o = &all; *o;)
                if ((*o)->is_marked) { (*o)->is_marked = 0; live++; o = &(*o)->next; }
                else { struct object *dead = *o; *o = dead->next; free(dead); }
            return live;
        }
        """;

    private const string Collected = """
        extern void *collector_allocate(void); extern int collector_collect(void);
        static long *kept, *other; static int early;
        __attribute__((constructor)) static void start(void) { kept = collector_allocate(); *kept = 42; early = collector_collect(); }
        int use(void) { other = collector_allocate(); collector_allocate(); int live = collector_collect(); return early * 1000 + live * 100 + (int)*kept; }
        """;

    [System.Runtime.InteropServices.UnmanagedFunctionPointer(System.Runtime.InteropServices.CallingConvention.Cdecl)]
    private delegate void Roots(ulong from, ulong to);

    [Test]
    public void CollectorOfASharedLibraryFindsWhatUnitsKeep()
    {
        using var folder = new TemporaryFolder();
        string shared = folder.File("libcollector.so");
        File.WriteAllText(folder.File("collector.c"), Collector);
        Command.Check("gcc-12", ["-O1", "-shared", "-fPIC", folder.File("collector.c"), "-o", shared]);
        ulong handle = DynamicLinker.Open(shared, out string error);
        Assert.That(handle, Is.Not.Zero, error);
        var add = NativeFunction.At<Roots>((nint)DynamicLinker.Find(handle, "collector_add_roots"u8));
        var remove = NativeFunction.At<Roots>((nint)DynamicLinker.Find(handle, "collector_remove_roots"u8));
        var collect = NativeFunction.At<Function>((nint)DynamicLinker.Find(handle, "collector_collect"u8));
        using var library = new ObjectLibrary("collected");
        library.AddSharedLibrary(shared);
        library.UnitLoading += (_, unit) => Each(unit, add);
        library.UnitFreeing += (_, unit) => Each(unit, remove);

        LoadedUnit unit = library.Load(Compiled.C(Collected), "collected.o");

        Assert.That(library.GetFunction<Function>("use")(), Is.EqualTo(1000 + 200 + 42));
        Assert.That(collect(), Is.EqualTo(2));
        unit.Unload();
        Assert.That(collect(), Is.Zero);

        static void Each(LoadedUnit unit, Roots change)
        {
            foreach (AddressRange range in unit.DataRanges)
            {
                change(range.Start, range.End);
            }
        }
    }

    [Test]
    public void LoadFailsWithWhatAHandlerThrows()
    {
        (int, ulong, int) before = LinkTest.Footprint();
        int freed = 0;
        using (var library = new ObjectLibrary("refusing"))
        {
            library.UnitLoading += (_, _) => throw new NotSupportedException("no room for more roots");
            library.UnitFreeing += (_, _) => freed++;

            Assert.Throws<NotSupportedException>(() => library.Load(Compiled.C("int x = 1;"), "x.o"));

            Assert.That(library.TryGetExport("x", out _), Is.False);
            Assert.That(freed, Is.EqualTo(1));
        }

        Assert.That(LinkTest.Footprint(), Is.EqualTo(before));
    }

    [Test]
    public void DataThatIsKeptIsFreedLater()
    {
        List<string> events = [];
        using (var library = new ObjectLibrary("kept", new ObjectLibraryOptions { Redirectable = true }))
        {
            library.UnitLoading += (_, unit) => events.Add($"loading {unit.Name}");
            library.UnitFreeing += (_, unit) => events.Add($"freeing {unit.Name}");
            const string source = "int count = 1; int step(void) { return count += NUMBER; }";
            library.Load(Compiled.C(source.Replace("NUMBER", "1")), "one.o");
            library.Replace(Compiled.C(source.Replace("NUMBER", "2")), "two.o");
            library.Reclaim();
            Assert.That(library.GetFunction<Function>("step")(), Is.EqualTo(3));
            Assert.That(events, Is.EqualTo(["loading one.o", "loading two.o"]), "the variable is still in one.o");
        }

        Assert.That(events, Is.EquivalentTo(["loading one.o", "loading two.o", "freeing one.o", "freeing two.o"]));
    }
}
