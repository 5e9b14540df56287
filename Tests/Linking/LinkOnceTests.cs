using ElfLoader.Elf;
using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Linking;

/// <summary>Sections of which one copy is kept by name, beside COMDAT groups: as GNU ld has it.</summary>
public sealed class LinkOnceTests
{
    private const string Duplicate = "duplicate";

    // Each defines f, which returns a number, and mostly calls it under a name of its own.
    private static readonly Dictionary<string, string> Sources = new()
    {
        ["once"] = Function(".section .gnu.linkonce.t.f,\"ax\",@progbits", 1),
        ["again"] = Function(".section .gnu.linkonce.t.f,\"ax\",@progbits", 2),
        ["group"] = Function(".section .text.f,\"axG\",@progbits,f,comdat", 3),
        ["pair"] = Function(".section .text.f,\"axG\",@progbits,f,comdat", 4)
            + "\n.section .rodata.f,\"aG\",@progbits,f,comdat\n.long 1",
        ["more"] = Function(".section .gnu.linkonce.t.f,\"ax\",@progbits", 5) + "\n.globl g\n.hidden g\ng: ret",
        ["other"] = Function(".section .gnu.linkonce.t.other,\"ax\",@progbits", 6),
        ["kind"] = Function(".section .gnu.linkonce.x.f,\"ax\",@progbits", 7),
        ["plain"] = Function(".text", 8),
        ["text"] = ".section .gnu.linkonce.t.k,\"ax\",@progbits\n.weak k\nk: ret\n" + Function(".section .gnu.linkonce.t.f,\"ax\",@progbits", 9),
        ["table"] = ".section .gnu.linkonce.r.k,\"a\",@progbits\n.globl table_of_k\ntable_of_k: .quad 0\n"
            + Function(".section .gnu.linkonce.t.f,\"ax\",@progbits", 10),
        ["wanting"] = Function(".section .gnu.linkonce.t.f,\"ax\",@progbits", 11) + "\n.data\n.quad table_of_k",
    };

    private static readonly (string Objects, string Expected)[] Rows =
    [
        ("once again", "1"),
        ("again once", "2"),
        ("once group", "1"),
        ("group once", "3"),
        ("once group again", "1"),
        ("group once again", "3"),
        ("group once group", "3"),
        ("once pair", Duplicate),
        ("pair once", Duplicate),
        ("group more", Duplicate),
        ("more group", Duplicate),
        ("once more", "1"),
        ("more once", "5"),
        ("once other", Duplicate),
        ("once kind", Duplicate),
        ("group kind", "3"),
        ("kind group", "7"),
        ("once plain", Duplicate),
        ("plain group", Duplicate),
        ("text table", "9"),
        ("table text", "10"),
    ];

    private static IEnumerable<TestCaseData> Links => Rows.Select(row => new TestCaseData(row.Objects, row.Expected));

    [Test]
    public void TheRowsAreWhatGnuLdMakes()
    {
        using var folder = new TemporaryFolder();
        foreach (string name in Sources.Keys)
        {
            File.WriteAllBytes(folder.File($"{name}.o"), Object(name).Bytes.ToArray());
        }

        File.WriteAllBytes(folder.File("start.o"), Start.Bytes.ToArray());
        Assert.Multiple(() =>
        {
            foreach ((string objects, string expected) in Rows)
            {
                CommandResult linked = Command.Run(
                    "ld.bfd", ["start.o", .. objects.Split(' ').Select(name => $"{name}.o"), "-o", "out"], folder.Path);
                string seen = linked.Error.Contains("multiple definition", StringComparison.Ordinal) ? Duplicate
                    : linked.Status is not 0 ? linked.Error
                    : $"{Command.Run(folder.File("out"), []).Status}";
                Assert.That(seen, Is.EqualTo(expected), objects);
            }
        });
    }

    [TestCaseSource(nameof(Links))]
    public void ImagesAreLinkedSo(string objects, string expected) =>
        Assert.That(Outcome(() => ImagePrograms.Run([Start, .. Objects(objects)])), Is.EqualTo(expected));

    [TestCaseSource(nameof(Links))]
    public void BatchesAreLoadedSo(string objects, string expected)
    {
        using var library = new ObjectLibrary("once");

        Assert.That(Outcome(() => Load(library, [Start, .. Objects(objects)])), Is.EqualTo(expected));
    }

    [TestCase("once again", "1")]
    [TestCase("once group", "1")]
    [TestCase("group once", "3")]
    [TestCase("once group again", "1")]
    [TestCase("group kind", "3")]
    [TestCase("once other", Duplicate)]
    [TestCase("once pair", Duplicate)]
    [TestCase("once plain", Duplicate)]
    [TestCase("plain group", Duplicate)]
    public void WhatIsLoadedPrevails(string objects, string expected)
    {
        using var library = new ObjectLibrary("once");
        ElfObject[] all = [.. Objects(objects)];

        Assert.That(
            Outcome(() =>
            {
                int first = Load(library, [Start, all[0]]);
                foreach (ElfObject elf in all[1..])
                {
                    library.Load([elf]);
                }

                return first;
            }),
            Is.EqualTo(expected));
    }

    [Test]
    public void TheNextCopyIsLoadedWhenTheFirstHasGone()
    {
        using var library = new ObjectLibrary("once");
        LoadedUnit first = library.Load([Object("once")]);
        first.Unload();

        Assert.That(Load(library, [Start, Object("again")]), Is.EqualTo(2));
    }

    /// <summary>The thunks of i386, as old and new compilers make them; two objects, each with a call of its own.</summary>
    [Test]
    public void ThunksOfOldAndNewCompilersAreTheSame()
    {
        const string caller = "\n.text\n.globl {0}\n{0}: jmp f\n";
        ElfObject older = Assembler.X64(Sources["once"] + caller.Replace("{0}", "a", StringComparison.Ordinal), "older.o");
        ElfObject newer = Assembler.X64(Sources["group"] + caller.Replace("{0}", "b", StringComparison.Ordinal), "newer.o");
        using var library = new ObjectLibrary("thunks");

        library.Load([newer, older]);

        Assert.That((library.GetFunction<Function>("a")(), library.GetFunction<Function>("b")()), Is.EqualTo((3, 3)));
    }

    private static ElfObject Start => Assembler.X64(
        """
        .text
        .globl probe, _start
        .hidden f
        .type probe,@function
        probe: sub $8,%rsp
         call f
         add $8,%rsp
         ret
        _start: call probe
         mov %eax,%edi
         mov $60,%eax
         syscall
        """,
        "start.o");

    private static string Function(string section, int number) =>
        $"{section}\n.globl f\n.hidden f\n.type f,@function\nf: mov ${number},%eax\n ret";

    private static ElfObject Object(string name) => Assembler.X64(Sources[name], $"{name}.o");

    private static IEnumerable<ElfObject> Objects(string names) => names.Split(' ').Select(Object);

    private static int Load(ObjectLibrary library, IReadOnlyList<ElfObject> objects)
    {
        library.Load(objects);
        return library.GetFunction<Function>("probe")();
    }

    private static string Outcome(Func<int> link)
    {
        try
        {
            return $"{link()}";
        }
        catch (LinkException failure) when (failure.Errors.All(error => error.Code is LinkErrorCode.Duplicate))
        {
            return Duplicate;
        }
    }
}
