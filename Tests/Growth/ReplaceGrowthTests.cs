using ElfLoader.Elf;
using ElfLoader.Linking;
using ElfLoader.Loading;
using ElfLoader.Tests.Linking;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Growth;

/// <summary>What replacing costs by the number of generations and of variables: in proportion.</summary>
[NonParallelizable]
public sealed class ReplaceGrowthTests
{
    private const int Size = 500;

    private static ObjectLibraryOptions Redirectable { get; } = new() { Redirectable = true };

    [Test]
    public void GenerationsThatAreNotReclaimed([Values] bool keepsVariables) =>
        GrowthTable.Check($"generations without Reclaim{(keepsVariables ? ", a variable kept" : "")}", Size, size =>
        {
            using var library = new ObjectLibrary("generations", Redirectable);
            byte[] elf = Generation(keepsVariables);
            LoadedUnit first = library.Load(elf, "f.o");
            long before = Steps(library, first);
            for (int i = 0; i < size; i++)
            {
                library.Replace(elf, "f.o");
            }

            Assert.That(library.RetiredUnits, Has.Count.EqualTo(size));
            long steps = Steps(library, library.Units[0]) - before;
            Assert.That(library.Reclaim(), Is.Zero);
            return steps + HiddenSteps(library);
        });

    [Test]
    public void GenerationsThatAreUndone() => GrowthTable.Check("generations undone one by one", Size, size =>
    {
        using var library = new ObjectLibrary("generations", Redirectable);
        byte[] elf = Generation(keepsVariables: false);
        LoadedUnit first = library.Load(elf, "f.o");
        long before = Steps(library, first);
        Stack<Replacement> done = new(Enumerable.Range(0, size).Select(_ => library.Replace(elf, "f.o")));
        while (done.TryPop(out Replacement? last))
        {
            last.Undo();
        }

        Assert.That((library.Units.Single(), library.RetiredUnits.Count), Is.EqualTo((first, size)));
        return Steps(library, first) - before;
    });

    /// <summary>Nothing stays of a generation without data of its own, though others keep its variable.</summary>
    [Test]
    public void GenerationsThatAreReclaimedLeaveNothing([Values] bool keepsVariables)
    {
        using var library = new ObjectLibrary("generations", Redirectable);
        byte[] elf = Generation(keepsVariables);
        library.Load(elf, "f.o");
        (int Allocations, ulong Allocated, int) before = Replace(10);
        long memory = GC.GetTotalMemory(forceFullCollection: true);

        Assert.That(Replace(5000), Is.EqualTo(before));

        Assert.That(GC.GetTotalMemory(forceFullCollection: true) - memory, Is.LessThan(100_000), "bytes: 20 for each");

        (int, ulong, int) Replace(int count)
        {
            for (int i = 0; i < count; i++)
            {
                Replacement replacement = library.Replace(elf, "f.o");
                Assert.That(replacement.State.Any(report => report.Outcome is StateOutcome.Kept), Is.EqualTo(keepsVariables));
                library.Reclaim();
            }

            return LinkTest.Footprint();
        }
    }

    /// <summary>Constants stay where a kept variable may point to them.</summary>
    [Test]
    public void ConstantsOfAGenerationStayWithItsVariables()
    {
        using var library = new ObjectLibrary("generations", Redirectable);
        ElfBuilder elf = new();
        int text = elf.AddSection(".rodata", bytes: [7, 0, 0, 0, 0, 0, 0, 0], alignment: 8);
        int data = elf.AddWords(".data", 0);
        elf.AddSymbol("kept", data, 0, 8, type: SymbolType.Object);
        elf.AddSymbol("constant", text, 0, 8, type: SymbolType.Object);
        library.Load(elf, "c.o");
        ulong constant = library.Replace(elf.Build(), "c.o").Unit.Library.Address("constant");

        library.Replace(elf.Build(), "c.o");
        library.Reclaim();

        Assert.That(library.Address("constant"), Is.Not.EqualTo(constant));
        Assert.That(ElfLoader.Memory.NativeBytes.LoadWord(constant), Is.EqualTo(7));
    }

    [TestCase("sections", Description = "each variable has a section of its own")]
    [TestCase("one section")]
    [TestCase("guards", Description = "half of them tell whether the others have been initialized")]
    public void VariablesOfOneObject(string kind) => GrowthTable.Check($"variables kept, {kind}", Size, size =>
    {
        using var library = new ObjectLibrary("variables", Redirectable);
        library.Load(Variables(0, size, kind), "v.o");
        Replacement replacement = library.Replace(Variables(0, size, kind).Build(), "v.o");
        Assert.That(replacement.State.Count(report => report.Outcome is StateOutcome.Kept), Is.EqualTo(size));
        return replacement.StateSteps;
    });

    /// <summary>One object in the place of many, many in the place of one, many in the place of as many.</summary>
    [TestCase(false, true)]
    [TestCase(true, false)]
    [TestCase(true, true)]
    public void VariablesOfManyObjects(bool wereMany, bool areMany) =>
        GrowthTable.Check($"variables kept, of {(wereMany ? "many objects" : "one object")} by {(areMany ? "many" : "one")}", Size / 4, size =>
        {
            using var library = new ObjectLibrary("variables", Redirectable);
            foreach (ElfObject elf in Objects(wereMany, size))
            {
                library.Add(elf.Bytes, elf.Name);
            }

            library.Link();
            Replacement replacement = library.Replace(Objects(areMany, size));
            Assert.That(replacement.State.Count(report => report.Outcome is StateOutcome.Kept), Is.EqualTo(size));
            return replacement.StateSteps;
        });

    private static List<ElfObject> Objects(bool many, int size) => many
        ? [.. Enumerable.Range(0, size).Select(i => ElfObject.Read(Variables(i, 1, "sections").Build(), $"v{i}.o"))]
        : [ElfObject.Read(Variables(0, size, "sections").Build(), "v.o")];

    private static ElfBuilder Variables(int first, int count, string kind)
    {
        ElfBuilder elf = new();
        int one = kind is "one section" ? elf.AddWords(".data", new ulong[count]) : 0;
        int[] sections = [.. Enumerable.Range(first, count).Select(i => one > 0 ? one : elf.AddWords($".data.v{i}", 0))];
        for (int i = 0; i < count; i++)
        {
            string name = kind is not "guards" ? $"v{first + i}" : i % 2 is 0 ? $"_ZGV{i / 2}x" : $"_Z{i / 2}x";
            elf.AddSymbol(name, sections[i], one > 0 ? (ulong)i * 8 : 0, 8, type: SymbolType.Object);
        }

        return elf;
    }

    private static byte[] Generation(bool keepsVariables)
    {
        ElfBuilder elf = LinkTest.Returning("f", 1);
        if (keepsVariables)
        {
            elf.AddSymbol("kept", elf.AddWords(".data", 0), 0, 8, type: SymbolType.Object);
        }

        return elf.Build();
    }

    private static long Steps(ObjectLibrary library, LoadedUnit unit) => library.Contents.Steps + library.Entries.Steps
        + NativeProcess.Current.Graph.Steps + (unit.KeptState?.Steps ?? 0) + HiddenSteps(library);

    private static long HiddenSteps(ObjectLibrary library) => library.Entries.Find(NameHash.Of("f"u8), "f"u8)?.HiddenSteps ?? 0;
}
