using System.Buffers.Binary;
using System.Runtime.InteropServices;
using ElfLoader.Elf;
using ElfLoader.Memory;
using ElfLoader.Relocations;
using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Support;
using static ElfLoader.Arch.X64.X64Relocations;

namespace ElfLoader.Tests.Linking;

/// <summary>What the ledger says of single places; expected values by hand, from the psABI's formulas.</summary>
public sealed class PatchRecordTests
{
    private static readonly ObjectLibraryOptions Recording = LinkTest.Inspecting with { RecordPatches = true };

    [Test]
    public void NothingIsRecordedUnlessAskedFor()
    {
        using var library = new ObjectLibrary("quiet", LinkTest.Inspecting);
        LoadedUnit unit = library.Load(LinkTest.Pointer("p", "p"));

        Assert.That(unit.Patches, Is.Empty);
        Assert.That(new ImageLinker().Link([LinkTest.Read(LinkTest.Pointer("p", "p"), "a.o")]).Patches, Is.Empty);
    }

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int Managed(int value);

    [TestCase("own", SymbolSource.SameObject, "a.o")]
    [TestCase("other", SymbolSource.OtherObject, "b.o")]
    [TestCase("member", SymbolSource.ArchiveMember, "l.a(0.o)")]
    [TestCase("earlier", SymbolSource.LoadedUnit, "earlier.o")]
    [TestCase("getenv", SymbolSource.Host, "libc.so.6")]
    [TestCase("managed", SymbolSource.Caller, "sources.Define")]
    [TestCase("asked", SymbolSource.Callback, "Resolving")]
    [TestCase("__dso_handle", SymbolSource.Linker, null)]
    [TestCase("weak", SymbolSource.UndefinedWeak, null)]
    [TestCase("nowhere", SymbolSource.Undefined, null)]
    public void TellsWhereTheSymbolWasFound(string symbol, SymbolSource source, string? provider)
    {
        using var folder = new TemporaryFolder();
        using var library = new ObjectLibrary("sources", Recording);
        library.Define<Managed>("managed", value => value);
        library.Resolving += (_, name) => name is "asked" ? 0x1234 : 0;
        library.Load(LinkTest.Variable("earlier", 1), "earlier.o");
        File.WriteAllBytes(
            folder.File("l.a"),
            ArchiveBuilder.Gnu(("0.o", LinkTest.Variable("member", 2).Build())).WithIndex(("member", 0)).Build());
        library.AddArchive(folder.File("l.a"));
        ElfBuilder builder = LinkTest.Variable("own", 3);
        int words = builder.AddWords(".words", 0);
        int index = symbol is "own" ? 1
            : builder.AddSymbol(symbol, binding: symbol is "weak" ? SymbolBinding.Weak : SymbolBinding.Global);
        builder.AddRelocation(words, 0, R_X86_64_64, index, 5);

        LoadedUnit unit = library.Load([LinkTest.Read(builder, "a.o"), LinkTest.Read(LinkTest.Variable("other", 4), "b.o")]);
        PatchRecord patch = unit.Patches.Single();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(patch.Symbol, Is.EqualTo(symbol));
            Assert.That(patch.Source, Is.EqualTo(source));
            Assert.That(patch.Provider, provider is null ? Is.Null : Does.EndWith(provider).Or.Contain(provider));
            Assert.That(patch.ToString(), Is.EqualTo($"a.o: .words+0x0: R_X86_64_64 {symbol}"));
            Assert.That(patch.Operands.A, Is.EqualTo(5));
            Assert.That(patch.Value, Is.EqualTo((long)patch.Operands.S + 5));
            Assert.That(BinaryPrimitives.ReadInt64LittleEndian(patch.After.Span), Is.EqualTo(patch.Value));
            Assert.That(NativeBytes.LoadWord(patch.Address), Is.EqualTo((ulong)patch.Value));
            Assert.That(patch.Margin, Is.Null, "any value fits 64 bits");
        }
    }

    /// <summary>Thousands of places of a real library, with stubs, slots of the host and thread-local storage, and more.</summary>
    [TestCase("/usr/lib/x86_64-linux-gnu/libsqlite3.a", "sqlite3_open")]
    [TestCase("/usr/lib/x86_64-linux-gnu/libcrypto.a", "EVP_sha256")]
    public void TheMemoryOfThisProcessHoldsWhatTheRecordsSay(string archive, string entry)
    {
        using var library = new ObjectLibrary("memory", Recording);
        library.AddArchive(archive);

        LoadedUnit unit = library.Load(LinkTest.Pointer("start", entry));

        Assert.That(unit.Patches, Has.Count.GreaterThan(1_000));
        Assert.That(unit.Patches.Where(patch => !Holds(patch)), Is.Empty);
    }

    private static bool Holds(PatchRecord patch) => patch.After.Span.SequenceEqual(
        EndToEnd.NativeMemory.Bytes((nint)(patch.Address - patch.Offset + patch.BytesOffset), patch.After.Length));

    /// <summary>The distance S + A - P, with S wherever it takes for the distance.</summary>
    [TestCase(0x7fff_ffffL, 0UL)]
    [TestCase(0x7fff_fff0L, 0xfUL)]
    [TestCase(0x10L, 0x7fff_ffefUL)]
    [TestCase(-0x2000_0000L, 0x6000_0000UL)]
    public void TheMarginIsTheDistanceToTheNearerLimit(long distance, ulong margin)
    {
        const ulong place = 0x1_0000_0000;
        PatchRecord patch = LinkCall(place, (ulong)((long)place + distance)).Patches.Single();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(patch.Value, Is.EqualTo(distance));
            Assert.That(patch.Margin, Is.EqualTo(margin));
            Assert.That(patch.Method, Is.EqualTo(PatchMethod.Direct));
            Assert.That(
                patch.Computation,
                Is.EqualTo($"S + A - P = 0x{(ulong)((long)place + distance):x} + 0x0 - 0x100000000 = {Expression.Number(distance)}"));
            Assert.That(
                patch.Rule.Expression.Terms(patch.Operands).Select(term => (term.Key, term.Value)),
                Is.EqualTo([("S", (long)place + distance), ("A", 0L), ("P", (long)place)]));
        }
    }

    /// <summary>call at 0x1000000000, whose target is 16 TiB away: movabs $target, %r11; jmp *%r11 in between.</summary>
    [Test]
    public void NamesTheStubOfABranchThatDoesNotReach()
    {
        ElfBuilder builder = new();
        int text = builder.AddCode(".text", 0xe8, 0, 0, 0, 0, 0xc3);
        builder.AddRelocation(text, 1, R_X86_64_PLT32, builder.AddSymbol("far"), -4);
        LinkedImage image = new ImageLinker(new ImageOptions
        {
            RecordPatches = true,
            MapSections = [SectionMapping.Parse("a.o,.text=0x1000000000")],
            Definitions = new Dictionary<string, DefinedSymbol> { ["far"] = new(0x1000_0000_0000, Thumb: false) },
        }).Link([LinkTest.Read(builder, "a.o")]);
        PatchRecord patch = image.Patches.Single();
        byte[] stub = new byte[14];

        using (Assert.EnterMultipleScope())
        {
            Assert.That(patch.Method, Is.EqualTo(PatchMethod.Stub));
            Assert.That(patch.Stub!.Target, Is.EqualTo(0x1000_0000_0000));
            Assert.That(image.TryRead(patch.Stub.Address, stub), Is.True);
            Assert.That(Convert.ToHexStringLower(stub), Is.EqualTo("49bb0000000000100000" + "3e41ffe3"));
            Assert.That(
                0x10_0000_0005 + BinaryPrimitives.ReadInt32LittleEndian(patch.After.Span), Is.EqualTo((long)patch.Stub.Address));
            Assert.That(patch.Operands.L, Is.EqualTo(patch.Stub.Address));
        }
    }

    /// <summary>
    /// A branch in T32 to A32 code reaches 16 MiB; beyond, a veneer of the caller's instruction set stands behind the
    /// caller (AAELF32, "Veneers"): P is 0x20000, so BL's offset is the veneer's distance less 4.
    /// </summary>
    [Test]
    public void NamesTheVeneerOfAnArmBranch()
    {
        LinkedImage image = new ImageLinker(new ImageOptions
        {
            RecordPatches = true,
            MapSections = [SectionMapping.Parse("a.o,.text=0x20000")],
            Definitions = new Dictionary<string, DefinedSymbol> { ["far"] = new(0x400_0000, Thumb: false) },
        }).Link([Assembler.Arm(".syntax unified\n.thumb\n.globl f\n.type f,%function\n.thumb_func\nf: bl far\nbx lr\n")]);
        PatchRecord patch = image.Patches.Single();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(patch.Relocation, Is.EqualTo("R_ARM_THM_CALL"));
            Assert.That(patch.Method, Is.EqualTo(PatchMethod.Stub));
            Assert.That(patch.Stub!.Target, Is.EqualTo(0x400_0000));
            Assert.That(image.Stubs, Does.Contain(patch.Stub));
            Assert.That(patch.Value, Is.EqualTo(((long)patch.Stub.Address - 4 - 0x2_0000) | 1));
            Assert.That(ThumbBranchOffset(patch.After.Span), Is.EqualTo((long)patch.Stub.Address - 4 - 0x2_0000));
        }
    }

    /// <summary>The offset in BL, encoding T1 (Arm Architecture Reference Manual, "BL, BLX (immediate)").</summary>
    private static long ThumbBranchOffset(ReadOnlySpan<byte> place)
    {
        int high = BinaryPrimitives.ReadUInt16LittleEndian(place);
        int low = BinaryPrimitives.ReadUInt16LittleEndian(place[2..]);
        int s = (high >> 10) & 1;
        int i1 = ~((low >> 13) ^ s) & 1;
        int i2 = ~((low >> 11) ^ s) & 1;
        int offset = s << 24 | i1 << 23 | i2 << 22 | (high & 0x3ff) << 12 | (low & 0x7ff) << 1;
        return offset << 7 >> 7;
    }

    [Test]
    public void NamesTheStubOfAFunctionOfTheHost()
    {
        ElfBuilder builder = new();
        int text = builder.AddCode(".text", 0xe8, 0, 0, 0, 0, 0xc3);
        builder.AddRelocation(text, 1, R_X86_64_PLT32, builder.AddSymbol("getenv"), -4);
        using var library = new ObjectLibrary("far", Recording with { Placement = MemoryPlacement.Far });

        PatchRecord patch = library.Load(builder).Patches.Single();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(patch, Has.Property("Method").EqualTo(PatchMethod.Stub).And.Property("Source").EqualTo(SymbolSource.Host));
            Assert.That(patch.Stub!.Target, Is.EqualTo((ulong)NativeLibrary.GetExport(NativeLibrary.Load("libc.so.6"), "getenv")));
            Assert.That(
                (long)patch.Address + 4 + BinaryPrimitives.ReadInt32LittleEndian(patch.After.Span),
                Is.EqualTo((long)patch.Stub.Address));
        }
    }

    /// <summary>cmpq $0, v@GOTPCREL(%rip), which nothing can replace.</summary>
    [Test]
    public void NamesTheSlot()
    {
        ElfBuilder builder = LinkTest.Variable("v", 7);
        int text = builder.AddCode(".text", 0x48, 0x83, 0x3d, 0, 0, 0, 0, 0);
        builder.AddRelocation(text, 3, R_X86_64_GOTPCREL, 1, -5);
        LinkedImage image = Link(builder, "a.o,.text=0x10000000", "a.o,.data=0x10001008", "a.o,.got=0x10002008");

        PatchRecord patch = image.Patches.Single();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(patch.Slot, Is.EqualTo(new ImageGotSlot("v", "a.o", "address", 0x1000_2008, 0x1000_1008)));
            Assert.That(patch.Value, Is.EqualTo(0x1000_2008 - 5 - 0x1000_0003));
            Assert.That(Convert.ToHexStringLower(patch.After.Span), Is.EqualTo("00200000"));
        }
    }

    /// <summary>
    /// psABI, "Linker Optimization": mov v@GOTPCREL(%rip), %rax becomes lea v(%rip), %rax; and general dynamic becomes
    /// local exec, whose __tls_get_addr is part of the sequence.
    /// </summary>
    [Test]
    public void ShowsWhatRelaxationRewrote()
    {
        ElfBuilder builder = LinkTest.Variable("v", 7);
        int text = builder.AddCode(".text", 0x48, 0x8b, 0x05, 0, 0, 0, 0);
        builder.AddRelocation(text, 3, R_X86_64_REX_GOTPCRELX, 1, -4);
        PatchRecord load = Link(builder, "a.o,.text=0x10000000", "a.o,.data=0x10001008").Patches.Single();

        var tls = new InputFiles();
        tls.Add(Fixtures.Object("tls-pic"));
        tls.Add(Fixtures.Object("tls2-pic"));
        LinkedImage image = new ImageLinker(new ImageOptions { RecordPatches = true, AllowUndefined = true }).Link(tls);
        int first = image.Patches.Index().First(patch => patch.Item.Relocation is "R_X86_64_TLSGD").Index;
        PatchRecord begin = image.Patches[first];
        PatchRecord call = image.Patches[first + 1];

        using (Assert.EnterMultipleScope())
        {
            Assert.That(load.Method, Is.EqualTo(PatchMethod.Relaxed));
            Assert.That(load.BytesOffset, Is.EqualTo(1), "the opcode is part of it");
            Assert.That(Convert.ToHexStringLower(load.Before.Span), Is.EqualTo("8b0500000000"));
            Assert.That(Convert.ToHexStringLower(load.After.Span), Is.EqualTo("8d0501100000"));
            Assert.That(load.Slot, Is.Null);
            Assert.That(load.Margin, Is.Null);
            Assert.That(begin.Method, Is.EqualTo(PatchMethod.Relaxed));
            Assert.That(Convert.ToHexStringLower(begin.Before.Span), Is.EqualTo("66488d3d00000000666648e800000000"));
            Assert.That(Convert.ToHexStringLower(begin.After.Span), Does.StartWith("64488b042500000000" + "488d80"));
            Assert.That(call.Method, Is.EqualTo(PatchMethod.Sequence));
            Assert.That(call.Symbol, Is.EqualTo("__tls_get_addr"));
        }
    }

    /// <summary>The unwind table of a function whose group was discarded.</summary>
    [Test]
    public void ShowsWhatWasCleared()
    {
        var inputs = new InputFiles();
        inputs.Add(Fixtures.Object("shapes"));
        inputs.Add(Fixtures.Object("shapes2"));
        IReadOnlyList<PatchRecord> patches = new ImageLinker(new ImageOptions { RecordPatches = true, AllowUndefined = true })
            .Link(inputs).Patches;

        PatchRecord[] cleared = [.. patches.Where(patch => patch.Method is PatchMethod.Cleared)];

        using (Assert.EnterMultipleScope())
        {
            Assert.That(cleared, Is.Not.Empty);
            Assert.That(cleared, Has.All.Property("Object").EqualTo("shapes2.o").And.Property("Section").EqualTo(".eh_frame"));
            Assert.That(cleared, Has.All.Property("Source").EqualTo(SymbolSource.Dropped));
            Assert.That(cleared.Select(patch => Convert.ToHexString(patch.After.Span)), Has.All.EqualTo("00000000"));
        }
    }

    /// <summary>A word that holds the distance to a symbol of a given address.</summary>
    private static LinkedImage LinkCall(ulong place, ulong target)
    {
        ElfBuilder builder = new();
        int words = builder.AddSection(".words", bytes: new byte[4], alignment: 4);
        builder.AddRelocation(words, 0, R_X86_64_PC32, builder.AddSymbol("target"));
        return new ImageLinker(new ImageOptions
        {
            RecordPatches = true,
            MapSections = [new SectionMapping("a.o", ".words", null, place)],
            Definitions = new Dictionary<string, DefinedSymbol> { ["target"] = new(target) },
        }).Link([LinkTest.Read(builder, "a.o")]);
    }

    private static LinkedImage Link(ElfBuilder builder, params string[] mappings) =>
        new ImageLinker(new ImageOptions { RecordPatches = true, MapSections = [.. mappings.Select(SectionMapping.Parse)] })
            .Link([LinkTest.Read(builder, "a.o")]);
}
