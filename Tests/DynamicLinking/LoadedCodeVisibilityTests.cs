using System.Runtime.InteropServices;
using ElfLoader.Memory;
using ElfLoader.Tests.Linking;
using ElfLoader.Tests.Redirection;

namespace ElfLoader.Tests.DynamicLinking;

/// <summary>What code of one unit is told of others by the dynamic linker's functions, while units come, go and are replaced.</summary>
[NonParallelizable]
public sealed class LoadedCodeVisibilityTests
{
    private const string Probe = """
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <link.h>
        #include <string.h>
        int probe_describe(void *address, char *name)
        {
            Dl_info info;
            if (!dladdr(address, &info)) return 0;
            strncpy(name, info.dli_sname ? info.dli_sname : "", 99);
            return info.dli_fbase && info.dli_fname ? 1 : 2;
        }
        __attribute__((disable_tail_calls)) void *probe_symbol(const char *name) { return dlsym(RTLD_DEFAULT, name); }
        void *probe_jump(const char *name) { return dlsym(RTLD_DEFAULT, name); }
        __attribute__((disable_tail_calls)) void *probe_next(const char *name) { return dlsym(RTLD_NEXT, name); }
        int probe_finds_object(void *address)
        {
            struct dl_find_object object;
            return _dl_find_object(address, &object) == 0 && (char *)object.dlfo_map_start <= (char *)address
                && (char *)address < (char *)object.dlfo_map_end;
        }
        struct search { void *address; long count, adds, subs; void (*callback)(void); };
        static int visit(struct dl_phdr_info *info, size_t size, void *data)
        {
            struct search *search = data;
            search->adds = info->dlpi_adds; search->subs = info->dlpi_subs;
            for (int i = 0; i < info->dlpi_phnum; i++) {
                const Elf64_Phdr *p = info->dlpi_phdr + i;
                if (p->p_type == PT_LOAD && (unsigned long)search->address - info->dlpi_addr - p->p_vaddr < p->p_memsz) {
                    search->count++;
                    if (search->callback) {
                        search->callback();
                        char first = *(volatile char *)search->address; // what is unloaded meanwhile stays to the end
                        search->count += first == 0x55;
                    }
                }
            }
            return 0;
        }
        long probe_iterate(void *address, void (*callback)(void), long *counts)
        {
            struct search search = {address, 0, 0, 0, callback};
            dl_iterate_phdr(visit, &search);
            counts[0] = search.adds; counts[1] = search.subs;
            return search.count;
        }
        int shared_name(void) { return WHO; }
        int probe_own(void) { int (*f)(void) = (int (*)(void))dlsym(RTLD_DEFAULT, "shared_name"); return f ? f() : -1; }
        """;

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int Describe(ulong address, byte[] name);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate ulong Find(string name);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int FindObject(ulong address);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate long Iterate(ulong address, Callback? callback, long[] counts);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate void Callback();

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate ulong Here();

    [Test]
    public void UnitsComeAndGo()
    {
        using ObjectLibrary library = NewLibrary("comes and goes", 1);
        (long Adds, long Subs) before = Counts(library);
        LoadedUnit unit = library.Load(Compiled.C("int comes(void) { return 5; } int value = 7;"), "comes.o");
        ulong function = library.Address("comes");
        ulong value = library.Address("value");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Name(library, function + 1), Is.EqualTo("comes"));
            Assert.That(Name(library, value), Is.EqualTo("value"));
            Assert.That(Symbol(library, "comes"), Is.EqualTo(function));
            Assert.That(Symbol(library, "value"), Is.EqualTo(value));
            Assert.That(Count(library, function), Is.EqualTo(1));
            Assert.That(library.GetFunction<FindObject>("probe_finds_object")(function), Is.EqualTo(1));
            Assert.That(Counts(library), Is.EqualTo((before.Adds + 1, before.Subs)));
        }

        unit.Unload();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Name(library, function + 1), Is.Null);
            Assert.That(Name(library, value), Is.Null);
            Assert.That(Symbol(library, "comes"), Is.Zero);
            Assert.That(Count(library, function), Is.Zero);
            Assert.That(library.GetFunction<FindObject>("probe_finds_object")(function), Is.Zero);
            Assert.That(Counts(library), Is.EqualTo((before.Adds + 1, before.Subs + 1)));
        }
    }

    [Test]
    public void NamesAreThoseOfTheCallersLibraryAndWhatItLinksTo()
    {
        using ObjectLibrary first = NewLibrary("first", 1);
        using ObjectLibrary second = NewLibrary("second", 2);
        second.Load(Compiled.C("int only_second(void) { return 2; } __attribute__((visibility(\"hidden\"))) int inner(void) { return 3; }"), "s.o");
        Assert.That(Symbol(first, "only_second"), Is.Zero, "not linked yet");

        first.AddLibrary(second);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Call(first, "probe_own"), Is.EqualTo(1));
            Assert.That(Call(second, "probe_own"), Is.EqualTo(2));
            Assert.That(Symbol(first, "only_second"), Is.EqualTo(second.Address("only_second")));
            Assert.That(Symbol(first, "shared_name"), Is.EqualTo(first.Address("shared_name")));
            Assert.That(first.GetFunction<Find>("probe_next")("shared_name"), Is.EqualTo(second.Address("shared_name")));
            Assert.That(second.GetFunction<Find>("probe_next")("shared_name"), Is.Zero);
            Assert.That(Symbol(second, "inner"), Is.Zero, "hidden");
            Assert.That(Symbol(first, "getpid"), Is.EqualTo(DynamicLinker.Find(DynamicLinker.Process, "getpid"u8)));
            Assert.That(Name(first, second.Address("only_second")), Is.EqualTo("only_second"), "addresses are everybody's");
        }
    }

    [Test]
    public void DefinitionsOfTheCallerAreFound()
    {
        using ObjectLibrary library = NewLibrary("caller", 1);
        library.Define<Here>("from_outside", () => 77);
        library.DefineAbsolute("a_number", 0x1234);

        Assert.That(Symbol(library, "from_outside"), Is.Not.Zero.And.EqualTo(library.Address("from_outside")));
        Assert.That(Symbol(library, "a_number"), Is.EqualTo(0x1234));
    }

    /// <summary>A function that ends with a call jumps, and is not there any more when it is asked who asks.</summary>
    [Test]
    public void NamesAreFoundWhoeverAsks()
    {
        using ObjectLibrary library = NewLibrary("jumps", 1);
        library.Load(Compiled.C("int jumped_for(void) { return 5; }"), "jumped.o");

        Assert.That(library.GetFunction<Find>("probe_jump")("jumped_for"), Is.EqualTo(library.Address("jumped_for")));
    }

    [Test]
    public void SharedLibrariesOfTheLibraryAreSearched()
    {
        using ObjectLibrary library = NewLibrary("shared", 1);
        ulong sqlite = DynamicLinker.Open("libsqlite3.so.0", out string error);
        Assert.That(sqlite, Is.Not.Zero, error);
        Assert.That(Symbol(library, "sqlite3_libversion_number"), Is.Zero, "it is open, but not for everybody");

        library.AddSharedLibrary("libsqlite3.so.0");

        Assert.That(
            Symbol(library, "sqlite3_libversion_number"), Is.EqualTo(DynamicLinker.Find(sqlite, "sqlite3_libversion_number"u8)));
    }

    [Test]
    public void ReplacedFunctionsKeepTheirAddress()
    {
        const string source = """
            void *here(void) { void *p; __asm__("lea 0(%%rip), %0" : "=r"(p)); return p; }
            int result(void) { return NUMBER; }
            """;
        using var library = new ObjectLibrary("replaced", new ObjectLibraryOptions { Redirectable = true });
        library.Load(Compiled.C(Probe.Replace("WHO", "1")), "probe.o");
        library.Load(Compiled.C(source.Replace("NUMBER", "1")), "one.o");
        ulong entry = library.Address("here");
        ulong old = library.GetFunction<Here>("here")();

        Replacement replacement = library.Replace(Compiled.C(source.Replace("NUMBER", "2")), "two.o");
        ulong body = library.GetFunction<Here>("here")();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(body, Is.Not.EqualTo(old));
            Assert.That(Symbol(library, "here"), Is.EqualTo(entry));
            Assert.That(Name(library, entry), Is.EqualTo("here"), "&here");
            Assert.That(Name(library, body), Is.EqualTo("here"), "in its code");
            Assert.That(Name(library, old), Is.EqualTo("here"), "in code that threads may still run");
        }

        replacement.Undo();

        Assert.That(Symbol(library, "here"), Is.EqualTo(entry));
        Assert.That(Name(library, old), Is.EqualTo("here"));
        library.Unload();
    }

    [Test]
    public void UnitThatIsUnloadedUnderALookerStaysUntilThatIsOver()
    {
        (int, ulong, int) before = default;
        using (ObjectLibrary library = NewLibrary("looker", 1))
        {
            before = LinkTest.Footprint();
            LoadedUnit unit = library.Load(Compiled.C("char first[100] = {0x55};"), "first.o");
            ulong address = library.Address("first");
            IReadOnlyList<string> reasons = [];
            Callback unload = () =>
            {
                unit.Unload();
                reasons = unit.KeptAliveBy;
            };

            long count = library.GetFunction<Iterate>("probe_iterate")(address, unload, new long[2]);

            Assert.That(count, Is.EqualTo(2), "found, and read after it was unloaded");
            Assert.That(reasons, Has.One.Contains("dl_iterate_phdr"));
            Assert.That(Name(library, address), Is.Null);
            Assert.That(LinkTest.Footprint(), Is.Not.EqualTo(before));
            Assert.That(library.Reclaim(), Is.Zero);
            Assert.That(LinkTest.Footprint(), Is.EqualTo(before));
        }
    }

    private static ObjectLibrary NewLibrary(string name, int number)
    {
        var library = new ObjectLibrary(name);
        library.Load(Compiled.C(Probe.Replace("WHO", $"{number}")), "probe.o");
        return library;
    }

    private static string? Name(ObjectLibrary library, ulong address)
    {
        byte[] name = new byte[100];
        return library.GetFunction<Describe>("probe_describe")(address, name) is 1
            ? System.Text.Encoding.UTF8.GetString(name).TrimEnd('\0')
            : null;
    }

    private static ulong Symbol(ObjectLibrary library, string name) => library.GetFunction<Find>("probe_symbol")(name);

    private static int Call(ObjectLibrary library, string name) => library.GetFunction<Function>(name)();

    private static long Count(ObjectLibrary library, ulong address) =>
        library.GetFunction<Iterate>("probe_iterate")(address, null, new long[2]);

    private static (long Adds, long Subs) Counts(ObjectLibrary library)
    {
        long[] counts = new long[2];
        _ = library.GetFunction<Iterate>("probe_iterate")(0, null, counts);
        return (counts[0], counts[1]);
    }
}
