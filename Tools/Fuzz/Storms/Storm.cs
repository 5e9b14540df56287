using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using ElfLoader.Loading;
using ElfLoader.Memory;
using ElfLoader.Runtime;

namespace ElfLoader.Fuzz.Storms;

/// <summary>
/// Eight threads that do everything at once to one library. Each object counts its initializers, destructors and thread-local
/// variables; in the end all are even, and no memory is left.
/// </summary>
internal sealed class Storm : IDisposable
{
    private const int Threads = 8;
    private const int Objects = 4;
    private const int Lazy = Objects - 1; // what is loaded when it is called; the others are loaded, replaced and unloaded
    private const int Number = 0x5eed0003;

    /// <summary>Two functions that give the same number, and destructors that call across.</summary>
    private const string Source = """
        extern "C" long counts[];
        extern "C" int MINE(); extern "C" int MINE_second();
        static void count(int what) { __atomic_fetch_add(&counts[what], 1, __ATOMIC_RELAXED); }
        extern "C" int MINE_check(long magic) { return magic == 0x5eed; }
        struct MINE_Static { long magic = 0x5eed; MINE_Static() { count(0); } ~MINE_Static(); };
        MINE_Static::~MINE_Static() { if (!MINE_check(magic)) count(4); magic = 0; count(1); }
        MINE_Static MINE_static;
        struct MINE_Local { long magic = 0x5eed; MINE_Local() { count(2); } ~MINE_Local(); void use() {} };
        MINE_Local::~MINE_Local() { if (!MINE_check(magic)) count(4); magic = 0; count(3); }
        static thread_local MINE_Local local;
        extern "C" int MINE() { return 0x5eed0003; }
        extern "C" int MINE_second() { return 0x5eed0003; }
        extern "C" void MINE_touch() { local.use(); }
        """;

    /// <summary>Calls others, and does so once more when a thread ends: then they are still there, whatever was unloaded.</summary>
    private const string User = """
        extern "C" long counts[];
        extern "C" int f0(), f1();
        static void count(int what) { __atomic_fetch_add(&counts[what], 1, __ATOMIC_RELAXED); }
        struct User_Local { User_Local() { count(2); } ~User_Local(); void use() {} };
        User_Local::~User_Local() { if (f0() == 0 || f1() == 0) count(5); count(3); }
        static thread_local User_Local local;
        extern "C" int user() { return f0() + f1(); }
        extern "C" void user_touch() { local.use(); }
        """;

    private readonly bool _isRedirectable;
    private readonly NativeBlock _counts = new(6 * sizeof(long));
    private readonly byte[][] _objects = [.. Enumerable.Range(0, Objects).Select(i => Compile(Source.Replace("MINE", $"f{i}", StringComparison.Ordinal)))];
    private readonly byte[] _user = Compile(User);
    private readonly ObjectLibrary _absent = new("absent");

    // Code is called under a reading lock, as its caller vouches that it stays: of the plain library, all of it; of the
    // redirectable one, the entries, which go with the library.
    private readonly ReaderWriterLockSlim _code = new();
    private readonly ConcurrentDictionary<string, int> _did = new();
    private readonly ConcurrentQueue<string> _faults = new();
    private readonly ConcurrentStack<Replacement> _replacements = new();
    private readonly ConcurrentQueue<ObjectLibrary> _kept = new();
    private volatile ObjectLibrary _library;
    private int _generation;
    private volatile bool _stop;

    internal Storm(bool isRedirectable)
    {
        _isRedirectable = isRedirectable;
        _absent.Load(Compile("extern \"C\" int absent() { return 0; }"), "absent.o");
        _library = NewLibrary();
    }

    public void Dispose()
    {
        _library.Dispose();
        _absent.Dispose();
        _code.Dispose();
        _counts.Dispose();
    }

    /// <summary>Rages for some time.</summary>
    /// <param name="time">How long.</param>
    /// <returns>What was done, and what should not have happened.</returns>
    internal (string Did, IReadOnlyList<string> Findings) Run(TimeSpan time)
    {
        Round(new Random(0)); // what is there once for the process
        _library.Dispose();
        (int, ulong, int) before = Footprint();
        _library = NewLibrary();
        Thread[] threads = [.. Enumerable.Range(1, Threads).Select(i => new Thread(() => Work(new Random(i))))];
        Array.ForEach(threads, thread => thread.Start());
        var watch = Stopwatch.StartNew();
        while (watch.Elapsed < time && _faults.IsEmpty)
        {
            Thread.Sleep(100);
        }

        _stop = true;
        Array.ForEach(threads, thread => thread.Join());
        _library.Dispose();
        Settle();
        Judge(before);
        return (Summary(), [.. _faults]);
    }

    private long Count(int what) => (long)NativeBytes.LoadWord(_counts.Address + (ulong)(sizeof(long) * what));

    private string Summary() => string.Create(
        CultureInfo.InvariantCulture,
        $"{string.Join(", ", _did.OrderBy(pair => pair.Key).Select(pair => $"{pair.Value} {pair.Key}"))}; {Count(0)} initializers, {Count(2)} thread-local variables");

    private void Judge((int, ulong, int) before)
    {
        const int least = 100;
        Expect(Count(1) == Count(0), $"{Count(0)} initializers have run, and {Count(1)} destructors");
        Expect(Count(3) == Count(2), $"{Count(2)} thread-local variables have been made, and {Count(3)} destroyed");
        Expect(Count(4) is 0, $"{Count(4)} destructors did not find what they destroy");
        Expect(Count(5) is 0, $"{Count(5)} destructors did not find what they call");
        Expect(Count(0) > least, $"only {Count(0)} initializers have run");
        Expect(Footprint() == before, $"memory was {before} and is {Footprint()}");
    }

    private void Expect(bool holds, string finding)
    {
        if (!holds)
        {
            _faults.Enqueue(finding);
        }
    }

    /// <summary>Memory that is allocated, and room for static thread-local storage.</summary>
    private static (int Allocations, ulong Allocated, int StaticTls) Footprint()
    {
        MemoryStatistics statistics = NativeProcess.Current.Pools(MemoryMapping.Auto).Statistics;
        return (statistics.Allocations, statistics.Allocated, HostRuntime.Instance.Tls.Arena.Free);
    }

    private static byte[] Compile(string source)
    {
        string folder = Directory.CreateTempSubdirectory("elfloader-storm-").FullName;
        try
        {
            File.WriteAllText(Path.Combine(folder, "source.cpp"), source);
            _ = Programs.Check("clang++-19", ["-std=c++17", "-O2", "-fPIC", "-fno-exceptions", "-c", "source.cpp", "-o", "source.o"], folder);
            return File.ReadAllBytes(Path.Combine(folder, "source.o"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private void Work(Random random)
    {
        while (!_stop && _faults.IsEmpty)
        {
            Round(random);
        }
    }

    private void Round(Random random)
    {
        ObjectLibrary library = _library;
        int number = random.Next(Objects);
        string what = random.Next(100) switch
        {
            < 20 => "load",
            < 35 => "unload",
            < 45 => _isRedirectable ? "replace" : "reclaim",
            < 50 => _isRedirectable ? "undo" : "unload",
            < 55 => "reclaim",
            < 60 => "define lazily",
            < 65 => "use",
            < 72 => "end thread",
            < 73 => "dispose",
            < 80 => "look up",
            _ => "call",
        };
        try
        {
            if (Do(library, what, number, random))
            {
                _did.AddOrUpdate(what, 1, (_, times) => times + 1);
            }
        }
        catch (Exception exception) when (IsExpected(exception, what))
        {
            _did.AddOrUpdate($"refused ({what})", 1, (_, times) => times + 1);
        }
        catch (Exception exception)
        {
            _faults.Enqueue($"{what}: {exception}");
        }
    }

    private bool Do(ObjectLibrary library, string what, int number, Random random)
    {
        switch (what)
        {
            case "load":
                library.Load(Next(number % Lazy), "f.o");
                return true;
            case "use":
                library.Load(_user, "user.o");
                return true;
            case "unload":
                return Unload(library, random);
            case "replace":
                _replacements.Push(library.Replace(Next(number % Lazy), "f.o", new ReplaceOptions { State = StatePolicy.Reset }));
                return true;
            case "undo":
                return _replacements.TryPop(out Replacement? last) && last.Undo() is not null;
            case "reclaim":
                _ = library.Reclaim();
                return true;
            case "define lazily":
                _ = library.DefineLazy([$"f{Lazy}", $"f{Lazy}_second"], () => Next(Lazy));
                return true;
            case "look up":
                return library.TryGetExport($"f{number}", out _);
            case "dispose":
                DisposeLibrary(library);
                return true;
            case "end thread":
                var thread = new Thread(() => Call(number, touches: true));
                thread.Start();
                thread.Join();
                return true;
            default:
                return Call(number, touches: false);
        }
    }

    /// <summary>Whether an exception says that another thread was faster, or that what was asked for is in use.</summary>
    private static bool IsExpected(Exception exception, string what) => exception switch
    {
        ObjectDisposedException => true,
        InvalidOperationException => what is "unload" or "undo" or "dispose",
        LinkException { Errors: { } errors } => errors.All(error => error.Code is LinkErrorCode.Duplicate
            || (error.Code is LinkErrorCode.Undefined && what is "use")),
        _ => false,
    };

    private bool Unload(ObjectLibrary library, Random random)
    {
        if (library.Units is not { Count: > 0 } units)
        {
            return false;
        }

        LoadedUnit unit = units[random.Next(units.Count)];
        if (_isRedirectable)
        {
            unit.Unload(withDependents: random.Next(4) is 0);
            return true;
        }

        _code.EnterWriteLock();
        try
        {
            unit.Unload();
            return true;
        }
        finally
        {
            _code.ExitWriteLock();
        }
    }

    private void DisposeLibrary(ObjectLibrary library)
    {
        _code.EnterWriteLock();
        try
        {
            library.Dispose();
            if (_library == library)
            {
                _library = NewLibrary();
            }
        }
        finally
        {
            _code.ExitWriteLock();
        }

        _kept.Enqueue(library); // threads are in an epoch, owe destructors, or are about to free what they have unloaded
    }

    /// <summary>Calls two functions in one epoch: both are of one generation.</summary>
    private bool Call(int number, bool touches)
    {
        _code.EnterReadLock();
        try
        {
            ObjectLibrary library = _library;
            if (!library.TryGetExport($"f{number}", out nint first)
                || !library.TryGetExport($"f{number}_second", out nint second))
            {
                return false;
            }

            _ = library.TryGetExport((_generation & 3) is 0 ? "user_touch" : $"f{number}_touch", out nint touch);

            using (Epoch.Enter())
            {
                int one = (int)NativeCall.Call((ulong)first);
                if (touches && touch is not 0)
                {
                    _ = NativeCall.Call((ulong)touch);
                }

                int two = (int)NativeCall.Call((ulong)second);
                if (one != two)
                {
                    _faults.Enqueue($"f{number} is {one} and {two} in one epoch");
                }
            }

            return true;
        }
        catch (ObjectDisposedException)
        {
            return false;
        }
        finally
        {
            _code.ExitReadLock();
        }
    }

    private ObjectLibrary NewLibrary()
    {
        var library = new ObjectLibrary("storm", new ObjectLibraryOptions
        {
            Redirectable = _isRedirectable,
            MissingFunction = _absent.GetExport("absent"),
        });
        library.DefineData("counts", (nint)_counts.Address);
        return library;
    }

    /// <summary>An object whose functions give another number.</summary>
    private byte[] Next(int number)
    {
        byte[] copy = [.. _objects[number]];
        byte[] pattern = BitConverter.GetBytes(Number);
        byte[] instead = BitConverter.GetBytes(Interlocked.Increment(ref _generation));
        for (int at; (at = copy.AsSpan().IndexOf(pattern)) >= 0;)
        {
            instead.CopyTo(copy, at);
        }

        return copy;
    }

    /// <summary>Waits until threads that have ended for .NET have ended, and frees what they kept.</summary>
    private void Settle()
    {
        _kept.Enqueue(_library);
        var time = Stopwatch.StartNew();
        while (_kept.Sum(library => library.Reclaim()) > 0 && time.Elapsed < TimeSpan.FromSeconds(10))
        {
            Thread.Sleep(10);
        }
    }
}
