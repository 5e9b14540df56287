using System.Runtime.InteropServices;
using ElfLoader.Tests.Linking;

namespace ElfLoader.Tests.EndToEnd;

/// <summary>
/// Programs that bring the C++ library and the unwinder as archives: exceptions and backtraces are those of the program that is
/// linked with the same archives, though the unwinder is another one than the host's.
/// </summary>
[Category("EndToEnd")]
[Parallelizable(ParallelScope.All)]
public sealed class OwnUnwinderTests
{
    private const string Program = """
        #include <cstdio>
        #include <stdexcept>
        #include <string>
        #include <unwind.h>
        int depth(int n);
        void frames();
        struct Guard { const char *name; ~Guard() { std::printf("end of %s\n", name); } };
        __attribute__((noinline)) int thrower(int n)
        {
            Guard guard{"thrower"};
            if (n == 0) throw std::out_of_range("zero");
            if (n == 1) throw 42;
            return n;
        }
        __attribute__((noinline)) void again(int n)
        {
            Guard guard{"again"};
            try { depth(n); }
            catch (const std::exception &e) { std::printf("passing %s\n", e.what()); throw; }
        }
        __attribute__((noinline)) void nested()
        {
            try { again(0); }
            catch (const std::out_of_range &) {
                try { std::string("abc").at(7); } catch (const std::exception &) { std::puts("inner"); }
                std::throw_with_nested(std::runtime_error("outer"));
            }
        }
        __attribute__((noinline)) void limited() noexcept(false) { Guard guard{"limited"}; frames(); std::puts("after"); }
        static _Unwind_Reason_Code show(_Unwind_Context *context, void *count)
        {
            int main(int, char **);
            void *function = _Unwind_FindEnclosingFunction((void *)(_Unwind_GetIP(context) - 1));
            std::printf("frame %d: %s\n", (*(int *)count)++, function == (void *)frames ? "frames" : function == (void *)limited ? "limited"
                : function == (void *)main ? "main" : "?");
            return function == (void *)main ? _URC_END_OF_STACK : _URC_NO_REASON;
        }
        __attribute__((noinline)) void frames() { int count = 0; _Unwind_Backtrace(show, &count); std::puts("shown"); }
        int main(int, char **)
        {
            for (int n = 0; n < 3; n++) {
                try { again(n); std::puts("nothing"); }
                catch (const std::exception &e) { std::printf("caught %s\n", e.what()); }
                catch (int number) { std::printf("caught %d\n", number); }
            }
            try { nested(); }
            catch (const std::exception &e) {
                std::printf("caught %s\n", e.what());
                try { std::rethrow_if_nested(e); } catch (const std::exception &inner) { std::printf("nested %s\n", inner.what()); }
            }
            limited();
            std::exception_ptr kept;
            try { depth(1); } catch (...) { kept = std::current_exception(); }
            try { std::rethrow_exception(kept); } catch (int number) { std::printf("kept %d\n", number); return 3; }
        }
        """;

    private const string Other = """
        #include <cstdio>
        int thrower(int n);
        struct Local { int n; ~Local() { std::printf("local %d\n", n); } };
        int depth(int n) { Local local{n}; return thrower(n) + 1; }
        """;

    private const string Catching = """
        #include <exception>
        #include <string>
        extern "C" int catches(int (*function)(int), int argument)
        {
            try { return function(argument); }
            catch (int number) { return 1000 + number; }
            catch (const std::exception &e) { return (int)std::string(e.what()).size(); }
        }
        """;

    private const string Throwing = """
        #include <stdexcept>
        static int gone;
        struct Counted { ~Counted() { gone++; } };
        extern "C" int throws(int n)
        {
            Counted counted;
            if (n > 0) throw n;
            throw std::runtime_error("eight ch");
        }
        extern "C" int count(int) { return gone; }
        """;

    /// <summary>What libgcc's unwinder is given in place of glibc's functions: they find nothing in the process.</summary>
    private const string FindsNothing = """
        int finds_nothing(void *address, void *result) { return -1; }
        int iterates_over_nothing(void *callback, void *data) { return 0; }
        """;

    private static readonly string[] Compilers = ["g++-12 -O0", "g++-12 -O2", "clang++-19 -O1"];

    [Test]
    public void ProgramsUnwindAsTheNativelyLinkedOne([ValueSource(nameof(Compilers))] string compiler, [Values] bool isTold)
    {
        using var folder = new TemporaryFolder();
        string main = Compile(folder, "main.cpp", Program, compiler);
        string other = Compile(folder, "other.cpp", Other, compiler);
        string native = folder.File("native");
        Command.Check("g++-12", ["-static-libgcc", "-static-libstdc++", main, other, "-o", native]);

        CommandResult result = ElfloadCommand.Run([main, other, .. Archives(folder, isTold)]);

        Assert.That(result, Is.EqualTo(Command.Run(native, [])));
        Assert.That(result.Output, Does.EndWith("kept 42\n"));
    }

    /// <summary>What is loaded later is unwound too, by the unwinder that came with what was loaded first.</summary>
    [Test]
    public void UnitsComeAndGo([Values] bool isTold)
    {
        using var folder = new TemporaryFolder();
        using var library = new ObjectLibrary("own unwinder");
        foreach (string input in Archives(folder, isTold))
        {
            library.Add(input);
        }

        library.Load(Compile(folder, "catching.cpp", Catching, "g++-12 -O2 -fPIC"));
        string throwing = Compile(folder, "throwing.cpp", Throwing, "g++-12 -O2 -fPIC");
        for (int round = 0; round < 3; round++)
        {
            LoadedUnit unit = library.Load(throwing);

            Assert.That(Catches(library, 5), Is.EqualTo(1005));
            Assert.That(Catches(library, 0), Is.EqualTo("eight ch".Length));
            Assert.That(library.GetFunction<Counting>("count")(0), Is.EqualTo(2));
            unit.Unload();
        }
    }

    /// <summary>The natively linked program is ended by its unwinder; so is this one, but not without a word.</summary>
    [Test]
    public void UnwinderThatFindsNothingIsWarnedOf()
    {
        using var folder = new TemporaryFolder();
        string program = Compile(
            folder, "program.c", "int _Unwind_RaiseException(void *e) { return 5; } int main(void) { return 3; }", "gcc-12 -O1");

        CommandResult result = ElfloadCommand.Run([program]);

        Assert.That(result.Status, Is.EqualTo(3));
        Assert.That(result.Error, Does.Contain("warning").And.Contain("program.o").And.Contain("_Unwind_RaiseException")
            .And.Contain("__register_frame"));
    }

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int Catcher(nint function, int argument);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int Counting(int argument);

    private static int Catches(ObjectLibrary library, int argument) =>
        library.GetFunction<Catcher>("catches")((nint)library.Address("throws"), argument);

    /// <summary>The C++ library, and the unwinder as it is, which asks the process for tables, or one that has to be told.</summary>
    private static string[] Archives(TemporaryFolder folder, bool isTold)
    {
        string unwinder = StaticArchive.Find("libgcc_eh.a");
        if (!isTold)
        {
            return [StaticArchive.Find("libstdc++.a"), unwinder];
        }

        string told = folder.File("libtold.a");
        Command.Check(
            "objcopy",
            ["--redefine-sym", "_dl_find_object=finds_nothing", "--redefine-sym", "dl_iterate_phdr=iterates_over_nothing", unwinder, told]);
        string nothing = Compile(folder, "nothing.c", FindsNothing, "gcc-12 -O1 -fPIC");
        Command.Check("ar", ["q", told, nothing]);
        return [StaticArchive.Find("libstdc++.a"), told];
    }

    private static string Compile(TemporaryFolder folder, string file, string source, string compiler)
    {
        File.WriteAllText(folder.File(file), source);
        string compiled = folder.File(Path.ChangeExtension(file, ".o"));
        string[] words = compiler.Split(' ');
        Command.Check(words[0], [.. words[1..], "-w", "-c", folder.File(file), "-o", compiled]);
        return compiled;
    }
}
