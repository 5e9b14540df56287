using ElfLoader.Tests.Linking;

namespace ElfLoader.Tests.Redirection;

/// <summary>What was superseded is freed when nobody uses it, in whatever order generations came, went and came back.</summary>
public sealed class ReclaimOrderTests
{
    /// <summary>
    /// The first that was superseded is reclaimed, the second comes back, so that nothing is superseded any more; then more is.
    /// </summary>
    [Test]
    public void WhatIsSupersededAfterAnUndoIsReclaimed()
    {
        using var library = new ObjectLibrary("generations", new ObjectLibraryOptions { Redirectable = true });
        library.Load(LinkTest.Returning("f", 1), "f1.o");
        library.Load(LinkTest.Returning("g", 1), "g1.o");
        using var first = new ThreadInEpoch();
        library.Replace(LinkTest.Returning("g", 2).Build(), "g2.o");
        using var second = new ThreadInEpoch();
        Replacement replacement = library.Replace(LinkTest.Returning("f", 2).Build(), "f2.o");
        first.Dispose();
        Assert.That((library.Reclaim(), Retired(library)), Is.EqualTo((1, "f1.o")), "g1.o went with the first thread");
        using var third = new ThreadInEpoch();
        replacement.Undo();
        Assert.That((library.Reclaim(), Retired(library)), Is.EqualTo((1, "f2.o")), "f1.o is back");

        second.Dispose();
        third.Dispose();
        Assert.That((library.Reclaim(), Retired(library)), Is.EqualTo((0, "")));
        library.Replace(LinkTest.Returning("f", 3).Build(), "f3.o");
        Assert.That((library.Reclaim(), Retired(library)), Is.EqualTo((0, "")));
        library.Unload();
        Assert.That((library.Reclaim(), Retired(library)), Is.EqualTo((0, "")));
    }

    private static string Retired(ObjectLibrary library) => string.Join(", ", library.RetiredUnits.Select(retired => retired.Unit.Name));

    /// <summary>A thread that is in an epoch that nobody waits for, until it is disposed.</summary>
    private sealed class ThreadInEpoch : IDisposable
    {
        private readonly ManualResetEventSlim _leave = new();
        private readonly Thread _thread;

        internal ThreadInEpoch()
        {
            using var inside = new ManualResetEventSlim();
            _thread = new Thread(() =>
            {
                using Epoch epoch = Epoch.EnterWithoutWaiting();
                inside.Set();
                _leave.Wait();
            });
            _thread.Start();
            inside.Wait();
        }

        public void Dispose()
        {
            _leave.Set();
            _thread.Join();
        }
    }
}
