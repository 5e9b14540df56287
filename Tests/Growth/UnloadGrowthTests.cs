using ElfLoader.Elf;
using ElfLoader.Loading;
using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Linking;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Growth;

/// <summary>What unloading and reclaiming cost by the number of units: in proportion, in whatever order.</summary>
[NonParallelizable]
public sealed class UnloadGrowthTests
{
    private const int Size = 1000;

    private static ObjectLibraryOptions Redirectable { get; } = new() { Redirectable = true };

    [TestCase("as loaded")]
    [TestCase("last first")]
    [TestCase("at random")]
    public void UnitsThatGoOneByOne(string order)
    {
        foreach (bool redirectable in (bool[])[false, true])
        {
            GrowthTable.Check($"units unloaded one by one, {order}{(redirectable ? ", redirectable" : "")}", Size, size =>
            {
                using var library = new ObjectLibrary("going", new ObjectLibraryOptions { Redirectable = redirectable });
                List<LoadedUnit> units = [.. Enumerable.Range(0, size).Select(i => library.Load(LinkTest.Returning($"f{i}", 1)))];
                var random = new Random(size);
                return Count([library], () =>
                {
                    foreach (LoadedUnit unit in order is "last first" ? units.AsEnumerable().Reverse()
                        : order is "at random" ? units.OrderBy(_ => random.Next()) : units)
                    {
                        unit.Unload();
                    }

                    Assert.That(library.Reclaim(), Is.Zero);
                });
            });
        }
    }

    [Test]
    public void UnitsThatGoWithTheirLibrary() => GrowthTable.Check("a redirectable library unloaded", Size, size =>
    {
        using var library = new ObjectLibrary("going", Redirectable);
        for (int i = 0; i < size; i++)
        {
            library.Load(LinkTest.Returning($"f{i}", 1));
        }

        return Count([library], library.Unload);
    });

    [Test]
    public void UnitsThatGoWithWhatTheyNeed([Values] bool redirectable, [Values("star", "chain")] string shape) =>
        GrowthTable.Check($"withDependents, a {shape}{(redirectable ? ", redirectable" : "")}", Size, size =>
        {
            using var library = new ObjectLibrary("needing", new ObjectLibraryOptions { Redirectable = redirectable });
            LoadedUnit first = library.Load(LinkTest.Variable("p0", 1));
            for (int i = 1; i <= size; i++)
            {
                library.Load(LinkTest.Pointer($"p{i}", shape is "star" ? "p0" : $"p{i - 1}"));
            }

            return Count([library], () => first.Unload(withDependents: true));
        });

    /// <summary>Threads in epochs keep all of them: each look for what can be freed finds nothing.</summary>
    [Test]
    public void UnitsThatAnEpochKeeps() => GrowthTable.Check("units unloaded one by one that an epoch keeps", Size, size =>
    {
        using var library = new ObjectLibrary("kept", Redirectable);
        List<LoadedUnit> units = [.. Enumerable.Range(0, size).Select(i => library.Load(LinkTest.Returning($"f{i}", 1)))];
        return Count([library], () =>
        {
            using var inside = new ManualResetEventSlim();
            using var leave = new ManualResetEventSlim();
            var thread = new Thread(() =>
            {
                Epoch.EnterWithoutWaiting();
                inside.Set();
                leave.Wait();
                Epoch.Leave();
            });
            thread.Start();
            inside.Wait();
            units.ForEach(unit => unit.Unload());
            Assert.That(library.RetiredUnits, Has.Count.EqualTo(size));
            Assert.That(units[0].KeptAliveBy, Is.Not.Empty);
            leave.Set();
            thread.Join();
            Assert.That(library.Reclaim(), Is.Zero);
        });
    });

    /// <summary>Units of which each has one function of a library that is disposed before them.</summary>
    [Test]
    public void UsersOfADisposedLibrary() => GrowthTable.Check("users of a disposed library", Size, size =>
    {
        using var second = new ObjectLibrary("second", Redirectable);
        var first = new ObjectLibrary("first", Redirectable);
        second.AddLibrary(first);
        first.AddLibrary(second);
        second.Load(LinkTest.Returning("base", 1));
        for (int i = 0; i < size; i++)
        {
            first.Load(LinkTest.Pointer($"q{i}", "base"));
            first.Load(LinkTest.Returning($"f{i}", 1));
            second.Load(LinkTest.Pointer($"p{i}", $"f{i}"));
        }

        return Count([first, second], () =>
        {
            first.Dispose();
            second.Dispose();
        });
    });

    /// <summary>Many units share one variable with the outside, and the first of them has the library's name for it.</summary>
    [Test]
    public void SharersOfAVariable()
    {
        using var variables = new SharedVariables();
        using var provider = new ObjectLibrary("provider");
        provider.Load(variables.Compile("g++", "host.cpp", "-fPIC"), variables.Compile("g++", "counters.cpp", "-fPIC"));
        string space = variables.Space;
        GrowthTable.Check("sharers of a variable, unloaded as loaded", Size / 4, size =>
        {
            using var library = new ObjectLibrary("sharers");
            library.AddLibrary(provider);
            List<LoadedUnit> units = [.. Enumerable.Range(0, size).Select(_ => library.Load(Sharer($"_ZN{space.Length}{space}5plainE")))];
            return Count([library], () => units.ForEach(unit => unit.Unload()));
        });
    }

    /// <summary>An object with a copy of an inline variable.</summary>
    private static ElfBuilder Sharer(string name)
    {
        ElfBuilder elf = new();
        elf.AddGroup(1, isComdat: true, 2);
        int data = elf.AddSection($".bss.{name}", ElfConstants.SHT_NOBITS, LinkTest.Writable | ElfConstants.SHF_GROUP, size: 4, alignment: 4);
        elf.AddSymbol(name, data, 0, 4, SymbolBinding.Weak, SymbolType.Object);
        return elf;
    }

    private static long Count(IReadOnlyList<ObjectLibrary> libraries, Action action)
    {
        long before = Steps();
        action();
        return Steps() - before;

        long Steps() => libraries.Sum(library => library.Contents.Steps + library.Entries.Steps) + NativeProcess.Current.Graph.Steps;
    }
}
