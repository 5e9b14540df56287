using ElfLoader.Memory;
using ElfLoader.Tests.Linking;

namespace ElfLoader.Tests.Redirection;

/// <summary>How long the address of a function stays one.</summary>
[NonParallelizable]
public sealed class EntryLifeTests
{
    /// <summary>Whoever holds the address of an unloaded function may call it: a load that fails takes nothing away.</summary>
    [Test]
    public void AddressOfAnUnloadedFunctionOutlivesALoadThatFails()
    {
        using var absent = new ObjectLibrary("absent");
        absent.Load(LinkTest.Returning("absent", 9));
        using var library = new ObjectLibrary(
            "entries", new ObjectLibraryOptions { Redirectable = true, MissingFunction = absent.GetExport("absent") });
        LoadedUnit unit = library.Load(LinkTest.Returning("f", 1));
        ulong f = library.Address("f");
        unit.Unload();

        Assert.Throws<LinkException>(() => library.Load(
            Compiled.C("extern int missing(void); int f(void) { return missing(); }"), "fails.o"));
        Assert.Throws<LinkException>(() => FailAfterClaims(library));
        library.Load(LinkTest.Returning("g", 3)); // takes the place of f, if that is free

        Assert.That(NativeCall.Call(f), Is.EqualTo(9UL));
        library.Load(LinkTest.Returning("f", 2));
        Assert.That((library.Address("f"), NativeCall.Call(f)), Is.EqualTo((f, 2UL)));
    }

    /// <summary>Fails when the object is in memory and its initializers have run: another has defined the same meanwhile.</summary>
    private static void FailAfterClaims(ObjectLibrary library)
    {
        library.Define("callback", (Callback)(() =>
        {
            var thread = new Thread(() => library.Load(LinkTest.Returning("h", 1), "other.o"));
            thread.Start();
            thread.Join();
        }));
        library.Load(
            Compiled.C("void callback(void); int f(void) { return 5; } int h(void) { return 6; } "
                + "__attribute__((constructor)) static void start(void) { callback(); }"),
            "late.o");
    }

    private delegate void Callback();
}
