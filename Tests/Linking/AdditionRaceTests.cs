using System.Collections.Concurrent;
using ElfLoader.Elf;
using ElfLoader.Memory;
using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Redirection;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Linking;

/// <summary>
/// What other threads add to a library while it looks in itself, then in archives, and then publishes: first at a certain moment,
/// when the link asks its Resolving handler; then at random, by threads.
/// </summary>
[NonParallelizable]
public sealed class AdditionRaceTests
{
    private const int Members = 50;
    private const int Threads = 4;

    private TemporaryFolder _folder = null!;

    private delegate void Callback();

    [SetUp]
    public void Make() => _folder = new TemporaryFolder();

    [TearDown]
    public void Dispose() => _folder.Dispose();

    [TestCase(false)]
    [TestCase(true)]
    public void ExportThatAnotherThreadBroughtFirstIsFound(bool isRedirectable)
    {
        using ObjectLibrary library = Library(isRedirectable);
        library.AddArchive(Archive("l.a", Asking("m"), LinkTest.Pointer("other", "m")));
        ulong first = 0;
        Interrupt(library, () => first = NativeBytes.LoadWord(library.Address("other")));

        Assert.That(library.TryGetExport("m", out nint address), Is.True);

        Assert.That(((ulong)address, library.Units.Count), Is.EqualTo((first, 1)));
    }

    [Test]
    public void ProgramThatAnotherThreadBroughtFirstIsFound()
    {
        using ObjectLibrary library = Library(isRedirectable: false);
        library.AddArchive(Archive("l.a", AskingFunction("start")));
        ulong first = 0;
        Interrupt(library, () => first = library.Address("start"));

        LoadedUnit? unit = library.LinkProgram("start", out nint address);

        Assert.That((unit, (ulong)address), Is.EqualTo(((LoadedUnit?)null, first)));
    }

    /// <summary>A program's entry that is there already is not brought a second time, from another archive that has it.</summary>
    [Test]
    public void EntryThatIsThereIsNotLookedForInArchives()
    {
        using ObjectLibrary library = Library(isRedirectable: false);
        library.Load(LinkTest.Returning("start", 7));
        library.AddArchive(Archive("l.a", LinkTest.Returning("start", 8)));

        Assert.That(library.LinkProgram("start", out nint address), Is.Null);
        Assert.That(NativeFunction.At<Function>(address)(), Is.EqualTo(7));
    }

    [Test]
    public void SameArchiveGivenTwiceIsSearchedOnce()
    {
        using ObjectLibrary library = Library(isRedirectable: false);
        string archive = Archive("l.a", Asking("m"));
        string first = Save("first.o", LinkTest.Pointer("first", "m"));
        string second = Save("second.o", LinkTest.Pointer("second", "m"));
        Interrupt(library, () => library.Load(second, archive));

        library.Load(first, archive);

        Assert.That(library.Word("first"), Is.EqualTo(library.Word("second")));
    }

    [Test]
    public void VariableThatIsAddedMeanwhileIsKeptByAReplacement()
    {
        using ObjectLibrary library = Library(isRedirectable: true);
        ulong before = 0;
        library.Define("callback", (Callback)(() =>
        {
            if (before is 0)
            {
                var thread = new Thread(() => library.Load(LinkTest.Variable("v", 1), "first.o"));
                thread.Start();
                thread.Join();
                before = library.Address("v");
                NativeBytes.StoreWord(before, 5);
            }
        }));
        byte[] elf = Compiled.C(
            "void callback(void); long v = 2; long get(void) { return v; } "
            + "__attribute__((constructor)) static void start(void) { callback(); }");

        Replacement replacement = library.Replace(
            [ElfObject.Read(elf, "second.o")], new ReplaceOptions { RunInitializers = true });

        Assert.That((library.Address("v"), library.Word("v")), Is.EqualTo((before, 5ul)));
        Assert.That(NativeCall.Call(library.Address("get")), Is.EqualTo(5UL));
        Assert.That(replacement.State.Single().Outcome, Is.EqualTo(StateOutcome.Kept));
    }

    [Test]
    public void MemberThatOnlyAnUndoneGenerationHadIsBroughtAgain()
    {
        using ObjectLibrary library = Library(isRedirectable: true);
        library.Load(LinkTest.Returning("f", 1));
        library.AddArchive(Archive("l.a", LinkTest.Variable("m", 3)));
        ElfBuilder elf = LinkTest.Returning("f", 2);
        int data = elf.AddWords(".data", 0);
        elf.AddSymbol("p", data, 0, 8, type: SymbolType.Object);
        elf.AddRelocation(data, 0, 1, elf.AddSymbol("m")); // R_X86_64_64
        Replacement replacement = library.Replace(elf.Build(), "second.o");
        replacement.Undo();

        library.Load(LinkTest.Pointer("q", "m"));

        Assert.That(NativeBytes.LoadWord(library.Word("q")), Is.EqualTo(3ul));
    }

    /// <summary>Threads ask at the same moment for the same function of an archive, in one of the ways that there are.</summary>
    [Test, Combinatorial]
    public void ThreadsThatWantTheSameMemberAllGetIt(
        [Values("GetExport", "TryGetExport", "Load", "Load with archive", "lazy")] string way,
        [Values] bool isChain,
        [Values] bool isRedirectable) => WantTheSameMember(way, isChain, isRedirectable);

    /// <summary>The same in the way that only redirectable libraries have.</summary>
    [Test]
    public void ThreadsThatReplaceAllGetTheSameMember([Values] bool isChain) =>
        WantTheSameMember("Replace", isChain, isRedirectable: true);

    private void WantTheSameMember(string way, bool isChain, bool isRedirectable)
    {
        const int rounds = 25;
        (int, ulong, int) before = LinkTest.Footprint();
        string archive = Archive("l.a", [.. Enumerable.Range(0, Members).Select(i => Member(i, isChain))]);
        string[] users = [.. Enumerable.Range(0, Threads).Select(i => Save($"user{i}.o", User(i)))];
        ConcurrentQueue<string> failures = new();
        for (int round = 0; round < rounds; round++)
        {
            using ObjectLibrary library = Library(isRedirectable);
            if (way is not "Load with archive")
            {
                library.AddArchive(archive);
            }

            Together(i =>
            {
                try
                {
                    if (Get(library, way, users[i], archive, i) is not 25 and int wrong)
                    {
                        failures.Enqueue($"{way}: {wrong}");
                    }
                }
                catch (Exception exception)
                {
                    failures.Enqueue(exception.Message);
                }
            });
        }

        Assert.That(failures, Is.Empty);
        Assert.That(LinkTest.Footprint(), Is.EqualTo(before));
    }

    /// <summary>Gets the number of m25: from itself, or from an object that calls it.</summary>
    private static int Get(ObjectLibrary library, string way, string user, string archive, int i)
    {
        switch (way)
        {
            case "GetExport":
                return (int)NativeCall.Call(library.Address("m25"));
            case "TryGetExport":
                return library.TryGetExport("m25", out nint address) ? (int)NativeCall.Call((ulong)address) : -1;
            case "Load":
                library.Load(user);
                break;
            case "Load with archive":
                library.Load(user, archive);
                break;
            case "Replace":
                library.Replace(user);
                break;
            default:
                library.DefineLazy($"user{i}", user);
                break;
        }

        return (int)NativeCall.Call(library.Address($"user{i}"));
    }

    private static void Together(Action<int> action)
    {
        using var start = new Barrier(Threads);
        Thread[] threads = [.. Enumerable.Range(0, Threads).Select(i => new Thread(() =>
        {
            start.SignalAndWait();
            action(i);
        }))];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
    }

    /// <summary>m25 returns 25, and so on. In a chain, each member needs the next one.</summary>
    private static ElfBuilder Member(int number, bool isChain)
    {
        ElfBuilder elf = LinkTest.Returning($"m{number}", (byte)number);
        if (isChain)
        {
            int data = elf.AddWords(".data", 0);
            elf.AddSymbol($"next_of_m{number}", data, 0, 8, type: SymbolType.Object);
            elf.AddRelocation(data, 0, 1, elf.AddSymbol($"m{(number + 1) % Members}")); // R_X86_64_64
        }

        return elf;
    }

    /// <summary>user0 jumps to m25: jmp *m25@GOTPCREL(%rip).</summary>
    private static ElfBuilder User(int number)
    {
        ElfBuilder elf = new();
        int code = elf.AddCode(".text", 0xff, 0x25, 0, 0, 0, 0);
        elf.AddSymbol($"user{number}", code, 0, 6, type: SymbolType.Function);
        elf.AddRelocation(code, 2, 9, elf.AddSymbol("m25"), -4); // R_X86_64_GOTPCREL
        return elf;
    }

    /// <summary>A variable with the address of "asked", for which the library asks its Resolving handler.</summary>
    private static ElfBuilder Asking(string name) => LinkTest.Pointer(name, "asked");

    /// <summary>A function whose object has such a variable, too.</summary>
    private static ElfBuilder AskingFunction(string name)
    {
        ElfBuilder elf = LinkTest.Returning(name, 1);
        elf.AddRelocation(elf.AddWords(".data", 0), 0, 1, elf.AddSymbol("asked")); // R_X86_64_64
        return elf;
    }

    private static ObjectLibrary Library(bool isRedirectable) =>
        new("additions", new ObjectLibraryOptions { Redirectable = isRedirectable });

    private string Archive(string name, params ElfBuilder[] members)
    {
        string path = _folder.File(name);
        File.WriteAllBytes(
            path, ArchiveBuilder.Gnu([.. members.Select((member, i) => ($"{i}.o", member.Build()))]).Build());
        return path;
    }

    private string Save(string name, ElfBuilder elf)
    {
        string path = _folder.File(name);
        File.WriteAllBytes(path, elf.Build());
        return path;
    }

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
