using System.Diagnostics;
using ElfLoader.DynamicLinking;
using ElfLoader.Memory;
using ElfLoader.Tests.Linking;
using ElfLoader.Tests.Redirection;

namespace ElfLoader.Tests.DynamicLinking;

/// <summary>What loaded code is told of libraries that are linked to one another ends with them, however many there are.</summary>
[NonParallelizable]
public sealed class LinkedLibraryNamesTests
{
    private const int SmallStack = 1 << 20;

    private const string Asking = """
        #define _GNU_SOURCE
        #include <dlfcn.h>
        int ask(void) { Dl_info info; return dladdr((void *)ask, &info); }
        int *find(void) { return dlsym(RTLD_DEFAULT, "variable"); }
        """;

    private delegate nint PointerFunction();

    [Test]
    public void LibrariesThatAreLinkedToOneAnotherAreGivenBack()
    {
        using var asking = new ObjectLibrary("asking");
        asking.Load(Compiled.C(Asking, "-O2 -fPIC"), "asking.o");
        var one = new ObjectLibrary("one");
        var other = new ObjectLibrary("other");
        one.AddLibrary(other);
        other.AddLibrary(one);
        one.AddLibrary(one);
        LibraryNames[] names = [one.Names!, other.Names!];

        one.Dispose();
        bool endsAtOnce = names[0].HasEnded; // the other one may look at its names
        other.Dispose();

        Assert.That(endsAtOnce, Is.False);
        Assert.That(names.Select(library => library.HasEnded), Is.All.True);
    }

    /// <summary>A library that is linked to a disposed one goes on changing.</summary>
    [Test]
    public void ADisposedLibraryStaysForgotten([Values] bool addsLibrary)
    {
        using var asking = new ObjectLibrary("asking");
        var linked = new ObjectLibrary("linked");
        asking.AddLibrary(linked);
        asking.Load(Compiled.C(Asking, "-O2 -fPIC"), "asking.o");
        LibraryNames names = linked.Names!;
        linked.Dispose();

        using var other = new ObjectLibrary("other");
        if (addsLibrary)
        {
            asking.AddLibrary(other);
        }
        else
        {
            asking.AddSharedLibrary("libm.so.6");
        }

        Assert.That(linked.Names, Is.Null);
        Assert.That(names.HasEnded, Is.True);
    }

    [Test]
    public void AUnitThatIsInMemoryStillFindsWhatItsLibraryIsLinkedTo()
    {
        using var linked = new ObjectLibrary("linked");
        linked.Load(Compiled.C("int variable = 5;", "-O2 -fPIC"), "variable.o");
        using var asking = new ObjectLibrary("asking");
        asking.AddLibrary(linked);
        linked.AddLibrary(asking);
        asking.Load(Compiled.C(Asking, "-O2 -fPIC"), "asking.o");

        Assert.That(asking.GetFunction<PointerFunction>("find")(), Is.EqualTo(linked.GetExport("variable")));
    }

    [Test]
    public void AChainOfLibrariesNeedsNoStack()
    {
        const int length = 50_000;
        Exception? failure = null;
        byte[] asking = Compiled.C(Asking, "-O2 -fPIC");
        var thread = new Thread(
            () =>
            {
                try
                {
                    ObjectLibrary[] chain = [.. Enumerable.Range(0, length).Select(i => new ObjectLibrary($"library {i}"))];
                    for (int i = 1; i < length; i++)
                    {
                        chain[i - 1].AddLibrary(chain[i]);
                    }

                    chain[0].Load(asking, "asking.o");
                    LibraryNames[] names = [.. chain.Select(library => library.Names!)];
                    Assert.That(chain[0].GetFunction<Function>("ask")(), Is.EqualTo(1));
                    Array.ForEach(chain, library => library.Dispose());
                    Assert.That(names.Count(library => !library.HasEnded), Is.Zero);
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

    /// <summary>A thread that stays inside is waited for by some units that go, not by each.</summary>
    [Test]
    public void AThreadThatStaysInsideDelaysManyUnitsNoMoreThanSome()
    {
        const int units = 1_000; // 20 seconds, if each waited
        using var words = new NativeBlock(3 * sizeof(ulong));
        var readers = new Readers(words.Address, words.Address + 8);
        NativeBytes.StoreWord(words.Address + 8, 1);
        NativeBytes.StoreWord(words.Address + 16, 1);
        long start = Stopwatch.GetTimestamp();

        for (int i = 0; i < units; i++)
        {
            Assert.That(readers.HasPassed(readers.Mark()), Is.False);
        }

        Assert.That(Stopwatch.GetElapsedTime(start), Is.LessThan(TimeSpan.FromSeconds(6)));
        NativeBytes.StoreWord(words.Address + 8, 0);
        NativeBytes.StoreWord(words.Address + 16, 0);
        Assert.That(readers.HasPassed(readers.Mark()), Is.True);
    }
}
