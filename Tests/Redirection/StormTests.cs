using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using ElfLoader.Memory;
using ElfLoader.Tests.Linking;
using ElfLoader.Tests.Runtime;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Redirection;

/// <summary>
/// Eight threads that do everything at once to one library, in a process of their own. Each object counts its initializers,
/// destructors and thread-local variables; in the end all are even, and no memory is left. Takes a few seconds;
/// <c>ELFLOADER_STRESS_SECONDS=60</c> in the environment makes it long.
/// </summary>
public sealed class StormTests
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

    private static int Seconds => int.Parse(
        Environment.GetEnvironmentVariable("ELFLOADER_STRESS_SECONDS") ?? "4", CultureInfo.InvariantCulture);

    [Test]
    public void EverythingAtOnceInARedirectableLibrary() => TestContext.Out.Write(ChildProcess.Check(StormRedirectable, (4 * Seconds) + 60));

    [Test]
    public void EverythingAtOnceInAPlainLibrary() => TestContext.Out.Write(ChildProcess.Check(StormPlain, (4 * Seconds) + 60));

    private static void StormRedirectable() => new Storm(isRedirectable: true).Run();

    private static void StormPlain() => new Storm(isRedirectable: false).Run();

    private sealed class Storm : IDisposable
    {
        private readonly bool _isRedirectable;
        private readonly ulong _counts = HostProcess.Data();
        private readonly byte[][] _objects = [.. Enumerable.Range(0, Objects).Select(i => Compiled.Cxx(Source.Replace("MINE", $"f{i}")))];
        private readonly byte[] _user = Compiled.C("int f0(void), f1(void); int user(void) { return f0() + f1(); }");
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
            _absent.Load(LinkTest.Returning("absent", 0), "absent.o");
            _library = NewLibrary();
        }

        public void Dispose()
        {
            _library.Dispose();
            _absent.Dispose();
            _code.Dispose();
        }

        internal void Run()
        {
            Round(new Random(0)); // what is there once for the process
            _library.Dispose();
            (int, ulong, int) before = LinkTest.Footprint();
            _library = NewLibrary();
            Thread[] threads = [.. Enumerable.Range(1, Threads).Select(i => new Thread(() => Work(new Random(i))))];
            Array.ForEach(threads, thread => thread.Start());
            Thread.Sleep(TimeSpan.FromSeconds(Seconds));
            _stop = true;
            Array.ForEach(threads, thread => thread.Join());
            _library.Dispose();
            Settle();
            long[] counts = [.. Enumerable.Range(0, 5).Select(i => (long)NativeBytes.LoadWord(_counts + (ulong)(8 * i)))];
            Console.WriteLine(
                $"{(_isRedirectable ? "redirectable" : "plain")}: {string.Join(", ", _did.OrderBy(pair => pair.Key).Select(pair => $"{pair.Value} {pair.Key}"))}; "
                + $"{counts[0]} initializers, {counts[2]} thread-local variables");
            Assert.Multiple(() =>
            {
                Assert.That(_faults, Is.Empty);
                Assert.That(counts[1], Is.EqualTo(counts[0]), "each initializer has its destructor");
                Assert.That(counts[3], Is.EqualTo(counts[2]), "so has each thread-local variable");
                Assert.That(counts[4], Is.Zero, "destructors found what they destroy");
                Assert.That(counts[0], Is.GreaterThan(100));
                Assert.That(LinkTest.Footprint(), Is.EqualTo(before), "no memory is left");
            });
            Dispose();
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

                _ = library.TryGetExport($"f{number}_touch", out nint touch);

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
            library.DefineData("counts", (nint)_counts);
            return library;
        }

        private byte[] Next(int number) => _objects[number].With(Number, Interlocked.Increment(ref _generation));

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
}
