using System.Diagnostics;
using System.Globalization;
using ElfLoader.Memory;
using ElfLoader.Tests.Linking;

namespace ElfLoader.Tests.Redirection;

/// <summary>
/// Eight threads in two functions of one C++ object that another thread changes as fast as it can. Takes a few seconds;
/// <c>ELFLOADER_STRESS_SECONDS=60</c> in the environment makes it long.
/// </summary>
[NonParallelizable]
public sealed class StressTests
{
    private const int Threads = 8;
    private const int Number = 0x5eed0001;

    private const string Source = """
        struct Error { int generation; };
        thread_local int calls;
        template <int N> __attribute__((noinline)) int marker() { return 0x5eed0001; }
        template <int N> __attribute__((noinline)) void fail() { throw Error{0x5eed0001}; }
        inline __attribute__((noinline)) int verified(int x) {
            if ((++calls & 255) == 0) { try { fail<1>(); } catch (Error &e) { if (e.generation != x) return -2; } }
            return x;
        }
        extern "C" int second(int deep);
        extern "C" int first(int deep) {
            if (marker<1>() != 0x5eed0001) return -1;
            if (deep && second(0) != 0x5eed0001) return -3;
            return verified(0x5eed0001);
        }
        extern "C" int second(int deep) {
            if (marker<2>() != 0x5eed0001) return -4;
            if (deep && first(0) != 0x5eed0001) return -5;
            return verified(0x5eed0001);
        }
        """;

    private const string Pointers = """
        int first(int), second(int);
        int (*const table[2])(int) = {first, second};
        int by_pointer(int i) { return table[i](1); }
        """;

    private readonly List<string> _faults = [];
    private ObjectLibrary _library = null!;
    private long _epochs;
    private volatile bool _stop;

    private static int Seconds => int.Parse(
        Environment.GetEnvironmentVariable("ELFLOADER_STRESS_SECONDS") ?? "3", CultureInfo.InvariantCulture);

    [SetUp]
    public void Reset()
    {
        _faults.Clear();
        _epochs = 0;
        _stop = false;
    }

    [TearDown]
    public void Dispose() => _library.Dispose();

    [Test]
    public void EveryEpochSeesOneGenerationWhileTheObjectIsReplaced()
    {
        _library = new ObjectLibrary("stress", new ObjectLibraryOptions { Redirectable = true });
        byte[] elf = Compiled.Cxx(Source);
        Generations generations = new(elf);
        _library.Load(generations.Next(), "stress.o");
        _library.Load(Compiled.C(Pointers), "pointers.o");

        long changes = 0;
        int least = Seconds >= 60 ? 100_000 : 0;
        Run("replace", least, () =>
        {
            _library.Replace(generations.Next(), "stress.o");
            _library.Reclaim();
            return ++changes;
        });
    }

    [Test]
    public void EveryEpochSeesOneGenerationWhileTheObjectIsUnloadedAndLoaded()
    {
        using var fallback = new ObjectLibrary("absent");
        fallback.Load(LinkTest.Returning("absent", 0), "absent.o");
        _library = new ObjectLibrary(
            "stress",
            new ObjectLibraryOptions { Redirectable = true, MissingFunction = fallback.GetExport("absent") });
        byte[] elf = Compiled.Cxx(Source);
        Generations generations = new(elf);
        LoadedUnit unit = _library.Load(generations.Next(), "stress.o");
        long changes = 0;

        Run("unload and load", 0, () =>
        {
            unit.Unload();
            unit = _library.Load(generations.Next(), "stress.o");
            _library.Reclaim();
            return ++changes;
        }, hasPointers: false);
    }

    [Test]
    public void EveryFirstCallOfALazyFunctionLoadsItOnce()
    {
        _library = new ObjectLibrary("stress");
        byte[] elf = Compiled.Cxx(Source);
        Generations generations = new(elf);
        int compiled = 0;
        _library.DefineLazy(["first", "second"], () =>
        {
            Interlocked.Increment(ref compiled);
            return generations.Next();
        });
        _library.Load(Compiled.C(Pointers), "pointers.o");
        int unloaded = 0;

        Run("lazy first calls", 0, () =>
        {
            if (_library.Units.FirstOrDefault(unit => unit.Name.Contains("lazy", StringComparison.Ordinal)) is { } unit)
            {
                unit.Unload();
                unloaded++;
            }

            _library.Reclaim();
            return unloaded;
        });
        Assert.That(compiled, Is.InRange(unloaded, unloaded + 1), "each was loaded once");
    }

    private void Run(string what, int least, Func<long> change, bool hasPointers = true)
    {
        ulong first = _library.Address("first");
        ulong second = _library.Address("second");
        ulong byPointer = hasPointers ? _library.Address("by_pointer") : 0;
        Thread[] readers = [.. Enumerable.Range(0, Threads).Select(i => new Thread(() => Read(i, first, second, byPointer)))];
        var watch = new Thread(WatchMappings);
        watch.Start();
        Array.ForEach(readers, reader => reader.Start());
        long changes = 0;
        long settled = 0;
        long managed = 0;
        (int Allocations, ulong Allocated, int) early = default;
        var time = Stopwatch.StartNew();
        while (time.Elapsed < TimeSpan.FromSeconds(Seconds) || (changes < least && time.Elapsed < TimeSpan.FromSeconds(10 * Seconds)))
        {
            changes = change();
            if (settled is 0 && time.Elapsed > TimeSpan.FromSeconds(Seconds) / 6)
            {
                settled = Process.GetCurrentProcess().WorkingSet64;
                managed = GC.GetTotalMemory(forceFullCollection: true);
                early = LinkTest.Footprint();
            }
        }

        TimeSpan taken = time.Elapsed;
        long end = Process.GetCurrentProcess().WorkingSet64;
        long managedEnd = GC.GetTotalMemory(forceFullCollection: true);
        (int Allocations, ulong Allocated, int) late = LinkTest.Footprint();
        _stop = true;
        Array.ForEach(readers, reader => reader.Join());
        watch.Join();
        TestContext.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{what}: {changes:N0} changes and {_epochs:N0} epochs in {taken.TotalSeconds:F1} s "
            + $"({taken.TotalMicroseconds / changes:F0} us a change); loaded memory {early.Allocated:N0} -> {late.Allocated:N0} bytes "
            + $"in {early.Allocations} -> {late.Allocations} allocations; resident {settled >> 20} -> {end >> 20} MiB, "
            + $"of these managed {managed >> 10:N0} -> {managedEnd >> 10:N0} KiB"));
        Assert.Multiple(() =>
        {
            Assert.That(_faults, Is.Empty);
            Assert.That(changes, Is.GreaterThan(least));
            Assert.That(_epochs, Is.GreaterThan(0));
            Assert.That(late.Allocations, Is.LessThanOrEqualTo(early.Allocations + 2), "nothing piles up");
            Assert.That(managedEnd - managed, Is.LessThan(4 << 20));
            Assert.That(end - settled, Is.LessThan(64 << 20));
        });
    }

    private void Read(int number, ulong first, ulong second, ulong byPointer)
    {
        int last = 0;
        long epochs = 0;
        for (uint turn = (uint)number; !_stop; turn++)
        {
            int a;
            int b;
            int c;
            using (Epoch.Enter())
            {
                a = (int)NativeCall.Call((turn & 1) is 0 ? first : second, turn >> 1 & 1);
                b = (int)NativeCall.Call((turn & 1) is 0 ? second : first, turn >> 2 & 1);
                c = byPointer is 0 ? b : (int)NativeCall.Call(byPointer, turn & 1);
            }

            if (a != b || b != c || a < 0 || (a < last && a is not 0))
            {
                lock (_faults)
                {
                    _faults.Add($"thread {number}: {a}, {b}, {c} after {last}");
                }

                break;
            }

            last = Math.Max(last, a);
            if (++epochs % 2048 is 0)
            {
                Thread.Sleep(1); // as a thread that renders sound does; else, with few cores, hardly anything is replaced
            }
        }

        Interlocked.Add(ref _epochs, epochs);
    }

    private void WatchMappings()
    {
        while (!_stop)
        {
            foreach (ProcessMapping mapping in ProcessMaps.Read().Where(mapping => mapping.IsWritableAndExecutable))
            {
                lock (_faults)
                {
                    _faults.Add($"{mapping.Range} {mapping.Path} is writable and executable");
                }
            }

            Thread.Sleep(20);
        }
    }

    /// <summary>The object, each time with a larger number in it.</summary>
    private sealed class Generations(byte[] elf)
    {
        private int _last;

        public byte[] Next() => elf.With(Number, Interlocked.Increment(ref _last));
    }
}
