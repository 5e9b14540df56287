using ElfLoader.Tests.Linking;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Redirection;

/// <summary>
/// A library is disposed while another thread runs destructors, of whatever library, for which that thread is in an epoch: what it
/// keeps is freed when it leaves.
/// </summary>
public sealed class DisposalInEpochTests
{
    private static readonly ManualResetEventSlim s_isInside = new();
    private static readonly ManualResetEventSlim s_goOn = new();
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static ObjectLibraryOptions Redirectable { get; } = new() { Redirectable = true };

    private delegate void Callback();

    [TestCase("a unit is unloaded")]
    [TestCase("a library is disposed")]
    [TestCase("a load fails")]
    [TestCase("a unit is unloaded that calls it")]
    [TestCase("the same is disposed")]
    public void WhatAThreadInDestructorsKeepsIsFreed(string what) =>
        Assert.That(ChildProcess.Check(what switch
        {
            "a unit is unloaded" => Unload,
            "a library is disposed" => DisposeAnother,
            "a load fails" => FailToLoad,
            "a unit is unloaded that calls it" => UnloadCaller,
            _ => DisposeTheSame,
        }), Is.Empty);

    private static void Unload() => Check((library, _) =>
    {
        LoadedUnit unit = library.Load(Ending(), "ending.o");
        return unit.Unload;
    });

    private static void DisposeAnother() => Check((library, _) =>
    {
        library.Load(Ending(), "ending.o");
        return library.Dispose;
    });

    private static void DisposeTheSame() => Check((library, other) =>
    {
        other.Define("callback", Waiting);
        LoadedUnit unit = other.Load(Ending(), "ending.o");
        return unit.Unload;
    });

    private static void UnloadCaller() => Check((library, other) =>
    {
        var plain = new ObjectLibrary("plain");
        plain.Define("callback", Waiting);
        plain.AddLibrary(other);
        LoadedUnit unit = plain.Load(Ending("int f(void); int g(void) { return f(); }"), "ending.o");
        return () =>
        {
            unit.Unload();
            plain.Dispose();
        };
    });

    private static void FailToLoad() => Check((library, _) =>
    {
        library.Define("dispose", (Callback)(() =>
        {
            var thread = new Thread(library.Dispose);
            thread.Start();
            thread.Join();
        }));
        byte[] elf = Ending("void dispose(void); __attribute__((constructor)) static void start(void) { dispose(); }");
        return () => Assert.Throws<ObjectDisposedException>(() => library.Load(elf, "ending.o"));
    });

    private static Callback Waiting { get; } = () =>
    {
        s_isInside.Set();
        s_goOn.Wait();
    };

    /// <summary>Has a thread run destructors that wait, and disposes a library meanwhile.</summary>
    /// <param name="prepare">Gets a library whose code can wait and the one that will be disposed; gives what the thread does.</param>
    private static void Check(Func<ObjectLibrary, ObjectLibrary, Action> prepare)
    {
        (int, ulong, int) before = default;
        for (int round = 0; round < 2; round++) // what a process has once is made in the first
        {
            before = round is 0 ? before : LinkTest.Footprint();
            s_isInside.Reset();
            s_goOn.Reset();
            using var library = new ObjectLibrary("waits", Redirectable);
            library.Define("callback", Waiting);
            var other = new ObjectLibrary("other", Redirectable);
            other.Load(LinkTest.Returning("f", 1), "f.o");
            Action act = prepare(library, other);
            var thread = new Thread(() => act());
            thread.Start();
            Assert.That(s_isInside.Wait(Patience), "destructors run");

            other.Dispose();
            Assert.That(other.RetiredUnits.Select(retired => retired.Unit.Name), Is.EqualTo((string[])["f.o"]), "they may be in it");
            s_goOn.Set();
            Assert.That(thread.Join(Patience));

            Assert.That(other.RetiredUnits, Is.Empty);
        }

        Assert.That(LinkTest.Footprint(), Is.EqualTo(before));
    }

    private static byte[] Ending(string more = "") => Compiled.C($$"""
        {{more}}
        void callback(void); int own(void) { return 1; }
        __attribute__((destructor)) static void end(void) { callback(); }
        """);
}
