using System.Runtime.InteropServices;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.EndToEnd;

/// <summary>Loading and unloading many times, many objects, and from many threads.</summary>
[Category("EndToEnd")]
[NonParallelizable]
public sealed class LifetimeTests
{
    private static readonly string[] Objects =
    [
        .. ((string[])[
            "lifetime", "counter", "chosen", "data2", "switches", "templates2", "throws3", "shapes2", "gotpcrelx2", "tls2-pic",
        ]).Select(Fixtures.Object),
    ];

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int Step(int value);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int Number();

    [Test]
    public void TenThousandRoundsGiveEverythingBack()
    {
        const int Rounds = 10_000;
        const int Window = 5_000;
        const int MostWindows = 6;
        List<(int Count, long Pss)> mappings = [];
        List<long> resident = [];
        for (int round = 1; round <= MostWindows * Window; round++)
        {
            Assert.That(LoadCallUnload(), Is.True);
            if (round % 1000 is 0)
            {
                mappings.Add(OurMappings());
            }

            if (round % Window is 0)
            {
                resident.Add(Resident());
                if (round >= Rounds && Growth(resident) < Window)
                {
                    break; // The runtime's own memory takes its time to settle; a leak would show in every window.
                }
            }
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(mappings, Is.All.EqualTo(mappings[0]));
            Assert.That(Growth(resident), Is.LessThan(Window), "bytes over the last window");
        }
    }

    [Test]
    public void ThousandsOfSmallObjectsShareMappings()
    {
        const int Count = 5000;
        int before = MappingCount();
        List<ObjectLibrary> libraries = [];
        for (int i = 0; i < Count; i++)
        {
            var library = new ObjectLibrary($"small {i}");
            library.Load(Fixtures.Object("counter"));
            libraries.Add(library);
        }

        int after = MappingCount();
        int[] calls = [.. libraries.Select(library => library.GetFunction<Number>("count_up")())];
        libraries.ForEach(library => library.Dispose());

        using (Assert.EnterMultipleScope())
        {
            Assert.That(after - before, Is.LessThan(100));
            Assert.That(calls, Is.All.EqualTo(1), "each has a counter of its own");
        }
    }

    [Test]
    public void ManyThreadsLoadCallAndUnload()
    {
        int failures = 0;
        Thread[] threads = [.. Enumerable.Range(0, 8).Select(_ => new Thread(() =>
        {
            for (int i = 0; i < 200; i++)
            {
                if (!LoadCallUnload())
                {
                    Interlocked.Increment(ref failures);
                }
            }
        }))];

        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());

        Assert.That(failures, Is.Zero);
    }

    [Test]
    public void NoMappingIsEverWritableAndExecutable()
    {
        using var stop = new CancellationTokenSource();
        var seen = new List<string>();
        var watcher = new Thread(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                seen.AddRange(File.ReadLines("/proc/self/maps").Where(line => line.Contains(" rwx", StringComparison.Ordinal)));
            }
        });
        watcher.Start();
        for (int i = 0; i < 300; i++)
        {
            LoadCallUnload();
        }

        stop.Cancel();
        watcher.Join();
        Assert.That(seen, Is.Empty);
    }

    [Test]
    public void NameIsFreeAgainAfterUnload()
    {
        using var library = new ObjectLibrary("again");
        LoadedUnit first = library.Load(Fixtures.Object("counter"));
        Assert.That(library.GetFunction<Number>("count_up")(), Is.EqualTo(1));

        first.Unload();
        Assert.That(library.TryGetExport("count_up", out _), Is.False);
        library.Load(Fixtures.Object("counter"));

        Assert.That(library.GetFunction<Number>("count_up")(), Is.EqualTo(1));
    }

    private static bool LoadCallUnload()
    {
        using var library = new ObjectLibrary("round", new ObjectLibraryOptions { AllowUndefined = true });
        LoadedUnit unit = library.Load(Objects);
        Step step = library.GetFunction<Step>("lifetime_step");
        bool correct = step(0) is -1
            && step(1) is (5 * 10) + 3 + 1
            && library.GetFunction<Number>("count_up")() is 1
            && library.GetFunction<Number>("chosen_call")() is 2 * 4714;
        unit.Unload();
        return correct;
    }

    private static int MappingCount() => File.ReadLines("/proc/self/maps").Count();

    private static long Growth(List<long> resident) => resident[^1] - resident[^2];

    /// <summary>The mappings of the loader's memory files: how many, and the kilobytes of them that are in memory.</summary>
    private static (int Count, long Pss) OurMappings()
    {
        int count = 0;
        long pss = 0;
        bool ours = false;
        foreach (string line in File.ReadLines("/proc/self/smaps"))
        {
            if (char.IsAsciiHexDigitLower(line[0]))
            {
                ours = line.Contains("memfd:elfloader", StringComparison.Ordinal);
                count += ours ? 1 : 0;
            }
            else if (ours && line.StartsWith("Pss:", StringComparison.Ordinal))
            {
                pss += Kilobytes(line);
            }
        }

        return (count, pss);
    }

    private static long Resident()
    {
        GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        GC.WaitForPendingFinalizers();
        string line = File.ReadLines("/proc/self/status").Single(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return 1024 * Kilobytes(line);
    }

    private static long Kilobytes(string line) => long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]);
}
