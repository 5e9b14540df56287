using ElfLoader.Elf;
using ElfLoader.Memory;
using ElfLoader.Tests.Support;
using static ElfLoader.Arch.X64.X64Relocations;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Tests.Linking;

/// <summary>Machine code that is loaded and called, and that calls back.</summary>
[NonParallelizable]
public sealed class RunningTests
{
    [TestCase(MemoryMapping.Auto, null)]
    [TestCase(MemoryMapping.Dual, null)]
    [TestCase(MemoryMapping.WriteThenProtect, null)]
    [TestCase(MemoryMapping.Dual, MemoryPlacement.Low)]
    [TestCase(MemoryMapping.WriteThenProtect, MemoryPlacement.Low)]
    [TestCase(MemoryMapping.Dual, MemoryPlacement.Near)]
    [TestCase(MemoryMapping.WriteThenProtect, MemoryPlacement.Near)]
    public void EveryMappingRunsCodeResolversAndInitializers(MemoryMapping mapping, MemoryPlacement? placement)
    {
        int calls = 0;
        List<string> offences = [];
        Function callback = () =>
        {
            calls++;
            offences.AddRange(ProcessMaps.Read().Where(map => map.IsWritableAndExecutable).Select(map => map.Path));
            return 21;
        };
        using (var library = new ObjectLibrary("running", new() { Mapping = mapping, Placement = placement }))
        {
            library.Define("callback", callback);
            LoadedUnit unit = library.Load(Program());
            Assert.That(calls, Is.EqualTo(2), "an initializer and the resolver");
            Assert.That(library.GetFunction<Function>("calling")(), Is.EqualTo(21));
            Assert.That(library.GetFunction<Function>("chosen")(), Is.EqualTo(42));
            Assert.That(library.GetFunction<Function>("indirect")(), Is.EqualTo(42));
            Assert.That(calls, Is.EqualTo(3));
            if (mapping is not MemoryMapping.Auto)
            {
                Assert.That(unit.Resources.Pool!.Mapping, Is.EqualTo(mapping));
            }

            if (placement is { } wanted)
            {
                Assert.That(unit.Resources.Pool!.Placement, Is.EqualTo(wanted));
            }
        }

        Assert.That(calls, Is.EqualTo(4), "a terminator");
        Assert.That(offences, Is.Empty);
    }

    [Test]
    public void UnitWhoseInitializerLoadsItsRivalIsTakenBack()
    {
        (int, ulong, int) before = LinkTest.Footprint();
        int calls = 0;
        using (var library = new ObjectLibrary("rivals"))
        {
            library.Define<Function>("callback", () =>
            {
                if (++calls is 1)
                {
                    library.Load(LinkTest.Variable("d", 1), "rival.o");
                }

                return 0;
            });
            ElfBuilder elf = Program();
            elf.AddSymbol("d", elf.AddWords(".data", 2));

            LinkException exception = Assert.Throws<LinkException>(() => library.Load(elf, "first.o"));

            Assert.That(exception.Message, Does.Contain("'d'").And.Contain("first.o").And.Contain("rival.o"));
            Assert.That(calls, Is.EqualTo(3), "resolver, initializer, terminator; once each");
            Assert.That(library.Word("d"), Is.EqualTo(1ul));
        }

        Assert.That(LinkTest.Footprint(), Is.EqualTo(before));
    }

    [Test]
    public void NothingRunsWhereThatIsNotWanted()
    {
        int calls = 0;
        Function callback = () => ++calls;
        using (var library = new ObjectLibrary("not running", new() { RunCode = false }))
        {
            library.Define("callback", callback);
            library.Load(Program());
            Assert.That(library.Address("chosen"), Is.Not.Zero);
        }

        Assert.That(calls, Is.Zero);
    }

    [Test]
    public void ResolvingIsAskedAtLastAndMayKnowNothing()
    {
        List<string> asked = [];
        using var library = new ObjectLibrary("resolving");
        Function answer = () => 5;
        library.Resolving += (_, name) =>
        {
            asked.Add(name);
            return 0;
        };
        library.Resolving += (_, name) => name is "callback" ? NativeFunction.PointerTo(answer) : 0;

        library.Load([LinkTest.Read(Calling(), "a.o"), LinkTest.Read(LinkTest.Pointer("p", "getenv"), "b.o")]);

        Assert.That(library.GetFunction<Function>("calling")(), Is.EqualTo(5));
        Assert.That(asked, Is.EqualTo(["callback"]), "the host knows getenv");
        GC.KeepAlive(answer);
    }

    [Test]
    public void ExceptionOfAHandlerIsTheCallersAndChangesNothing()
    {
        (int, ulong, int) before = LinkTest.Footprint();
        using var library = new ObjectLibrary("resolving");
        library.Resolving += (_, _) => throw new TimeoutException();

        Assert.Throws<TimeoutException>(() => library.Load(Calling()));

        Assert.That((library.Units.Count, LinkTest.Footprint()), Is.EqualTo((0, before)));
    }

    [Test]
    public void DefinitionsOfTheCaller()
    {
        using var library = new ObjectLibrary("defined");
        library.Define("f", 0x1111);
        library.DefineData("d", 0x2222);
        library.DefineAbsolute("n", 0xffff_ffff_ffff_fff0);
        foreach (string name in (string[])["f", "d", "n", "calling"])
        {
            library.Load(name is "calling" ? LinkTest.Variable("calling", 1) : LinkTest.Pointer($"p{name}", name));
        }

        Assert.That(
            (library.Word("pf"), library.Word("pd"), library.Word("pn")),
            Is.EqualTo((0x1111ul, 0x2222ul, 0xffff_ffff_ffff_fff0ul)));
        LinkException refusal = Assert.Throws<LinkException>(() => library.Define("f", 1));
        Assert.That(refusal.Message, Does.Contain("'f' is defined already by defined.Define"));
        refusal = Assert.Throws<LinkException>(() => library.Define("calling", 1));
        Assert.That(refusal.Message, Does.Contain("'calling' is defined already by a.o"));
        refusal = Assert.Throws<LinkException>(() => library.Load(LinkTest.Variable("d", 1)));
        Assert.That(refusal.Message, Does.Contain("'d' is defined already by defined.Define"));
    }

    [Test]
    public void ThreadLocalExportIsTheCallingThreadsCopy()
    {
        ElfBuilder elf = new();
        int tls = elf.AddSection(".tdata", SHT_PROGBITS, LinkTest.Writable | SHF_TLS, [1, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0], 8);
        elf.AddSymbol("t", tls, 8, 8, type: SymbolType.Tls);
        using var library = new ObjectLibrary("thread-local");
        library.Load(elf);
        ulong here = library.Address("t");
        NativeBytes.StoreWord(here, 100);
        (ulong Address, ulong Value) there = default;
        var thread = new Thread(() => there = (library.Address("t"), library.Word("t")));
        thread.Start();
        thread.Join();

        Assert.That((library.Address("t"), library.Word("t")), Is.EqualTo((here, 100ul)));
        Assert.That((there.Address == here, there.Value), Is.EqualTo((false, 7ul)));
    }

    [Test]
    public void TheDynamicLinkerSeesOnlyTheShim()
    {
        using var first = new ObjectLibrary("first");
        first.Load(LinkTest.Returning("f", 1));
        string[] before = DynamicLibraries();

        using var second = new ObjectLibrary("second");
        second.Load(LinkTest.Returning("f", 2));
        second.Load(Calling("f"));

        Assert.That(second.GetFunction<Function>("calling")(), Is.EqualTo(2));
        Assert.That(DynamicLibraries(), Is.EqualTo(before));
        Assert.That(before.Count(name => name.StartsWith("/proc/", StringComparison.Ordinal)), Is.EqualTo(1), "the shim");
    }

    private static string[] DynamicLibraries()
    {
        List<string> names = [];
        Visitor visitor = (info, _, _) =>
        {
            names.Add(EndToEnd.NativeMemory.Text((nint)NativeBytes.LoadWord((ulong)info + 8))); // dlpi_name
            return 0;
        };
        ulong iterate = DynamicLinker.Find(DynamicLinker.Process, "dl_iterate_phdr"u8);
        _ = NativeCall.Call(iterate, (ulong)NativeFunction.PointerTo(visitor), 0);
        GC.KeepAlive(visitor);
        return [.. names];
    }

    [System.Runtime.InteropServices.UnmanagedFunctionPointer(System.Runtime.InteropServices.CallingConvention.Cdecl)]
    private delegate int Visitor(nint info, nint size, nint data);

    /// <summary>calling: sub $8,%rsp; call TARGET; add $8,%rsp; ret.</summary>
    private static ElfBuilder Calling(string target = "callback")
    {
        ElfBuilder elf = new();
        int text = elf.AddCode(".text", [.. Convert.FromHexString("4883ec08e8000000004883c408c3")]);
        elf.AddSymbol("calling", text, 0, 14, type: SymbolType.Function);
        elf.AddRelocation(text, 5, R_X86_64_PLT32, elf.AddSymbol(target), -4);
        return elf;
    }

    /// <summary>
    /// calling as above, also as initializer and terminator; chosen: an IFUNC whose resolver calls back, too, and chooses a
    /// function that returns 42; indirect: jmp chosen.
    /// </summary>
    private static ElfBuilder Program()
    {
        ElfBuilder elf = Calling();
        int callback = 2;
        int text = elf.AddCode(
            ".text.more",
            [.. Convert.FromHexString("b82a000000c3909090909090909090904883ec08e800000000488d05e0ffffff4883c408c3e900000000")]);
        int chosen = elf.AddSymbol("chosen", text, 16, 21, type: SymbolType.GnuIfunc);
        elf.AddSymbol("indirect", text, 37, 5, type: SymbolType.Function);
        elf.AddRelocation(text, 21, R_X86_64_PLT32, callback, -4);
        elf.AddRelocation(text, 38, R_X86_64_PLT32, chosen, -4);
        int start = elf.AddSection(".init_array", SHT_INIT_ARRAY, LinkTest.Writable, new byte[8], 8);
        int end = elf.AddSection(".fini_array", SHT_FINI_ARRAY, LinkTest.Writable, new byte[8], 8);
        elf.AddRelocation(start, 0, R_X86_64_64, 1);
        elf.AddRelocation(end, 0, R_X86_64_64, 1);
        return elf;
    }
}
