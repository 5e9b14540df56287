using ElfLoader.Elf;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Linking;

/// <summary>Chains of units of any length, each kept by the next one: nothing takes stack for each.</summary>
public sealed class UnloadChainTests
{
    private const int Length = 20_000;
    private const int SmallStack = 256 << 10;

    [Test]
    public void LastUnitOfAChainLetsAllOthersGo() => ChildProcess.Check(UnloadTheLast);

    [Test]
    public void LastUnitOfAChainOfRedirectableUnitsLetsAllOthersGo() => ChildProcess.Check(UnloadTheLastRedirectable);

    private static void UnloadTheLast() => InSmallStack(() => UnloadInOrder(new ObjectLibraryOptions()));

    private static void UnloadTheLastRedirectable() =>
        InSmallStack(() => UnloadInOrder(new ObjectLibraryOptions { Redirectable = true }));

    private static void UnloadInOrder(ObjectLibraryOptions options)
    {
        (int, ulong, int) before = LinkTest.Footprint();
        using (var library = new ObjectLibrary("chain", options))
        {
            int length = options.Redirectable ? Length / 4 : Length;
            LoadedUnit[] units = [.. Enumerable.Range(0, length).Select(i => library.Load(Link(i), "link.o"))];
            foreach (LoadedUnit unit in units)
            {
                unit.Unload();
            }

            Assert.That(library.Units, Is.Empty);
            Assert.That(library.Reclaim(), Is.Zero);
        }

        Assert.That(LinkTest.Footprint(), Is.EqualTo(before));
    }

    /// <summary>Two weak variables, of which the previous unit has one, too.</summary>
    private static ElfBuilder Link(int number)
    {
        ElfBuilder elf = new();
        int data = elf.AddWords(".data", 0, 0, 0);
        int own = elf.AddSymbol($"w{number}", data, 0, 8, SymbolBinding.Weak, SymbolType.Object);
        elf.AddSymbol($"w{number + 1}", data, 8, 8, SymbolBinding.Weak, SymbolType.Object);
        elf.AddRelocation(data, 16, 1, own); // R_X86_64_64
        return elf;
    }

    private static void InSmallStack(Action action)
    {
        Exception? failure = null;
        var thread = new Thread(
            () =>
            {
                try
                {
                    action();
                }
                catch (Exception exception)
                {
                    failure = exception;
                }
            },
            SmallStack);
        thread.Start();
        thread.Join();
        Assert.That(failure, Is.Null);
    }
}
