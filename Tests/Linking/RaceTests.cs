using System.Collections.Concurrent;
using ElfLoader.Elf;
using ElfLoader.Memory;
using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Linking;

/// <summary>
/// What others do while a link is under way: first at a certain moment, when the link asks its Resolving handler; then at
/// random, by threads.
/// </summary>
[NonParallelizable]
public sealed class RaceTests
{
    [Test]
    public void DuplicateThatAnotherLoadPublishedFirstIsRefused()
    {
        (int, ulong, int) before = LinkTest.Footprint();
        using (var library = new ObjectLibrary("race"))
        {
            Interrupt(library, () => library.Load(LinkTest.Variable("d", 1), "first.o"));

            LinkException exception = Assert.Throws<LinkException>(
                () => library.Load([LinkTest.Read(LinkTest.Variable("d", 2), "second.o"), Asking()]));

            Assert.That(exception.Message, Does.Contain("second.o").And.Contain("first.o").And.Contain("'d'"));
            Assert.That((library.Word("d"), library.Units.Count), Is.EqualTo((1ul, 1)));
        }

        Assert.That(LinkTest.Footprint(), Is.EqualTo(before));
    }

    [Test]
    public void WeakDefinitionDoesNotReplaceWhatAnotherLoadPublishedFirst()
    {
        using var library = new ObjectLibrary("race");
        Interrupt(library, () => library.Load(LinkTest.Variable("d", 1), "first.o"));

        library.Load([LinkTest.Read(LinkTest.Variable("d", 2, SymbolBinding.Weak), "second.o"), Asking()]);

        Assert.That(library.Word("d"), Is.EqualTo(1ul));
    }

    [Test]
    public void MemberThatAnotherLoadPulledFirstIsShared()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("l.a"), ArchiveBuilder.Gnu(("m.o", LinkTest.Variable("m", 1).Build())).Build());
        using var library = new ObjectLibrary("race");
        library.AddArchive(folder.File("l.a"));
        Interrupt(library, () => library.Load(LinkTest.Pointer("first", "m")));

        LoadedUnit second = library.Load([LinkTest.Read(LinkTest.Pointer("second", "m"), "a.o"), Asking()]);

        Assert.That(second.Objects, Has.Count.EqualTo(2), "it has no member of its own");
        Assert.That(library.Word("second"), Is.EqualTo(library.Word("first")));
    }

    [Test]
    public void UnitThatGoesWhileItIsBeingBoundToIsDoneWithout()
    {
        (int, ulong, int) before = LinkTest.Footprint();
        using (var library = new ObjectLibrary("race"))
        {
            LoadedUnit first = library.Load(LinkTest.Variable("d", 1, SymbolBinding.Weak));
            Interrupt(library, first.Unload);

            library.Load([LinkTest.Read(LinkTest.Variable("d", 2, SymbolBinding.Weak), "second.o"), Asking()]);

            Assert.That((library.Word("d"), library.Units.Count), Is.EqualTo((2ul, 1)));
        }

        Assert.That(LinkTest.Footprint(), Is.EqualTo(before));
    }

    [Test]
    public void UnitThatGoesAndIsNeededIsMissing()
    {
        using var library = new ObjectLibrary("race");
        LoadedUnit first = library.Load(LinkTest.Variable("d", 1));
        Interrupt(library, first.Unload);

        LinkException exception = Assert.Throws<LinkException>(
            () => library.Load([LinkTest.Read(LinkTest.Pointer("p", "d"), "second.o"), Asking()]));

        Assert.That(exception.Message, Does.Contain("undefined symbol 'd'"));
    }

    /// <summary>
    /// The second's copy is used by itself alone, as the first was faster to define the name: a third must not leave its own
    /// copy out for the sake of the second's once the first has gone.
    /// </summary>
    [TestCase(true)]
    [TestCase(false)]
    public void GroupWhoseDefinitionsWereOvertakenIsLoadedAgain(bool isFirstInGroup)
    {
        using var library = new ObjectLibrary("race");
        LoadedUnit? first = null;
        Interrupt(library, () => first = library.Load([Shared("first", 1, isFirstInGroup)]));

        LoadedUnit second = library.Load([Shared("second", 2, isInGroup: true), Asking()]);
        ulong ofSecond = library.Word("p_second");
        first!.Unload();
        LoadedUnit third = library.Load([Shared("third", 3, isInGroup: true)]);

        Assert.That(NativeFunction.At<Function>((nint)ofSecond)(), Is.EqualTo(2));
        Assert.That(NativeFunction.At<Function>((nint)library.Word("p_third"))(), Is.EqualTo(3));
        Assert.That(library.GetFunction<Function>("shared")(), Is.EqualTo(3));
        third.Unload();
        second.Unload();
    }

    [Test]
    public void ThreadsLoadLookUpAndUnloadInOneLibrary()
    {
        const int Threads = 8;
        const int Rounds = 150;
        (int Allocations, ulong Allocated, int StaticTls) before = LinkTest.Footprint();
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("l.a"), ArchiveBuilder.Gnu(("m.o", LinkTest.Variable("m", 77).Build())).Build());
        ConcurrentQueue<string> failures = new();
        using (var library = new ObjectLibrary("threads"))
        {
            library.AddArchive(folder.File("l.a"));
            library.Load(LinkTest.Pointer("keeps", "m")); // Units that bring a member in are needed by those who find it.
            Thread[] threads = [.. Enumerable.Range(0, Threads).Select(thread => new Thread(() =>
            {
                try
                {
                    for (int round = 0; round < Rounds; round++)
                    {
                        Round(library, $"own_{thread}", (byte)thread, failures);
                    }
                }
                catch (Exception exception)
                {
                    failures.Enqueue(exception.ToString());
                }
            }))];
            Array.ForEach(threads, thread => thread.Start());
            Array.ForEach(threads, thread => thread.Join());

            Assert.That(failures, Is.Empty);
            Assert.That(library.Units, Has.Count.EqualTo(1));
        }

        Assert.That(LinkTest.Footprint(), Is.EqualTo(before));
    }

    /// <summary>Loads a function of one's own and a copy of a shared one, calls both, and unloads them.</summary>
    private static void Round(ObjectLibrary library, string name, byte number, ConcurrentQueue<string> failures)
    {
        ElfBuilder elf = LinkTest.Returning(name, number);
        int section = elf.AddCode(".text.shared", 0xb8, 99, 0, 0, 0, 0xc3);
        int shared = elf.AddSymbol("shared", section, 0, 6, SymbolBinding.Weak, SymbolType.Function);
        elf.AddGroup(shared, isComdat: true, section);
        int data = elf.AddWords(".data", 0, 0);
        elf.AddSymbol($"p_{name}", data);
        elf.AddRelocation(data, 0, 1, shared);
        elf.AddRelocation(data, 8, 1, elf.AddSymbol("m"));
        LoadedUnit unit = library.Load(elf, $"{name}.o");
        int own = library.GetFunction<Function>(name)();
        int others = NativeFunction.At<Function>((nint)library.Word($"p_{name}"))();
        ulong member = NativeBytes.LoadWord(library.Address("m"));
        if ((own, others, member) != (number, 99, 77ul))
        {
            failures.Enqueue($"{own} {others} {member}");
        }

        unit.Unload();
    }

    /// <summary>A weak function, with a pointer to it.</summary>
    private static ElfObject Shared(string name, byte number, bool isInGroup)
    {
        var elf = new ElfBuilder();
        int section = elf.AddCode(".text.shared", 0xb8, number, 0, 0, 0, 0xc3);
        int shared = elf.AddSymbol("shared", section, 0, 6, SymbolBinding.Weak, SymbolType.Function);
        if (isInGroup)
        {
            elf.AddGroup(shared, isComdat: true, section);
        }

        int data = elf.AddWords(".data", 0);
        elf.AddSymbol($"p_{name}", data);
        elf.AddRelocation(data, 0, 1, shared); // R_X86_64_64
        return LinkTest.Read(elf, $"{name}.o");
    }

    private static ElfObject Asking() => LinkTest.Read(LinkTest.Pointer("asking", "asked"), "asking.o");

    /// <summary>Has something happen once while the library links an object that asks for "asked".</summary>
    private static void Interrupt(ObjectLibrary library, Action action)
    {
        bool done = false;
        library.Resolving += (_, name) =>
        {
            if (!done)
            {
                done = true;
                action();
            }

            return name is "asked" ? 1 : 0;
        };
    }
}
