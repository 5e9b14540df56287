using System.Diagnostics;
using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Tools;

namespace ElfLoader.Tests.Linking;

/// <summary>What an error about a missing name of C++ says that may have been meant, and what a library says that is asked for a name.</summary>
[Parallelizable(ParallelScope.Children)]
public sealed class NearNameTests
{
    private const string Hidden = "__attribute__((visibility(\"hidden\")))";
    private const string Static = "static __attribute__((used, noinline))";

    /// <summary>What is missing, what there is, and what is said behind the missing name.</summary>
    [TestCase("int render(int); int use() { return render(1); }", "int Render(int a) { return a; }", "'render(int)'; did you mean 'Render(int)'?")]
    [TestCase("int render(int); int use() { return render(1); }", "int rendr(int a) { return a; }", "'render(int)'; did you mean 'rendr(int)'?")]
    [TestCase("int render(int); int use() { return render(1); }", "int redner(int a) { return a; }", "'render(int)'; did you mean 'redner(int)'?")]
    [TestCase("int render(int); int use() { return render(1); }", "int render(long a) { return a; }", "'render(int)'; did you mean 'render(long)'?")]
    [TestCase("int render(int); int use() { return render(1); }", "int Render(long a) { return a; }", "'render(int)'; did you mean 'Render(long)'?")]
    [TestCase("int render(int); int use() { return render(1); }", $"{Static} int render(int a) {{ return a; }}", "'render(int)'; there.o has one that is static there (a local symbol)")]
    [TestCase("int render(int); int use() { return render(1); }", $"{Static} int rendr(int a) {{ return a; }}", "'render(int)'; did you mean 'rendr(int)', which is static in there.o (a local symbol)?")]
    [TestCase("int render(int); int use() { return render(1); }", "namespace { __attribute__((used, noinline)) int render(int a) { return a; } }", "'render(int)'; there.o has one that is static there (a local symbol)")]
    [TestCase("int render(int); int use() { return render(1); }", "namespace gfx { int render(int a) { return a; } }", "'render(int)'; did you mean 'gfx::render(int)'?")]
    [TestCase("namespace gfx { int render(int); } int use() { return gfx::render(1); }", "namespace gxf { int render(int a) { return a; } }", "'gfx::render(int)'; did you mean 'gxf::render(int)'?")]
    [TestCase("namespace gfx { int render(int); } int use() { return gfx::render(1); }", "namespace gxf { int rendr(int a) { return a; } }", "'gfx::render(int)'")]
    [TestCase("struct Cart { Cart(int); }; void use() { Cart c(1); }", "struct cart { cart(int); }; cart::cart(int) { }", "'Cart::Cart(int)'; did you mean 'cart::cart(int)'?")]
    [TestCase("struct Cart { Cart(int); }; void use() { Cart c(1); }", "struct Cart { Cart(int, int); }; Cart::Cart(int, int) { }", "'Cart::Cart(int)'; did you mean 'Cart::Cart(int, int)'?")]
    [TestCase("struct Cart { int Add(int) const; }; int use(Cart *c) { return c->Add(1); }", "struct Cart { int Add(int); }; int Cart::Add(int a) { return a; }", "'Cart::Add(int) const'; did you mean 'Cart::Add(int)'?")]
    [TestCase("template <class T> T least(T); int use() { return least(1); }", "template <class T> T least(T a) { return a; } template long least(long);", "'int least<int>(int)'; did you mean 'long least<long>(long)'?")]
    [TestCase("template <class T> struct A { A(); }; void use() { A<int> a; }", "template <class T> struct A { A() { } }; template struct A<long>;", "'A<int>::A()'")]
    [TestCase("struct V { int n; }; V operator<(V, int); int use(V v) { return (v < 1).n; }", "struct V { int n; }; V operator<(V v, long) { return v; }", "'operator<(V, int)'; did you mean 'operator<(V, long)'?")]
    [TestCase("struct V { int operator()(int); }; int use(V *v) { return (*v)(1); }", "struct V { int operator()(long); }; int V::operator()(long) { return 1; }", "'V::operator()(int)'; did you mean 'V::operator()(long)'?")]
    [TestCase("namespace shop { extern int total; } int use() { return shop::total; }", "namespace shop { int totl = 1; }", "'shop::total'; did you mean 'shop::totl'?")]
    [TestCase("int f(int); int use() { return f(1); }", "int g(int a) { return a; } int gf(int a) { return a; }", "'f(int)'")]
    [TestCase("int render(int); int use() { return render(1); }", "int draw(int a) { return a; }", "'render(int)'")]
    [TestCase("extern \"C\" int render(int); int use() { return render(1); }", "extern \"C\" int unrelated(int a) { return a; } int rendr(int a) { return a; }", "'render'")]
    public void NearNamesOfCxxAreTold(string uses, string defines, string expected)
    {
        using var programs = new ToolPrograms();
        string[] objects = [Compile(programs, "here", uses), Compile(programs, "there", defines)];
        (LinkException loaded, LinkException linked) = Failures(objects);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(loaded.Message, Does.EndWith($"undefined symbol {expected}"));
            Assert.That(linked.Message, Does.EndWith($"undefined symbol {expected}"));
        }
    }

    /// <summary>Beside the link: what the library has loaded, a linked library's, an archive's, the host's.</summary>
    [TestCase("loaded", "int rendr(int a) { return a; }", "did you mean 'rendr(int)'?")]
    [TestCase("linked", "int rendr(int a) { return a; }", "did you mean 'rendr(int)'?")]
    [TestCase("linked", $"{Hidden} int render(int a) {{ return a; }}", "library 'other' has one that is hidden there")]
    [TestCase("linked", $"{Hidden} int Render(int a) {{ return a; }}", "did you mean 'Render(int)', which is hidden in library 'other'?")]
    [TestCase("archive", "int rendr(int a) { return a; }", "did you mean 'rendr(int)'?")]
    [TestCase("archive", "int render(long a) { return a; }", "did you mean 'render(long)'?")]
    [TestCase("host", "int rende(int a) { return a; }", "did you mean 'rende(int)'?")]
    public void NearNamesOutsideOfTheLinkAreTold(string where, string defines, string expected)
    {
        using var programs = new ToolPrograms();
        string here = Compile(programs, "here", "int render(int); int use() { return render(1); }");
        string there = Compile(programs, "there", defines);
        using var other = new ObjectLibrary("other", new ObjectLibraryOptions { UseHostProcess = false });
        using var library = new ObjectLibrary("near", new ObjectLibraryOptions { UseHostProcess = false });
        switch (where)
        {
            case "loaded":
                library.Load(there);
                break;
            case "linked":
                other.Load(there);
                library.AddLibrary(other);
                break;
            case "archive":
                library.AddArchive(programs.Archive("there.a", there));
                break;
            default:
                Command.Check("clang++-14", ["-shared", there, "-o", programs.Path("libthere.so")]);
                library.AddSharedLibrary(programs.Path("libthere.so"));
                break;
        }

        LinkException loaded = Assert.Throws<LinkException>(() => library.Load(here))!;

        Assert.That(loaded.Message, Does.EndWith($"undefined symbol 'render(int)'; {expected}"));
    }

    /// <summary>The name that is asked for, and what is said; the name that helps is the symbol's.</summary>
    [TestCase("counter_vlaue", "; did you mean 'counter_value'?")]
    [TestCase("Counter_value", "; did you mean 'counter_value'?")]
    [TestCase("secret", "; the library has one that is hidden there")]
    [TestCase("own", "; there.o has one that is static there (a local symbol)")]
    [TestCase("render", "; did you mean '_Z6renderi' (render(int))? It has the linkage of C++: declare it extern \"C\" where it is defined")]
    [TestCase("rendr", "; did you mean '_Z6renderi' (render(int))? It has the linkage of C++: declare it extern \"C\" where it is defined")]
    [TestCase("render(int)", "; did you mean '_Z6renderi' (render(int))?")]
    [TestCase("_Z6renderl", "; did you mean '_Z6renderi' (render(int))?")]
    [TestCase("_Z5rendri", "; did you mean '_Z6renderi' (render(int))?")]
    [TestCase("shop::totl", "; did you mean '_ZN4shop5totalEl' (shop::total(long))?")]
    [TestCase("nowhere", "")]
    public void LibrariesTellNearNames(string name, string expected)
    {
        using var programs = new ToolPrograms();
        using var library = new ObjectLibrary("plugin");
        _ = library.Load(Compile(programs, "there", $$"""
            extern "C" int counter_value(void) { return 1; }
            extern "C" {{Hidden}} int secret(void) { return 1; }
            extern "C" { {{Static}} int own(void) { return 1; } }
            int render(int a) { return a; }
            namespace shop { int total(long a) { return a; } }
            """));

        string message = Assert.Throws<EntryPointNotFoundException>(() => library.GetFunction<Action>(name))!.Message;
        bool isThere = library.TryGetExport(name, out _);

        Assert.That(message, Is.EqualTo($"library 'plugin' does not define '{name}'{expected}"));
        Assert.That(isThere, Is.False);
    }

    /// <summary>A quarter of a million names that are near, and eight that are missing.</summary>
    [Test]
    public void ManyNamesCostLittle()
    {
        using var programs = new ToolPrograms();
        string names = string.Concat(Enumerable.Range(0, 250_000).Select(i => $".globl _ZN5space6insideILi{i}EE4nameEPKcS3_\n.set _ZN5space6insideILi{i}EE4nameEPKcS3_, 1\n"));
        string calls = string.Concat(Enumerable.Range(0, 8).Select(i => $"call _ZN5spade6insideILi{i}EE4nameEi\n"));
        string file = programs.Write("many.s", $"{names}{calls}");
        Command.Check("clang-14", ["-c", file, "-o", programs.Path("many.o")]);
        using var library = new ObjectLibrary("many", new ObjectLibraryOptions { UseHostProcess = false });
        var clock = Stopwatch.StartNew();

        Assert.That(() => library.Load(programs.Path("many.o")), Throws.TypeOf<LinkException>());

        Assert.That(clock.Elapsed, Is.LessThan(TimeSpan.FromSeconds(6)), "it takes a second");
    }

    /// <summary>Names of many identifiers, each of which is long and nearly as far from what is missing as it may be.</summary>
    [Test]
    public void LongIdentifiersCostLittle()
    {
        using var programs = new ToolPrograms();
        string stem = string.Concat(Enumerable.Range(0, 250).Select(i => (char)('a' + (i * 7 % 26))));
        string identifiers = string.Concat(Enumerable.Repeat($"256{stem}zzzyyy", 7));
        string names = string.Concat(Enumerable.Range(0, 8_000).Select(i => $".globl _Z{identifiers}{i:d5}\n.set _Z{identifiers}{i:d5}, 1\n"));
        string calls = string.Concat(Enumerable.Range(0, 8).Select(i => $"call _Z256{stem}aaaaa{i}v\n"));
        string file = programs.Write("long.s", $"{names}{calls}");
        Command.Check("clang-14", ["-c", file, "-o", programs.Path("long.o")]);
        using var library = new ObjectLibrary("long", new ObjectLibraryOptions { UseHostProcess = false });
        var clock = Stopwatch.StartNew();

        Assert.That(() => library.Load(programs.Path("long.o")), Throws.TypeOf<LinkException>());

        Assert.That(clock.Elapsed, Is.LessThan(TimeSpan.FromSeconds(6)), "it takes half a second");
    }

    /// <summary>What a load of objects says that lack something, and the link of an image.</summary>
    internal static (LinkException Loaded, LinkException Linked) Failures(string[] objects)
    {
        InputFiles inputs = new();
        inputs.AddAll(objects);
        return (
            Assert.Throws<LinkException>(
                () => new ObjectLibrary("near", new ObjectLibraryOptions { UseHostProcess = false }).Load(objects))!,
            Assert.Throws<LinkException>(() => new ImageLinker().Link(inputs))!);
    }

    private static string Compile(ToolPrograms programs, string name, string source)
    {
        Command.Check("clang++-14", ["-c", "-O1", "-fPIC", programs.Write($"{name}.cpp", source), "-o", programs.Path($"{name}.o")]);
        return programs.Path($"{name}.o");
    }
}
