using ElfLoader.Elf;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Linking;

/// <summary>When near names are looked for, and who waits for that. What is counted is memory: a search makes text of all names.</summary>
public sealed class NearNameCostTests
{
    private const int Names = 20_000;

    [Test]
    public void LinksThatAreMadeAgainLookForNoNearNames()
    {
        const int overtaken = 30;
        using ObjectLibrary library = Library();
        byte[] other = LinkTest.Variable("other", 1).Build();
        byte[] lacking = LinkTest.Pointer("p", "some_nmae_7").Build();
        int attempts = 0;
        int most = 1;
        library.Resolving += (_, name) =>
        {
            if (name is "some_nmae_7" && ++attempts < most)
            {
                library.Load(other, "other.o").Unload(); // what this link relies on may have been unloaded
            }

            return 0;
        };
        _ = Fail();
        long once = Fail().Allocated;
        (most, attempts) = (overtaken, 0);

        (string message, long allocated) = Fail();

        Assert.That(attempts, Is.EqualTo(overtaken));
        Assert.That(message, Does.EndWith("undefined symbol 'some_nmae_7'; did you mean 'some_name_7'?"));
        Assert.That(once, Is.GreaterThan(Names * 40), "a search makes text of each name");
        Assert.That(allocated, Is.LessThan(2 * once));

        (string Message, long Allocated) Fail()
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            string text = Assert.Throws<LinkException>(() => library.Load(lacking, "lacking.o"))!.Message;
            return (text, GC.GetAllocatedBytesForCurrentThread() - before);
        }
    }

    [Test]
    public void OnlyTheExportThatMustBeThereIsLookedForAmongNearNames()
    {
        using ObjectLibrary library = Library();
        _ = library.TryGetExport("some_nmae_7", out _);
        long before = GC.GetAllocatedBytesForCurrentThread();

        bool isThere = library.TryGetExport("some_nmae_7", out _);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        string message = Assert.Throws<EntryPointNotFoundException>(() => library.GetExport("some_nmae_7"))!.Message;

        Assert.That((isThere, message), Is.EqualTo((false, "library 'many' does not define 'some_nmae_7'; did you mean 'some_name_7'?")));
        Assert.That(allocated, Is.LessThan(10_000));
    }

    /// <summary>While somebody reads the names, others look for names and define some, which come along.</summary>
    [Test]
    public void NamesAreReadWithoutKeepingOthersOut()
    {
        using ObjectLibrary library = Library();
        int read = 0;
        int added = 0;
        foreach ((string name, _) in library.Contents.Names())
        {
            if (read++ is 0)
            {
                var thread = new Thread(() => library.DefineAbsolute("added", (ulong)library.GetExport("some_name_7")));
                thread.Start();
                thread.Join();
            }

            added += name is "added" ? 1 : 0;
        }

        Assert.That((read, added), Is.EqualTo((Names + 1, 1)));
    }

    [Test]
    public void NamesThatGoWhileTheyAreReadDoNoHarm()
    {
        using var library = new ObjectLibrary("going");
        LoadedUnit[] units = [.. Enumerable.Range(0, 4).Select(i => library.Load(Variables(i)))];
        HashSet<string> read = [];
        foreach ((string name, _) in library.Contents.Names())
        {
            Assert.That(read.Add(name), Is.True);
            if (read.Count is 1)
            {
                Array.ForEach(units[1..], unit => unit.Unload()); // the table moves together
            }
        }

        Assert.That(read, Has.Count.InRange(1_000, 1_500));
        Assert.That(library.Contents.Names().Count(), Is.EqualTo(1_500));
    }

    private static ElfBuilder Variables(int unit)
    {
        ElfBuilder elf = new();
        int data = elf.AddWords(".data", 0);
        for (int i = 0; i < 1_500; i++)
        {
            elf.AddSymbol($"variable_{i}_of_{unit}", data, 0, 8, type: SymbolType.Object);
        }

        return elf;
    }

    private static ObjectLibrary Library()
    {
        var library = new ObjectLibrary("many");
        for (int i = 0; i < Names; i++)
        {
            library.DefineAbsolute($"some_name_{i}", (ulong)i + 1);
        }

        return library;
    }
}
