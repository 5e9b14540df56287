using System.Runtime.InteropServices;

namespace ElfLoader.Tests.EndToEnd;

/// <summary>
/// Static arrays of a unit that constructs arrays of others, too: compilers register the destructors of both without an object. Each
/// array ends with its owner, whoever constructs it, and in whatever order.
/// </summary>
[Category("EndToEnd")]
[NonParallelizable]
public sealed class VagueLinkageOwnArrayTests
{
    private const int Constructed = 7;

    private const string Header = """
        extern "C" int counters[2]; // elements of own arrays destroyed, and of shared ones
        struct Shared { int v; Shared(int v = 7) : v(v) {} ~Shared() { *(volatile int *)&v = -1; ++counters[1]; } };
        struct Own { int k; Own(int k = 1) : k(k) {} ~Own() { ++counters[0]; } };
        #define INLINE inline __attribute__((always_inline))
        INLINE Shared &local(int (*f)() = nullptr) { static Shared s[2] = { Shared(f ? 6 + f() : 7), Shared() }; return s[0]; }
        #ifdef GLOBAL
        inline Shared global[2] = { Shared(), Shared() };
        #endif
        #ifdef OWN_GUARDS
        extern "C" int __cxa_guard_acquire(long long *guard) { return *(char *)guard ? 0 : (((char *)guard)[1] = 1); }
        extern "C" void __cxa_guard_release(long long *guard) { *(char *)guard = 1; }
        extern "C" void __cxa_guard_abort(long long *guard) { ((char *)guard)[1] = 0; }
        #endif

        """;

    private const string Before = "static Own own[2]; extern \"C\" int use() { return local().v + own[0].k; }";

    private const string After = "extern \"C\" int use() { int v = local().v; static Own own[2]; return v + own[0].k; }";

    private const string Within = "static int nested() { static Own own[2]; return own[0].k; } "
        + "extern \"C\" int use() { int v = local(nested).v; return v + nested(); }";

    private readonly TemporaryFolder _folder = new();
    private readonly nint _counters = Marshal.AllocHGlobal(2 * sizeof(int));
    private int _sources;

    [OneTimeTearDown]
    public void TearDown()
    {
        Marshal.FreeHGlobal(_counters);
        _folder.Dispose();
    }

    [TestCase("g++", Before)]
    [TestCase("clang++-19", Before)]
    [TestCase("g++", After)]
    [TestCase("clang++-19", After)]
    [TestCase("clang++-14", After)]
    [TestCase("g++ -O0", After)]
    [TestCase("g++ -DOWN_GUARDS", After)]
    [TestCase("g++", "extern \"C\" int use() { static Own own[2]; return local().v + own[0].k; }")]
    [TestCase("g++", Within)]
    [TestCase("clang++-19", Within)]
    [TestCase("g++", "extern \"C\" int use() { static Own own[2] = { Own(local().v - 6), Own() }; return local().v + own[0].k; }")]
    [TestCase("clang++-19", "extern \"C\" int use() { static Own own[2] = { Own(local().v - 6), Own() }; return local().v + own[0].k; }")]
    [TestCase("g++", "static int nested() { static Own own[1]; return own[0].k; } extern \"C\" int use() { nested(); "
        + "static Own outer[1] = { Own(local(nested).v - 6) }; return local().v + outer[0].k; }")]
    [TestCase("g++", "static int nested() { static Own own[1]; return own[0].k; } extern \"C\" int use() { "
        + "static Own outer[1] = { Own(local(nested).v - 6) }; return local().v + nested(); }")]
    [TestCase("g++", "static int fail() { throw 1; } extern \"C\" int use() { try { local(fail); } catch (int) { } "
        + "static Own own[2]; return local().v + own[0].k; }")]
    [TestCase("clang++-19", "static int fail() { throw 1; } extern \"C\" int use() { try { local(fail); } catch (int) { } "
        + "static Own own[2]; return local().v + own[0].k; }")]
    [TestCase("g++", "static int fail() { static Own own[2]; throw 1; } extern \"C\" int use() { "
        + "try { local(fail); fail(); } catch (int) { } return local().v + 1; }")]
    [TestCase("g++", "static int bad() { throw 1; } static int fail() { static Own own[2] = { Own(bad()), Own() }; return 1; } extern \"C\" int use() { "
        + "try { local(fail); } catch (int) { } static Own own[2]; return local().v + own[0].k; }")]
    public void EndWithTheirOwner(string compiler, string use)
    {
        string owner = Compile(compiler.Replace("-DOWN_GUARDS", "", StringComparison.Ordinal), "extern \"C\" void *owner() { return &local(); }");
        string user = Compile(compiler, use);
        foreach (bool isLinked in (bool[])[false, true])
        {
            foreach (bool isOwnerFirst in (bool[])[false, true])
            {
                CheckEnds(owner, user, isLinked, isOwnerFirst);
            }
        }
    }

    /// <summary>Guards that nobody acquires tell of what the unit itself constructs.</summary>
    [TestCase(After)]
    [TestCase(Within)]
    public void EndWithTheirOwnerWhereGuardsAreNotAcquired(string use)
    {
        const string compiler = "g++ -fno-threadsafe-statics";
        string owner = Compile(compiler, "extern \"C\" void *owner() { return &local(); }");
        string user = Compile(compiler, use);
        CheckEnds(owner, user, isLinked: false, isOwnerFirst: false);
        CheckEnds(owner, user, isLinked: true, isOwnerFirst: false);
    }

    private void CheckEnds(string owner, string user, bool isLinked, bool isOwnerFirst)
    {
        string row = $"{(isLinked ? "linked library" : "same library")}, owner {(isOwnerFirst ? "first" : "second")}";
        (int, ulong, int) before = Linking.LinkTest.Footprint();
        using (ObjectLibrary first = Library())
        using (ObjectLibrary second = isLinked ? Library() : first)
        {
            LoadedUnit owning = first.Load(owner);
            if (isLinked)
            {
                second.AddLibrary(first);
            }

            LoadedUnit unit = second.Load(user);
            if (isOwnerFirst)
            {
                _ = SharedVariables.AddressOf(first, "owner");
            }

            Assert.That(second.GetFunction<Use>("use")(), Is.EqualTo(Constructed + 1), row);
            unit.Unload();

            Assert.That((Own, Shared), Is.EqualTo((2, 0)), $"{row}: elements destroyed");
            Assert.That(unit.KeptAliveBy, isOwnerFirst ? Is.Empty : Is.Not.Empty, row);
            Assert.That(Marshal.ReadInt32(SharedVariables.AddressOf(first, "owner")), Is.EqualTo(Constructed), row);
            owning.Unload();
            Assert.That((Own, Shared), Is.EqualTo((2, 2)), $"{row}: elements destroyed");
            Assert.That(unit.KeptAliveBy, Is.Empty, row);
        }

        Assert.That(Linking.LinkTest.Footprint(), Is.EqualTo(before), row);
    }

    /// <summary>Arrays outside of functions: initializers set their guards without acquiring them (gcc), or acquire them (clang).</summary>
    [TestCase("g++")]
    [TestCase("clang++-19")]
    public void OutsideOfFunctionsEndWithTheirOwner(string compiler)
    {
        const string use = "extern \"C\" int use() { static Own third[2]; return global[1].v + own[0].k + other[0].k + third[0].k - 2; }";
        (int, ulong, int) before = Linking.LinkTest.Footprint();
        using (var first = new ObjectLibrary("does not initialize", new ObjectLibraryOptions { RunCode = false }))
        {
            first.DefineData("counters", _counters);
            LoadedUnit owner = first.Load(Compile(compiler + " -DGLOBAL", "extern \"C\" void *owner() { return &global; }"));
            using ObjectLibrary second = Library();
            second.AddLibrary(first);
            LoadedUnit user = second.Load(Compile(
                compiler, $"static Own own[2];\ninline Shared global[2] = {{ Shared(), Shared() }};\nstatic Own other[2];\n{use}"));

            Assert.That(second.GetFunction<Use>("use")(), Is.EqualTo(Constructed + 1));
            user.Unload();

            Assert.That((Own, Shared), Is.EqualTo((6, 0)), "elements destroyed");
            Assert.That(user.KeptAliveBy, Is.Not.Empty);
            owner.Unload();
            Assert.That((Own, Shared), Is.EqualTo((6, 2)), "elements destroyed");
            Assert.That(user.KeptAliveBy, Is.Empty);
        }

        Assert.That(Linking.LinkTest.Footprint(), Is.EqualTo(before));
    }

    [TestCase("g++")]
    [TestCase("clang++-19")]
    public void OfAThreadEndWithTheUnitWhileAnotherThreadConstructsASharedOne(string compiler)
    {
        (int, ulong, int) before = Linking.LinkTest.Footprint();
        using (ObjectLibrary library = Library())
        {
            using var isConstructing = new ManualResetEventSlim();
            using var goesOn = new ManualResetEventSlim();
            Use wait = () =>
            {
                isConstructing.Set();
                goesOn.Wait();
                return 1;
            };
            library.Define("wait", Marshal.GetFunctionPointerForDelegate(wait));
            LoadedUnit owner = library.Load(Compile(compiler, "extern \"C\" void *owner() { return &local(); }"));
            LoadedUnit user = library.Load(Compile(
                compiler,
                "extern \"C\" int wait(); extern \"C\" int use() { return local(wait).v; } "
                + "extern \"C\" int use_own() { static Own own[2]; return own[0].k; }"));
            Use use = library.GetFunction<Use>("use");
            int result = 0;
            var thread = new Thread(() => result = use());
            thread.Start();
            isConstructing.Wait();
            Assert.That(library.GetFunction<Use>("use_own")(), Is.EqualTo(1));
            goesOn.Set();
            thread.Join();
            GC.KeepAlive(wait);

            Assert.That(result, Is.EqualTo(Constructed));
            user.Unload();
            Assert.That((Own, Shared), Is.EqualTo((2, 0)), "elements destroyed");
            owner.Unload();
            Assert.That((Own, Shared), Is.EqualTo((2, 2)), "elements destroyed");
            Assert.That(user.KeptAliveBy, Is.Empty);
        }

        Assert.That(Linking.LinkTest.Footprint(), Is.EqualTo(before));
    }

    [TestCase("g++", "second")]
    [TestCase("clang++-19", "second")]
    [TestCase("g++", "first")]
    public void EndWithTheUnitWhereTheOthersAreTheHosts(string compiler, string constructs)
    {
        string name = $"host{++_sources}";
        string header = Header.Replace("local", name, StringComparison.Ordinal); // its own: libraries of the host stay
        string shared = _folder.File($"lib{name}.so");
        File.WriteAllText(_folder.File($"{name}.cpp"), $"{header}int counters[2]; extern \"C\" void *owner() {{ return &{name}(); }}");
        Command.Check("g++", ["-std=c++17", "-O1", "-fPIC", "-shared", _folder.File($"{name}.cpp"), "-o", shared]);
        nint host = NativeLibrary.Load(shared);
        using ObjectLibrary library = Library();
        library.AddSharedLibrary(shared);
        LoadedUnit user = library.Load(Compile(compiler, After.Replace("local", name, StringComparison.Ordinal), header));
        if (constructs is "first")
        {
            _ = SharedVariables.AddressOf(host, "owner");
        }

        Assert.That(library.GetFunction<Use>("use")(), Is.EqualTo(Constructed + 1));
        user.Unload();

        Assert.That((Own, Shared), Is.EqualTo((2, 0)), "elements destroyed");
        Assert.That(Marshal.ReadInt32(SharedVariables.AddressOf(host, "owner")), Is.EqualTo(Constructed));
        Assert.That(library.Reclaim(), Is.EqualTo(constructs is "first" ? 0 : 1), "its code has the destructor");
    }

    /// <summary>Objects that references keep alive are registered by their addresses, under names of their own.</summary>
    [TestCase("g++")]
    [TestCase("clang++-19")]
    public void ObjectsThatReferencesKeepAliveEndWithTheirOwner(string compiler)
    {
        const string reference = "INLINE const Shared &kept() { static const Shared &s = Shared(7); return s; }\n";
        using ObjectLibrary library = Library();
        LoadedUnit owner = library.Load(Compile(compiler, reference + "extern \"C\" const void *owner() { return &kept(); }"));
        LoadedUnit user = library.Load(Compile(compiler, reference + "extern \"C\" int use() { return kept().v; }"));

        Assert.That(library.GetFunction<Use>("use")(), Is.EqualTo(Constructed));
        user.Unload();

        Assert.That(Shared, Is.Zero, "elements destroyed");
        Assert.That(Marshal.ReadInt32(SharedVariables.AddressOf(library, "owner")), Is.EqualTo(Constructed));
        owner.Unload();
        Assert.That(Shared, Is.EqualTo(1), "elements destroyed");
        Assert.That(user.KeptAliveBy, Is.Empty);
    }

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int Use();

    private int Own => Marshal.ReadInt32(_counters);

    private int Shared => Marshal.ReadInt32(_counters, sizeof(int));

    private ObjectLibrary Library()
    {
        Marshal.WriteInt64(_counters, 0);
        var library = new ObjectLibrary("arrays");
        library.DefineData("counters", _counters);
        return library;
    }

    /// <param name="compiler">The compiler, and flags.</param>
    /// <param name="text">What follows the header.</param>
    /// <param name="header">Another header than usual.</param>
    private string Compile(string compiler, string text, string header = Header)
    {
        string source = _folder.File($"source{++_sources}.cpp");
        string output = Path.ChangeExtension(source, ".o");
        File.WriteAllText(source, header + text);
        string[] words = compiler.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        Command.Check(words[0], ["-std=c++17", "-O2", "-fPIC", .. words[1..], "-c", source, "-o", output]);
        return output;
    }
}
