using ElfLoader.Elf;
using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Redirection;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Linking;

/// <summary>Names with versions (<c>.symver</c>): what other linkers make of them, in this process and in images.</summary>
public sealed class SymbolVersionTests
{
    private const string Undefined = "undefined";
    private const string Duplicate = "duplicate";

    // Definitions of foo, each of which returns a number, and functions that call one of them.
    private static readonly Dictionary<string, string> Sources = new()
    {
        ["old"] = Function("one", 1, ".symver one,foo@V1"),
        ["new"] = Function("two", 2, ".symver two,foo@@V2"),
        ["renamed"] = Function("three", 3, ".symver three,foo@@@V3"),
        ["both"] = Function("foo", 4, ".symver foo,foo@@V4"),
        ["plain"] = Function("foo", 5, ""),
        ["weak"] = Function("six", 6, ".symver six,foo@@V2").Replace(".globl six", ".weak six", StringComparison.Ordinal),
        ["ask"] = Probe("foo", ""),
        ["ask1"] = Probe("wanted", ".symver wanted,foo@V1"),
        ["ask2"] = Probe("wanted", ".symver wanted,foo@V2"),
        ["ask3"] = Probe("wanted", ".symver wanted,foo@V3"),
        ["old2"] = Function("eight", 8, ".symver eight,foo@V1"),
        ["new2"] = Function("nine", 9, ".symver nine,foo@@V2"),
    };

    private static readonly (string Objects, string Expected)[] Rows =
    [
        ("ask new", "2"),
        ("ask old new", "2"),
        ("ask new old", "2"),
        ("ask1 new old", "1"),
        ("ask1 old new", "1"),
        ("ask2 new old", "2"),
        ("new ask2", "2"),
        ("ask renamed", "3"),
        ("ask3 renamed", "3"),
        ("ask both", "4"),
        ("ask weak", "6"),
        ("ask2 weak", "6"),
        ("ask weak plain", "5"),
        ("ask plain weak", "5"),
        ("ask weak new", "2"),
        ("ask2 weak new", "2"),
        ("ask old", Undefined),
        ("ask1 new", Undefined),
        ("ask1 plain", Undefined),
        ("ask2 both", Undefined),
        ("ask new plain", Duplicate),
        ("ask plain new", Duplicate),
        ("ask new both", Duplicate),
        ("ask1 old old2", Duplicate),
        ("ask new new2", Duplicate),
    ];

    private static IEnumerable<TestCaseData> Links => Rows.Select(row => new TestCaseData(row.Objects, row.Expected));

    private static IEnumerable<TestCaseData> Loads =>
        Rows.Where(row => row.Expected is not Duplicate).Select(row => new TestCaseData(row.Objects, row.Expected));

    [Test]
    public void TheRowsAreWhatAnotherLinkerMakes()
    {
        using var folder = new TemporaryFolder();
        foreach (string name in Sources.Keys)
        {
            File.WriteAllBytes(folder.File($"{name}.o"), Object(name).Bytes.ToArray());
        }

        Assert.Multiple(() =>
        {
            foreach ((string objects, string expected) in Rows)
            {
                // GNU ld calls it a duplicate that ".symver foo,foo@@V4" defines foo beside foo@@V4; lld does not, nor does gas mean it.
                string linker = objects.EndsWith("both", StringComparison.Ordinal) ? "ld.lld-19" : "ld.bfd";
                CommandResult linked = Command.Run(
                    linker, [.. objects.Split(' ').Select(name => $"{name}.o"), "-o", "out"], folder.Path);
                string seen = linked.Error.Contains("undefined", StringComparison.Ordinal) ? Undefined
                    : linked.Status is not 0 ? Duplicate
                    : $"{Command.Run(folder.File("out"), []).Status}";
                Assert.That(seen, Is.EqualTo(expected), objects);
            }
        });
    }

    [TestCaseSource(nameof(Links))]
    public void AnImageIsLinkedSo(string objects, string expected) =>
        Assert.That(Outcome(() => ImagePrograms.Run(Objects(objects))), Is.EqualTo(expected));

    [TestCaseSource(nameof(Links))]
    public void ABatchIsLoadedSo(string objects, string expected)
    {
        using var library = new ObjectLibrary("versions");

        Assert.That(Outcome(() => Ask(library, Objects(objects))), Is.EqualTo(expected));
    }

    /// <summary>The rule for what is there before; a weak definition that somebody is bound to stays.</summary>
    [TestCaseSource(nameof(Loads))]
    public void OneAfterTheOtherIsLoadedSo(string objects, string expected)
    {
        using var library = new ObjectLibrary("versions");
        ElfObject[] definitionsFirst = [.. Objects(objects).OrderBy(elf => elf.Name.StartsWith("ask", StringComparison.Ordinal))];

        string seen = Outcome(() =>
        {
            foreach (ElfObject elf in definitionsFirst)
            {
                library.Load([elf]);
            }

            return library.GetFunction<Function>("probe")();
        });

        Assert.That(seen, Is.EqualTo(expected));
    }

    [TestCaseSource(nameof(Loads))]
    public void AnotherLibraryIsAskedSo(string objects, string expected)
    {
        using var other = new ObjectLibrary("other");
        ElfObject[] definitions = [.. Objects(objects).Where(elf => !elf.Name.StartsWith("ask", StringComparison.Ordinal))];
        other.Load(definitions);
        using var library = new ObjectLibrary("versions");
        library.AddLibrary(other);

        Assert.That(Outcome(() => Ask(library, [.. Objects(objects).Except(definitions)])), Is.EqualTo(expected));
    }

    [TestCase("ask", "new", ExpectedResult = "2")]
    [TestCase("ask1", "old", ExpectedResult = "1")]
    [TestCase("ask2", "new", ExpectedResult = "2")]
    [TestCase("ask2", "old new", ExpectedResult = "2")]
    [TestCase("ask", "old new", ExpectedResult = "2")]
    [TestCase("ask3", "plain renamed", ExpectedResult = "3")]
    [TestCase("ask", "plain renamed", ExpectedResult = "5")]
    [TestCase("ask", "old", ExpectedResult = Undefined)]
    [TestCase("ask2", "plain", ExpectedResult = Undefined)]
    public string ArchivesAreSearched(string ask, string members)
    {
        string[] seen = [Archived("rcs"), Archived("rcS")];

        Assert.That(seen[1], Is.EqualTo(seen[0]), "An index that is made of the members gives the same as ar's.");
        return seen[0];

        string Archived(string operation)
        {
            using var folder = new TemporaryFolder();
            foreach (string name in members.Split(' ').Append(ask))
            {
                File.WriteAllBytes(folder.File($"{name}.o"), Object(name).Bytes.ToArray());
            }

            _ = Command.Check("ar", [operation, "all.a", .. members.Split(' ').Select(name => $"{name}.o")], folder.Path);
            using var library = new ObjectLibrary("archives");
            return Outcome(() =>
            {
                library.Load([folder.File($"{ask}.o"), folder.File("all.a")]);
                return library.GetFunction<Function>("probe")();
            });
        }
    }

    [TestCase("foo", ExpectedResult = 2)]
    [TestCase("foo@V1", ExpectedResult = 1)]
    [TestCase("foo@V2", ExpectedResult = 2)]
    [TestCase("foo@@V2", ExpectedResult = 2)]
    [TestCase("two", ExpectedResult = 2)]
    public int ExportsAreFoundByVersion(string name)
    {
        using var library = new ObjectLibrary("versions");
        library.Load([.. Objects("old new")]);

        Assert.That(library.TryGetExport("foo@V3", out _), Is.False);
        return library.GetFunction<Function>(name)();
    }

    [Test]
    public void UnloadingTakesAllNamesAway()
    {
        using var library = new ObjectLibrary("versions");
        LoadedUnit unit = library.Load([.. Objects("old new ask2")]);

        unit.Unload();

        foreach (string name in (string[])["foo", "foo@V1", "foo@V2", "foo@@V2"])
        {
            Assert.That(library.TryGetExport(name, out _), Is.False, name);
        }

        Assert.That(Ask(library, Objects("ask2 renamed new")[..1].Append(Object("weak"))), Is.EqualTo(6));
    }

    [Test]
    public void CallersOfBothNamesFollowAReplacement()
    {
        using var library = new ObjectLibrary("versions", new ObjectLibraryOptions { Redirectable = true });
        ElfObject second = Assembler.X64(Sources["ask2"].Replace("probe", "probe2", StringComparison.Ordinal)
            .Replace("_start", "other", StringComparison.Ordinal));
        library.Load([.. Objects("ask new"), second]);
        Function both = () => (library.GetFunction<Function>("probe")() * 10) + library.GetFunction<Function>("probe2")();
        Assert.That(both(), Is.EqualTo(22));

        library.Replace([Assembler.X64(Function("two", 7, ".symver two,foo@@V2"))]);

        Assert.That(both(), Is.EqualTo(77));
    }

    [Test]
    public void TheHostIsAskedForTheVersion()
    {
        // glibc's first memcpy on x86-64 is its memmove, because programs relied on it; the default one need not be.
        const string source = """
            #include <stdio.h>
            #include <string.h>
            extern void *first(void *, const void *, size_t);
            extern void *latest(void *, const void *, size_t);
            __asm__(".symver first,memcpy@GLIBC_2.2.5");
            __asm__(".symver latest,memcpy@GLIBC_2.14");
            void *(*volatile a)(void *, const void *, size_t) = first;
            void *(*volatile b)(void *, const void *, size_t) = latest;
            void *(*volatile c)(void *, const void *, size_t) = memcpy;
            void *(*volatile d)(void *, const void *, size_t) = memmove;
            int main(void)
            {
                char text[16] = "0123456789";
                first(text + 1, text, 8);
                printf("%d %d %d %s\n", a == b, b == c, a == d, text);
                return 0;
            }
            """;
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("use.o"), Compiled.Gcc(source, "-O1 -fno-builtin -fPIC"));
        _ = Command.Check("gcc-12", ["use.o", "-o", "native"], folder.Path);

        CommandResult loaded = ElfloadCommand.Run([folder.File("use.o")]);

        Assert.That((loaded.Status, loaded.Output, loaded.Error), Is.EqualTo((0, Command.Check(folder.File("native"), []), "")));
    }

    [Test]
    public void AVersionThatTheHostLacksIsUndefinedByItsName()
    {
        using var library = new ObjectLibrary("versions");

        LinkException failure = Assert.Throws<LinkException>(
            () => library.Load([Assembler.X64(Probe("wanted", ".symver wanted,memcpy@NOT_OF_GLIBC_1"))]))!;

        Assert.That(failure.Errors.Single().Message, Does.StartWith("undefined symbol 'memcpy@NOT_OF_GLIBC_1'"));
    }

    [Test]
    public void WhatAUnitMustNotTakeFromTheHostItDoesNotWithAVersionEither()
    {
        using var library = new ObjectLibrary("versions");
        library.Load([Assembler.X64("""
            .symver versioned,__tls_get_addr@GLIBC_2.3
            .data
            .globl plain, other
            plain: .quad __tls_get_addr
            other: .quad versioned
            """)]);

        Assert.That(library.Word("other"), Is.EqualTo(library.Word("plain")));
    }

    [Test]
    public void AnImageListsThemAsOtherLinkersDo()
    {
        LinkedImage image = new ImageLinker(new ImageOptions()).Link([.. Objects("ask2 old new")]);

        IEnumerable<string> names = ImageExecutable.Of(image).Symbols.Select(symbol => symbol.Name);

        Assert.That(names.Where(name => name.StartsWith("foo", StringComparison.Ordinal)), Is.EquivalentTo(["foo", "foo@V1"]));
    }

    private static string Function(string name, int number, string version) => $"""
        {version}
        .text
        .globl {name}
        .type {name},@function
        {name}: mov ${number},%eax
         ret
        """;

    private static string Probe(string callee, string version) => $"""
        {version}
        .text
        .globl probe, _start
        .type probe,@function
        probe: sub $8,%rsp
         call {callee}@PLT
         add $8,%rsp
         ret
        _start: call probe
         mov %eax,%edi
         mov $60,%eax
         syscall
        """;

    private static ElfObject Object(string name) => Assembler.X64(Sources[name], $"{name}.o");

    private static List<ElfObject> Objects(string names) => [.. names.Split(' ').Select(Object)];

    private static int Ask(ObjectLibrary library, IEnumerable<ElfObject> objects)
    {
        library.Load([.. objects]);
        return library.GetFunction<Function>("probe")();
    }

    private static string Outcome(Func<int> link)
    {
        try
        {
            return $"{link()}";
        }
        catch (LinkException failure)
        {
            return failure.Errors.Select(error => error.Code).Distinct().Single() switch
            {
                LinkErrorCode.Undefined => Undefined,
                LinkErrorCode.Duplicate => Duplicate,
                _ => failure.Message,
            };
        }
    }
}
