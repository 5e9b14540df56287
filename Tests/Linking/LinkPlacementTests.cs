using ElfLoader.Elf;
using ElfLoader.Memory;
using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Support;
using static ElfLoader.Arch.X64.X64Relocations;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Tests.Linking;

/// <summary>Where a unit is put follows from its relocations.</summary>
public sealed class LinkPlacementTests
{
    [TestCase(R_X86_64_PC32, "d", MemoryPlacement.Far)]
    [TestCase(R_X86_64_64, "environ", MemoryPlacement.Far)]
    [TestCase(R_X86_64_GOTPCREL, "environ", MemoryPlacement.Far)]
    [TestCase(R_X86_64_PLT32, "getenv", MemoryPlacement.Far)]
    [TestCase(R_X86_64_PC32, "getenv", MemoryPlacement.Far, Description = "the stub stands for a function")]
    [TestCase(R_X86_64_PC32, "environ", MemoryPlacement.Near)]
    [TestCase(R_X86_64_32, "d", MemoryPlacement.Low)]
    [TestCase(R_X86_64_32S, "d", MemoryPlacement.Low)]
    [TestCase(R_X86_64_32S, "number", MemoryPlacement.Far)]
    public void FollowsFromRelocations(uint type, string symbol, MemoryPlacement expected)
    {
        ElfBuilder elf = new();
        int text = elf.AddCode(".text", new byte[16]);
        int data = elf.AddWords(".data", 1);
        int index = symbol switch
        {
            "d" => elf.AddSymbol("d", data, type: SymbolType.Object),
            "number" => elf.AddSymbol("number", SHN_ABS, value: 5),
            _ => elf.AddSymbol(symbol),
        };
        elf.AddRelocation(text, 4, type, index);
        using var library = new ObjectLibrary("placement");

        LoadedUnit unit = library.Load(elf);

        MemoryPool pool = unit.Resources.Allocation!.Pool;
        Assert.That(pool.Placement, Is.EqualTo(expected));
        Assert.That(pool.Start + pool.Size <= 1ul << 31, Is.EqualTo(expected is MemoryPlacement.Low));
    }

    [Test]
    public void CodeThatReachesAnotherUnitLiesBesideIt()
    {
        using var library = new ObjectLibrary("beside");
        LoadedUnit first = library.Load(LinkTest.Variable("d", 1));
        ElfBuilder elf = new();
        elf.AddRelocation(elf.AddCode(".text", new byte[16]), 4, R_X86_64_PC32, elf.AddSymbol("d"));

        LoadedUnit second = library.Load(elf);

        Assert.That(second.Resources.Pool, Is.SameAs(first.Resources.Pool));
    }

    [TestCase("a", "b", "")]
    [TestCase("a", "a b c", "b")]
    [TestCase("a 9", "9", "")]
    public void GatheredSectionsLieEndToEnd(string first, string second, string late)
    {
        // Sections "set" of both objects and of an archive member that comes later.
        using var folder = new TemporaryFolder();
        using var library = new ObjectLibrary("sets", LinkTest.Inspecting);
        ElfBuilder member = Set(late, "m");
        File.WriteAllBytes(folder.File("m.a"), ArchiveBuilder.Gnu(("m.o", member.Build())).WithIndex(("m", 0)).Build());
        library.AddArchive(folder.File("m.a"));
        ElfBuilder start = Set(first, "start");
        int words = start.AddWords(".data", 0, 0, 0);
        start.AddSymbol("range", words);
        start.AddRelocation(words, 0, R_X86_64_64, start.AddSymbol("__start_set"));
        start.AddRelocation(words, 8, R_X86_64_64, start.AddSymbol("__stop_set"));
        start.AddRelocation(words, 16, R_X86_64_64, start.AddSymbol("m"));

        library.Load([LinkTest.Read(start, "a.o"), LinkTest.Read(Set(second, "other"), "b.o")]);

        ulong from = library.Word("range");
        int count = (int)(NativeBytes.LoadWord(library.Address("range") + 8) - from) / 8;
        string[] seen = [.. Enumerable.Range(0, count).Select(i => NativeBytes.LoadWord(from + (8ul * (ulong)i)).ToString("x"))];
        Assert.That(string.Join(' ', seen), Is.EqualTo($"{first} {second} {late}".TrimEnd()));
    }

    [TestCase("__start_.data")]
    [TestCase("__start_")]
    [TestCase("__stop_9")]
    [TestCase("__start_tls")]
    [TestCase("__start_dropped")]
    public void OnlyLoadedSectionsWithNamesOfIdentifiersAreGathered(string symbol)
    {
        ElfBuilder elf = new();
        int words = elf.AddWords(".data", 0);
        elf.AddWords("9", 0);
        elf.AddWords("", 0);
        elf.AddSection("tls", SHT_PROGBITS, LinkTest.Writable | SHF_TLS, [1]);
        elf.AddSection("dropped", SHT_PROGBITS, 0, [1]);
        elf.AddRelocation(words, 0, R_X86_64_64, elf.AddSymbol(symbol));
        using var library = new ObjectLibrary("sets");

        LinkException exception = Assert.Throws<LinkException>(() => library.Load(elf));

        Assert.That(exception.Message, Does.Contain($"undefined symbol '{symbol}'"));
    }

    [Test]
    public void GatheredSectionsOfDifferentKindsLieTogether()
    {
        ElfBuilder elf = new();
        elf.AddSection("set", SHT_PROGBITS, SHF_ALLOC, new byte[8], alignment: 8);
        elf.AddSection("set", SHT_PROGBITS, LinkTest.Writable, new byte[8], alignment: 8);
        int words = elf.AddWords(".data", 0, 0);
        elf.AddSymbol("range", words);
        elf.AddRelocation(words, 0, R_X86_64_64, elf.AddSymbol("__start_set"));
        elf.AddRelocation(words, 8, R_X86_64_64, elf.AddSymbol("__stop_set"));
        using var library = new ObjectLibrary("sets");

        library.Load(elf);

        ulong range = library.Address("range");
        Assert.That(NativeBytes.LoadWord(range + 8) - NativeBytes.LoadWord(range), Is.EqualTo(16ul));
    }

    /// <summary>An object whose section "set" has these words.</summary>
    private static ElfBuilder Set(string words, string symbol)
    {
        ElfBuilder elf = new();
        ulong[] numbers = [.. words.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(word => Convert.ToUInt64(word, 16))];
        elf.AddSymbol(symbol, elf.AddWords("set", numbers));
        return elf;
    }
}
