using ElfLoader.Memory;
using ElfLoader.Tests.Linking;
using ElfLoader.Tests.Runtime;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Redirection;

/// <summary>
/// What a destructor that a thread owes to a unit calls of other units, through entries: it stays as long as the destructor is
/// owed, however both were unloaded. A mistake ends the process, so each runs in one of its own.
/// </summary>
public sealed class OwedCallTests
{
    private const string Other = "void other(long *log) { ++*log; }";
    private const string Relay = "void third(long *log); void other(long *log) { third(log); }";
    private const string Third = "void third(long *log) { ++*log; }";

    /// <summary>A thread-local object whose destructor calls another unit.</summary>
    private const string Owing = """
        extern "C" void other(long *log);
        struct Noting { long *log = nullptr; ~Noting(); };
        Noting::~Noting() { if (log) other(log); }
        thread_local Noting noting;
        extern "C" void start(long *log) { noting.log = log; }
        """;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private static ObjectLibraryOptions Redirectable { get; } = new() { Redirectable = true };

    [Test]
    public void LibraryIsUnloaded() => ChildProcess.Check(UnloadLibrary);

    [Test]
    public void LibraryIsDisposed() => ChildProcess.Check(DisposeLibrary);

    [Test]
    public void UnitsAreUnloadedOneAfterTheOther() => ChildProcess.Check(UnloadOneByOne);

    [Test]
    public void UnitsAreUnloadedTogether() => ChildProcess.Check(UnloadWithDependents);

    [Test]
    public void WhatIsCalledCallsOnItsPart() => ChildProcess.Check(UnloadChain);

    [Test]
    public void WhatIsCalledWasReplaced() => ChildProcess.Check(ReplaceAndUnload);

    [Test]
    public void WhatIsCalledIsUndone() => ChildProcess.Check(UndoAfterUnload);

    [Test]
    public void WhatIsCalledBelongsToAnotherLibrary() => ChildProcess.Check(DisposeOther);

    [Test]
    public void UnitsThatCallEachOtherAreBothOwed() => ChildProcess.Check(UnloadMutual);

    private static void UnloadLibrary() => Run((library, _) => library.Unload(), Other);

    private static void DisposeLibrary() => Run((library, _) => library.Dispose(), Other);

    private static void UnloadOneByOne() => Run(
        (library, units) =>
        {
            units[^1].Unload();
            units[0].Unload();
        },
        Other);

    private static void UnloadWithDependents() => Run((_, units) => units[0].Unload(withDependents: true), Other);

    private static void UnloadChain() => Run((library, _) => library.Unload(), Third, Relay);

    private static void ReplaceAndUnload() => Run(
        (library, _) =>
        {
            library.Replace(Compiled.C(Other, "-O1 -fPIC"), "newer.o");
            library.Reclaim();
            library.Unload();
        },
        "void other(long *log) { log[1] = 1; }");

    private static void UndoAfterUnload()
    {
        Replacement? added = null;
        Run(
            (library, units) =>
            {
                units[^1].Unload();
                added!.Undo();
            },
            library =>
            {
                library.Load(LinkTest.Returning("unrelated", 1), "unrelated.o");
                added = library.Replace(Compiled.C(Other), "other.o");
            });
    }

    private static void DisposeOther()
    {
        ulong log = HostProcess.Data();
        var other = new ObjectLibrary("other", Redirectable);
        other.Load(Compiled.C(Other), "other.o");
        using var library = new ObjectLibrary("plain");
        library.AddLibrary(other);
        LoadedUnit unit = library.Load(Compiled.Cxx(Owing), "owing.o");
        Check(library, other, log, () =>
        {
            unit.Unload();
            other.Dispose();
        });
    }

    private static void UnloadMutual()
    {
        const string back = """
            extern "C" void start(long *log);
            struct Noting2 { long *log = nullptr; ~Noting2(); };
            Noting2::~Noting2() { if (log) ++*log; }
            thread_local Noting2 noting2;
            extern "C" void (*const keep)(long *) = start;
            extern "C" void other(long *log) { noting2.log = log; }
            """;
        Run(
            (library, _) =>
            {
                library.Replace(Compiled.Cxx(back), "newer.o");
                library.Reclaim();
                library.Unload();
            },
            "void other(long *log) { log[1] = 1; }");
    }

    private static void Run(Action<ObjectLibrary, IReadOnlyList<LoadedUnit>> unload, params string[] others) => Run(unload, library =>
    {
        foreach (string other in others)
        {
            library.Load(Compiled.C(other), "other.o");
        }
    });

    private static void Run(
        Action<ObjectLibrary, IReadOnlyList<LoadedUnit>> unload, Action<ObjectLibrary> prepare)
    {
        ulong log = HostProcess.Data();
        using var library = new ObjectLibrary("owed", Redirectable);
        prepare(library);
        library.Load(Compiled.Cxx(Owing), "owing.o");
        IReadOnlyList<LoadedUnit> units = library.Units;
        Check(library, library, log, () => unload(library, units));
    }

    /// <summary>Has a thread owe a destructor, unloads, loads something else in the same place, and ends the thread.</summary>
    private static void Check(ObjectLibrary library, ObjectLibrary other, ulong log, Action unload)
    {
        using var thread = new OwingThread(library.Address("start"), log);
        unload();
        int kept = other.Reclaim();
        Assert.That(kept, Is.Positive);
        Assert.That(
            other.RetiredUnits.SelectMany(unit => unit.Reasons), Has.All.Contains("a thread owes it the destructor").IgnoreCase);
        using (var more = new ObjectLibrary("more", Redirectable))
        {
            for (int i = 0; i < 5; i++)
            {
                more.Load(LinkTest.Returning($"more{i}", (byte)i), "more.o"); // takes the memory, if that is free
            }

            thread.End();
            Assert.That(() => NativeBytes.LoadWord(log), Is.EqualTo(1UL).After((int)Patience.TotalMilliseconds, 1));
            Assert.That(() => library.Reclaim() + other.Reclaim(), Is.Zero.After((int)Patience.TotalMilliseconds, 1));
        }

        Assert.That(library.RetiredUnits.Concat(other.RetiredUnits), Is.Empty);
    }
}
