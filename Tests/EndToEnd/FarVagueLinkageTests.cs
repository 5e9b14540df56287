using System.Globalization;

namespace ElfLoader.Tests.EndToEnd;

/// <summary>
/// Variables of vague linkage are one with those of a library that was opened late and far from the C library, though compilers'
/// default output (PIE) reaches them relative to the instruction: the code is placed near the library.
/// </summary>
/// <remarks>How the distance is made, <see cref="FarLibraryTests"/> says.</remarks>
[Category("EndToEnd")]
[Platform("Linux")]
[Parallelizable(ParallelScope.All)]
public sealed class FarVagueLinkageTests
{
    private const string Header = """
        #pragma once
        extern "C" int printf(const char *, ...);
        namespace NAME {
        inline int made = 0;
        inline bool tells = false; // other processes, which the library is opened in on the way, say nothing
        struct Value
        {
            int number;
            explicit Value(int n) : number(n) { made++; }
            ~Value() { if (tells) printf("gone %d\n", number); }
        };
        inline int plain = 5;
        inline Value constructed(1);
        inline Value &local() { static Value value(2); return value; }
        template <class T> struct Holder { static int member; };
        template <class T> int Holder<T>::member = 3;
        }
        extern "C" void *NAME_plain(), *NAME_constructed(), *NAME_local(), *NAME_member();
        """;

    private const string Library = """
        #include "NAME.h"
        void *NAME_plain() { return &NAME::plain; }
        void *NAME_constructed() { return &NAME::constructed; }
        void *NAME_local() { return &NAME::local(); }
        void *NAME_member() { return &NAME::Holder<int>::member; }
        """;

    private const string Program = """
        #include "far.h"
        int main()
        {
            far::tells = true;
            far::plain += 2;
            far::local().number++;
            printf("%d%d%d%d\n", &far::plain == far_plain(), &far::constructed == far_constructed(), &far::local() == far_local(),
                &far::Holder<int>::member == far_member());
            printf("%d %d %d, %d made\n", *(int *)far_plain(), ((far::Value *)far_local())->number, far::Holder<int>::member, far::made);
            return 0;
        }
        """;

    private const string BothProgram = """
        #include "far.h"
        #include "other.h"
        int main()
        {
            printf("%d%d\n", &far::plain == far_plain(), &other::plain == other_plain());
            return 0;
        }
        """;

    private TemporaryFolder _folder = null!;

    [OneTimeSetUp]
    public void Compile()
    {
        _folder = new TemporaryFolder();
        File.WriteAllText(_folder.File("preloaded.c"), FarLibraryTests.Preloaded);
        Command.Check("gcc-12", ["-O1", "-shared", "-fPIC", _folder.File("preloaded.c"), "-o", _folder.File("preloaded.so")]);
        foreach (string name in (string[])["far", "other"])
        {
            File.WriteAllText(_folder.File($"{name}.h"), Header.Replace("NAME", name, StringComparison.Ordinal));
            File.WriteAllText(_folder.File($"{name}.cpp"), Library.Replace("NAME", name, StringComparison.Ordinal));
            Command.Check(
                "g++-12", ["-std=c++17", "-O1", "-shared", "-fPIC", _folder.File($"{name}.cpp"), "-o", _folder.File($"lib{name}.so")]);
        }
    }

    [OneTimeTearDown]
    public void Delete() => _folder.Dispose();

    [Test]
    public void AreThoseOfTheLibraryWhereverItLies(
        [Values("g++-12", "clang++-19 -fPIE")] string compiler, [Values(0, 3, 40)] int distance)
    {
        string file = CompileObject(Program, compiler);
        string native = $"{file}.native";
        Command.Check("g++-12", [file, _folder.File("libfar.so"), $"-Wl,-rpath,{_folder.Path}", "-o", native]);
        CommandResult expected = Command.Run(native, []);
        Assert.That(expected.Output, Does.Contain("1111\n7 3 3, 2 made\n").And.Contain("gone 3\n"));

        CommandResult result = Run(file, ["libfar.so"], "{0}={1}/libfar.so", distance);

        Assert.That((result.Status, result.Error), Is.EqualTo((0, "")));
        Assert.That(Lines(result), Is.EqualTo(Lines(expected)));
    }

    [Test]
    public void OutOfReachAreRefusedWithTheFlagThatHelps()
    {
        CommandResult result = Run(
            CompileObject(BothProgram, "g++-12"), ["libfar.so", "libother.so"], "{0}={1}/libfar.so 40={1}/libother.so", 30);

        Assert.That((result.Status, result.Output), Is.EqualTo((125, "")), result.Error);
        Assert.That(result.Error, Does.Contain("libfar.so").And.Contain("libother.so").And.Contain("-fPIC"));
    }

    [Test]
    public void TheFlagHelps()
    {
        CommandResult result = Run(
            CompileObject(BothProgram, "g++-12 -fPIC"), ["libfar.so", "libother.so"], "{0}={1}/libfar.so 40={1}/libother.so", 30);

        Assert.That((result.Status, result.Error), Is.EqualTo((0, "")));
        Assert.That(result.Output, Does.Contain("11\n"));
    }

    // The order in which destructors of two modules run is the dynamic linker's business.
    private static IEnumerable<string> Lines(CommandResult result) => result.Output.Split('\n').Order(StringComparer.Ordinal);

    private CommandResult Run(string file, string[] libraries, string distances, int distance) => Command.Run("env",
    [
        $"LD_PRELOAD={_folder.File("preloaded.so")}",
        "DISTANCES=" + string.Format(CultureInfo.InvariantCulture, distances, distance, _folder.Path),
        .. (Environment.GetEnvironmentVariable("ELFLOAD") ?? $"dotnet {ElfloadCommand.Tool}").Split(' '),
        "run", file, .. libraries.SelectMany(library => (string[])["--library", _folder.File(library)]),
    ]);

    private string CompileObject(string source, string compiler)
    {
        string name = _folder.File($"{Guid.NewGuid():n}");
        File.WriteAllText($"{name}.cpp", source);
        string[] words = compiler.Split(' ');
        Command.Check(words[0], [.. words[1..], "-std=c++17", "-O1", "-I", _folder.Path, "-c", $"{name}.cpp", "-o", $"{name}.o"]);
        return $"{name}.o";
    }
}
