using System.Text;
using ElfLoader.Elf;
using ElfLoader.Memory;
using ElfLoader.Tests.Redirection;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Linking;

/// <summary>
/// The C heap has no memory for what loaded code is told of a unit, at one point of the load or another: then the unit does not
/// come, and everything is as it was.
/// </summary>
[NonParallelizable]
public sealed class NativeMemoryShortageTests
{
    private const int OutOfMemory = 12; // ENOMEM
    private const int Names = 200; // enough that the table of names grows

    [TestCase(false, false)]
    [TestCase(true, false)]
    [TestCase(true, true)]
    public void UnitThatLoadedCodeCannotBeToldOfDoesNotCome(bool redirectable, bool replaces)
    {
        (int, ulong, int) before = default;
        for (int use = 1; use > 0; use++)
        {
            using var library = new ObjectLibrary("short", new ObjectLibraryOptions { Redirectable = redirectable });
            library.Load(
                Compiled.C("void *dlsym(void *, const char *); void *ask(const char *name) { return dlsym((void *)0, name); }", "-O1 -fPIC"), "ask.o");
            library.Load(LinkTest.Returning("f", 1, replaces ? SymbolBinding.Global : SymbolBinding.Weak), "old.o");
            before = use is 1 ? LinkTest.Footprint() : before;
            Assert.That((LinkTest.Footprint(), Call(library)), Is.EqualTo((before, (1UL, 1UL))));

            bool failed = TryFailing(use, () => _ = replaces
                ? library.Replace(New().Build(), "new.o").Unit
                : library.Load(New(), "new.o"));
            if (!failed)
            {
                Assert.That(Call(library), Is.EqualTo((2UL, 2UL)));
                Assert.That(use, Is.GreaterThan(4), "there were uses that failed");
                return;
            }

            string at = $"use {use} of calloc";
            Assert.That(library.Units.Select(unit => unit.Name), Is.EqualTo((string[])["ask.o", "old.o"]), at);
            Assert.That((Call(library), library.TryGetExport("n7", out _)), Is.EqualTo(((1UL, 1UL), false)), at);
            Assert.That((library.Reclaim(), LinkTest.Footprint()), Is.EqualTo((0, before)), at);
            library.Load(LinkTest.Returning("other", 3), "other.o");
            Assert.That(NativeCall.Call(library.Address("other")), Is.EqualTo(3), at);
        }
    }

    private static ElfBuilder New()
    {
        ElfBuilder elf = LinkTest.Returning("f", 2);
        int data = elf.AddWords(".data", new ulong[Names]);
        for (int i = 0; i < Names; i++)
        {
            elf.AddSymbol($"n{i}", data, (ulong)i * 8, 8, type: SymbolType.Object);
        }

        return elf;
    }

    /// <summary>What callers, and loaded code that asks the dynamic linker, have for <c>f</c>.</summary>
    private static (ulong Called, ulong Asked) Call(ObjectLibrary library)
    {
        using var name = new NativeBlock(2);
        Encoding.ASCII.GetBytes("f", name.Bytes);
        return (NativeCall.Call(library.Address("f")), NativeCall.Call(NativeCall.Call(library.Address("ask"), name.Address)));
    }

    private static bool TryFailing(int use, Action act)
    {
        int thread = Environment.CurrentManagedThreadId;
        int uses = 0;
        SystemFaults.Choose = call => call is "calloc" && Environment.CurrentManagedThreadId == thread && ++uses == use ? OutOfMemory : 0;
        try
        {
            act();
            return false;
        }
        catch (LinkException exception)
        {
            Assert.That(exception.Errors.Single().Code, Is.EqualTo(LinkErrorCode.LimitExceeded), exception.Message);
            return true;
        }
        finally
        {
            SystemFaults.Choose = null;
        }
    }
}
