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

    /// <summary>What another load is going to define may never be: it fails, perhaps.</summary>
    [Test]
    public void ALoadDoesNotRelyOnWhatAnotherOneHasYetToDefine()
    {
        using var library = new ObjectLibrary("entries", new ObjectLibraryOptions { Redirectable = true });
        LoadedUnit unit = library.Load(LinkTest.Returning("f", 1));
        using var starts = new ManualResetEventSlim();
        using var mayEnd = new ManualResetEventSlim();
        library.Define("callback", (Callback)(() =>
        {
            starts.Set();
            mayEnd.Wait();
        }));
        var other = new Thread(() => library.Load(
            Compiled.C("void callback(void); int f(void) { return 5; } __attribute__((constructor)) static void start(void) { callback(); }"),
            "other.o"));
        library.Resolving += (_, name) =>
        {
            if (name is "asked" && unit.IsLoaded)
            {
                unit.Unload(); // f has been found
                other.Start();
                starts.Wait();
            }

            return name is "asked" ? library.GetExport("callback") : 0;
        };

        LinkException exception = Assert.Throws<LinkException>(() => library.Load(
            Compiled.C("int f(void); int asked(void); int user(void) { return f() + asked(); }"), "user.o"))!;

        Assert.That(exception.Message, Does.Contain("undefined symbol 'f'"));
        mayEnd.Set();
        other.Join();
        Assert.That(NativeCall.Call(library.Address("f")), Is.EqualTo(5UL));
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
