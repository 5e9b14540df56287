using ElfLoader.Elf;
using ElfLoader.Tests.Support;
using static ElfLoader.Arch.X64.X64Relocations;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Tests.Linking;

/// <summary>A load that fails has changed nothing; what is queued stays queued.</summary>
[NonParallelizable]
internal sealed class TransactionTests
{
    private const ulong Tls = SHF_ALLOC | SHF_WRITE | SHF_TLS;

    [TestCaseSource(nameof(Failures))]
    public void FailedLoadLeavesNothingBehind(LinkErrorCode code, ElfBuilder failing)
    {
        using var library = new ObjectLibrary("transaction");
        library.Load(LinkTest.Variable("taken", 1));
        (int, ulong, int) before = LinkTest.Footprint();
        failing.AddSymbol("left_behind", failing.AddWords("more", 1));

        LinkException exception = Assert.Throws<LinkException>(
            () => library.Load([LinkTest.Read(LinkTest.Variable("companion", 1), "good.o"), LinkTest.Read(failing, "bad.o")]));

        Assert.That(exception.Errors[0].Code, Is.EqualTo(code), exception.Message);
        Assert.That(LinkTest.Footprint(), Is.EqualTo(before));
        Assert.That(library.Units, Has.Count.EqualTo(1));
        Assert.That(library.TryGetExport("companion", out _) || library.TryGetExport("left_behind", out _), Is.False);
        library.Load(LinkTest.Variable("companion", 2));
    }

    [Test]
    public void QueueIsLinkedTogetherAndStaysWhereThatFails()
    {
        using var library = new ObjectLibrary("queue");
        Assert.That(library.Link(), Is.Null);
        library.Add(LinkTest.Pointer("a", "b").Build(), "a.o");
        LinkException missing = Assert.Throws<LinkException>(() => library.Link());
        Assert.That(missing.Message, Does.Contain("undefined symbol 'b'"));
        Assert.Throws<LinkException>(() => library.TryGetExport("a", out _));
        Assert.Throws<LinkException>(() => library.Add(new byte[10], "bad.o"));
        Assert.Throws<LinkException>(() => library.Load(LinkTest.Pointer("c", "missing")));

        library.Add(LinkTest.Pointer("b", "a").Build(), "b.o");
        Assert.That(library.Word("a"), Is.EqualTo(library.Address("b")));

        Assert.That((library.Units.Count, library.Units[0].Name), Is.EqualTo((1, "a.o, b.o")));
        Assert.That(library.Link(), Is.Null, "the queue is empty");
    }

    [Test]
    public void LoadLinksTheQueueToo()
    {
        using var library = new ObjectLibrary("queue");
        library.Add(LinkTest.Pointer("a", "b").Build(), "a.o");

        LoadedUnit unit = library.Load(LinkTest.Pointer("b", "a"), "b.o");

        Assert.That(unit.Name, Is.EqualTo("a.o, b.o"));
    }

    [Test]
    public void UnitThatIsTooLargeIsRefused()
    {
        using var library = new ObjectLibrary("large", new() { MaximumUnitSize = 1 << 20 });
        ElfBuilder elf = new();
        elf.AddSection(".bss", SHT_NOBITS, LinkTest.Writable, size: 1 << 20);

        LinkException exception = Assert.Throws<LinkException>(() => library.Load(elf));

        Assert.That(exception.Message, Does.Contain("MaximumUnitSize").And.Contain("1048576"));
    }

    private static IEnumerable<TestCaseData> Failures()
    {
        yield return Failure("undefined", LinkErrorCode.Undefined, LinkTest.Pointer("p", "missing"));
        yield return Failure("duplicate", LinkErrorCode.Duplicate, LinkTest.Variable("taken", 2));
        yield return Failure("duplicate in the batch", LinkErrorCode.Duplicate, LinkTest.Variable("companion", 2));

        ElfBuilder type = LinkTest.Variable("v", 1);
        type.AddRelocation(1, 0, 200, 0);
        yield return Failure("relocation type", LinkErrorCode.Unsupported, type);

        ElfBuilder range = LinkTest.Variable("v", 1);
        range.AddRelocation(1, 0, R_X86_64_PC8, 0);
        yield return Failure("out of range", LinkErrorCode.OutOfRange, range);

        ElfBuilder alignment = new();
        alignment.AddSymbol("c", SHN_COMMON, value: 1ul << 30, size: 1ul << 34);
        yield return Failure("huge common symbol", LinkErrorCode.LimitExceeded, alignment);

        ElfBuilder unwind = new();
        unwind.AddSection(".eh_frame", bytes: [1, 2, 3, 4, 5]);
        yield return Failure("unwind table", LinkErrorCode.Malformed, unwind);

        ElfBuilder arena = new();
        int block = arena.AddSection(".tbss", SHT_NOBITS, Tls, size: 100_000, alignment: 8);
        arena.AddRelocation(arena.AddWords(".data", 0), 0, R_X86_64_TPOFF64, arena.AddSymbol("t", block, type: SymbolType.Tls));
        yield return Failure("static thread-local storage", LinkErrorCode.LimitExceeded, arena);

        ElfBuilder dynamic = new();
        dynamic.AddSection(".tbss", SHT_NOBITS, Tls, size: 3ul << 30, alignment: 8);
        yield return Failure("thread-local storage", LinkErrorCode.LimitExceeded, dynamic);

        ElfBuilder data = new();
        data.AddRelocation(data.AddCode(".text", new byte[8]), 0, R_X86_64_32S, data.AddSymbol("environ"));
        yield return Failure("host data out of reach", LinkErrorCode.OutOfRange, data);

        ElfBuilder machine = new(machine: EM_AARCH64);
        yield return Failure("another machine", LinkErrorCode.Unsupported, machine);
    }

    private static TestCaseData Failure(string name, LinkErrorCode code, ElfBuilder elf) =>
        new TestCaseData(code, elf).SetArgDisplayNames(name);
}
