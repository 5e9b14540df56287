using System.Text.Json;
using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Linking;

namespace ElfLoader.Tests.Tools;

/// <summary>What the commands say when something is wrong: who is to blame, how often, and what may have been meant.</summary>
[Category("EndToEnd")]
[Parallelizable(ParallelScope.Children)]
public sealed class MessageTests
{
    private const string CxxSource = """
        namespace shop { struct cart { int add(int item) const; static int total(long); }; }
        int shop::cart::add(int item) const { return item + total(item); }
        """;

    private static readonly ToolPrograms Programs = new();

    [OneTimeTearDown]
    public void Remove() => Programs.Dispose();

    /// <summary>One name that is missing in 150 objects' worth of functions.</summary>
    [TestCase("run")]
    [TestCase("link")]
    public void AMissingNameIsOneLineWithACount(string command)
    {
        string functions = string.Concat(Enumerable.Range(0, 150).Select(i => $"int f{i}(void) {{ return missing({i}); }}\n"));
        string many = Programs.Compile($"many-{command}", $"extern int missing(int);\n{functions}int main(void) {{ return 0; }}\nvoid _start(void) {{}}", "-O0");

        CommandResult result = ElfloadCommand.Invoke([command, many, .. command is "link" ? (string[])["-o", Programs.Path("out")] : []]);

        string line = result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Single();
        Assert.That(line, Does.StartWith($"elfload: error: many-{command}.o: .text+0x").And.Contains("undefined symbol 'missing' (also at many-"));
        Assert.That(line, Does.EndWith(", and 147 more places)"));
        Assert.That(line.Split(".text+0x"), Has.Length.EqualTo(4), "three places");
    }

    /// <summary>Many places that cannot be patched for the same reason.</summary>
    [Test]
    public void ManyFailuresWithOneSymbolAreOneLine()
    {
        string code = string.Concat(Enumerable.Repeat("    movl $far, %eax\n", 150));
        string file = Programs.Write("reach.s", $".globl _start\n_start:\n{code}    ret\n");
        Command.Check("clang-14", ["-c", file, "-o", Programs.Path("reach.o")]);

        CommandResult result = ElfloadCommand.Invoke("link", Programs.Path("reach.o"), "--define", "far=0x123456789a", "-o", Programs.Path("out"));
        string json = Programs.Path("reach.json");
        ElfloadCommand.Invoke("link", Programs.Path("reach.o"), "--define", "far=0x123456789a", "-o", Programs.Path("out"), $"--json={json}");

        string[] lines = result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.That(lines, Has.Length.EqualTo(2), result.Error);
        Assert.That(lines[0], Does.Contain("R_X86_64_32").And.Contain("'far'").And.EndWith(", and 97 more places)"));
        Assert.That(lines[1], Is.EqualTo("elfload: error: and 50 more like these"));
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(json));
        Assert.That(document.RootElement.GetProperty("errors").GetArrayLength(), Is.EqualTo(101), "programs get them one by one");
    }

    [Test]
    public void NamesOfCxxAreShownAsInTheSource()
    {
        string file = Programs.Write("cart.cpp", CxxSource + "\nint main() { shop::cart c; return c.add(1); }");
        Command.Check("clang-14", ["-c", file, "-o", Programs.Path("cart.o")]);
        const string mangled = "_ZN4shop4cart5totalEl";
        const string readable = "shop::cart::total(long)";
        string json = Programs.Path("cart.json");

        CommandResult error = ElfloadCommand.Invoke("run", Programs.Path("cart.o"));
        CommandResult raw = ElfloadCommand.Invoke("run", Programs.Path("cart.o"), "--no-demangle");
        ElfloadCommand.Invoke("link", Programs.Path("cart.o"), "-o", Programs.Path("out"), $"--json={json}");
        LinkException exception = Assert.Throws<LinkException>(() => new ObjectLibrary("cart").Load(Programs.Path("cart.o")))!;

        Assert.That(error.Error, Does.Contain($"undefined symbol '{readable}'").And.Not.Contain("_Z"));
        Assert.That(raw.Error, Does.Contain($"undefined symbol '{mangled}'").And.Not.Contain(readable));
        Assert.That(exception.Message, Does.Contain(readable));
        Assert.That((exception.Errors[0].Where.Symbol, exception.Errors[0].Message), Is.EqualTo((mangled, $"undefined symbol '{mangled}'")));
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(json));
        JsonElement told = document.RootElement.GetProperty("errors")[0];
        Assert.That(told.GetProperty("symbol").GetString(), Is.EqualTo(mangled));
        Assert.That(told.GetProperty("demangled").GetString(), Is.EqualTo(readable));
        Assert.That(told.GetProperty("message").GetString(), Does.Contain(mangled));
    }

    /// <summary>Where nothing is wrong: list, ledger, page and map.</summary>
    [TestCase(false)]
    [TestCase(true)]
    public void OutputsShowNamesOfCxxAsInTheSource(bool mangled)
    {
        string file = Programs.Write($"whole{mangled}.cpp", CxxSource + "\nint shop::cart::total(long n) { return n; } int main() { shop::cart c; return c.add(1); }");
        string compiled = Programs.Path($"whole{mangled}.o");
        Command.Check("clang-14", ["-c", file, "-o", compiled]);
        string page = Programs.Path($"page{mangled}.html");
        string[] option = mangled ? ["--no-demangle"] : [];
        (string shown, string other) = mangled
            ? ("_ZNK4shop4cart3addEi", "shop::cart::add(int) const")
            : ("shop::cart::add(int) const", "_ZNK4shop4cart3addEi");

        string symbols = ElfloadCommand.Invoke(["inspect", compiled, "--symbols", "--relocations", "--disassemble", .. option]).Output;
        string ledger = ElfloadCommand.Invoke(["explain", compiled, "--symbol", "shop::cart::add(int) const", .. option]).Output;
        Assert.That(ElfloadCommand.Invoke(["report", compiled, "-o", page, .. option]).Status, Is.Zero);
        string map = ElfloadCommand.Invoke("link", compiled, "-o", Programs.Path("out"), "-e", "main", "--map", "-").Output;

        Assert.That(symbols, Does.Contain(shown).And.Not.Contain(other));
        Assert.That(ledger, Does.Contain(shown).And.Not.Contain(other).And.Contain("1 of "));
        Assert.That(File.ReadAllText(page), Does.Contain(shown).And.Not.Contain(other));
        using JsonDocument document = JsonDocument.Parse(map);
        Assert.That(
            document.RootElement.GetProperty("symbols").EnumerateArray()
                .Where(symbol => symbol.GetProperty("name").GetString() is "_ZNK4shop4cart3addEi")
                .Select(symbol => symbol.GetProperty("demangled").GetString()),
            Is.EqualTo(["shop::cart::add(int) const"]));
    }

    /// <summary>What is missing, what there is, and what is said.</summary>
    [TestCase("extern int Total(void); int use(void) { return Total(); }", "int total(void) { return 1; }", "did you mean 'total'?")]
    [TestCase("extern int counter_vlaue(void); int use(void) { return counter_vlaue(); }", "int counter_value(void) { return 1; }", "did you mean 'counter_value'?")]
    [TestCase("extern int add(int); int use(void) { return add(1); }", "cpp:int add(int a) { return a; }", "did you mean 'add(int)'? It has the linkage of C++")]
    [TestCase("cpp:int add(int); int use() { return add(1); }", "int add(int a) { return a; }", "did you mean 'add'? It has the linkage of C: declare it extern \"C\"")]
    [TestCase("cpp:int add(int); int use() { return add(1); }", "cpp:int add(long a) { return a; }", "did you mean 'add(long)'?")]
    [TestCase("extern int secret(void); int use(void) { return secret(); }", "static int __attribute__((used, noinline)) secret(void) { return 1; }", "there.o has one that is static there")]
    [TestCase("extern int nowhere(void); int use(void) { return nowhere(); }", "int total(void) { return 1; }", "undefined symbol 'nowhere'\n")]
    public void NamesThatAreNearAreTold(string uses, string defines, string expected)
    {
        using var programs = new ToolPrograms();
        string[] objects = [Compile(programs, "here", uses), Compile(programs, "there", defines)];
        (LinkException loaded, LinkException linked) = NearNameTests.Failures(objects);

        Assert.That(loaded.Message + "\n", Does.Contain(expected));
        Assert.That(linked.Message + "\n", Does.Contain(expected));
    }

    /// <summary>Names of the host and of archives cannot be listed, but found.</summary>
    [Test]
    public void NearNamesOfTheHostAndOfArchivesAreTold()
    {
        string member = Programs.Compile("member", "int in_archive(void) { return 1; }");
        string archive = Programs.Archive("near.a", member);
        string user = Programs.Compile("user", "extern int prinft(const char *, ...), in_archve(void); int main(void) { return prinft(\"\") + in_archve(); }");

        CommandResult result = ElfloadCommand.Invoke("run", user, archive);

        Assert.That(result.Error, Does.Contain("undefined symbol 'prinft'; did you mean 'printf'?"));
        Assert.That(result.Error, Does.Contain("undefined symbol 'in_archve'; did you mean 'in_archive'?"));
    }

    [Test]
    public void SymbolsHiddenInAnotherLibraryAreTold()
    {
        string hidden = Programs.Compile("hidden", "__attribute__((visibility(\"hidden\"))) int secret(void) { return 1; }");
        string user = Programs.Compile("wants", "extern int secret(void); int use(void) { return secret(); }");
        using var owner = new ObjectLibrary("vault");
        _ = owner.Load(hidden);
        using var library = new ObjectLibrary("thief", new ObjectLibraryOptions { UseHostProcess = false });
        library.AddLibrary(owner);

        Assert.That(
            () => library.Load(user),
            Throws.TypeOf<LinkException>().With.Message.EndsWith("undefined symbol 'secret'; library 'vault' has one that is hidden there"));
    }

    /// <summary>The command line is to blame, not the first object.</summary>
    [TestCase("link -e mian -o", "nothing defines the entry symbol 'mian'; did you mean 'main'?", 1)]
    [TestCase("verify -e mian", "nothing defines the entry symbol 'mian'; did you mean 'main'?", 1)]
    [TestCase("run -e mian", "no input defines the entry 'mian'; did you mean 'main'?", 125)]
    public void AnEntryThatDoesNotExistIsNobodysFault(string command, string expected, int status)
    {
        string program = Programs.Compile($"entry{status}{command.Length}", "int main(void) { return 0; }");
        string[] words = command.Split(' ');

        CommandResult result = ElfloadCommand.Invoke([.. words, .. words is [.., "-o"] ? (string[])[Programs.Path("entry.out")] : [], program]);

        Assert.That(result.Error, Is.EqualTo($"elfload: error: {expected}\n"));
        Assert.That(result.Status, Is.EqualTo(status));
    }

    /// <summary>There is no library in a static link.</summary>
    [TestCase("link", "which is hidden and must be defined in an object or archive of this link")]
    [TestCase("run", "which is hidden and must be defined in this library")]
    public void HiddenSymbolsBelongToWhatIsLinked(string command, string expected)
    {
        string program = Programs.Compile(
            $"hides-{command}", "__attribute__((visibility(\"hidden\"))) extern int kept(void); int main(void) { return kept(); }");

        CommandResult result = ElfloadCommand.Invoke([command, program, .. command is "link" ? (string[])["-o", Programs.Path("out")] : []]);

        Assert.That(result.Error, Does.Contain($"undefined symbol 'kept', {expected}\n"));
    }

    [TestCase("inspect")]
    [TestCase("link -o out.elf -e main")]
    [TestCase("explain")]
    public void WhatCannotBeWrittenIsToldOnce(string command)
    {
        string program = Programs.Compile($"once{command.Length}", "int main(void) { return 0; }");
        string target = Programs.Path("no/such/folder/file.json");

        CommandResult result = ElfloadCommand.Invoke(
            [.. command.Split(' ').Select(word => word is "out.elf" ? Programs.Path(word) : word), program, $"--json={target}"]);

        Assert.That(result.Error.Split(target), Has.Length.LessThanOrEqualTo(3), result.Error); // the file, and in the system's words
        Assert.That(result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries), Has.Length.EqualTo(1));
        Assert.That(result.Status, Is.EqualTo(1));
    }

    [Test]
    public void OneIsNotSeveral()
    {
        string member = Programs.Compile("single", "int other(void); int single(void) { return other(); }", "-fno-asynchronous-unwind-tables");
        string archive = Programs.Archive("single.a", member);

        string list = ElfloadCommand.Invoke("inspect", archive).Output;
        string summary = ElfloadCommand.Invoke("inspect", member).Output;
        string ledger = ElfloadCommand.Invoke("explain", member, "--allow-undefined").Output;

        Assert.That(list, Does.Contain("single.a: archive of 1 member\n"));
        Assert.That(summary, Does.Contain("1 relocation; 1 symbol defined, 1 undefined"));
        Assert.That(ledger, Does.Contain("1 place: "));
    }

    /// <summary>A name of a hundred thousand letters tells nobody anything.</summary>
    [Test]
    public void LinesHaveAnEnd()
    {
        string name = new('x', 100_000);
        string file = Programs.Write("long.s", $".globl _start\n_start: call {name}\n");
        Command.Check("clang-14", ["-c", file, "-o", Programs.Path("long.o")]);

        CommandResult result = ElfloadCommand.Invoke("link", Programs.Path("long.o"), "-o", Programs.Path("out"));
        LinkException exception = Assert.Throws<LinkException>(() => new ObjectLibrary("long").Load(Programs.Path("long.o")))!;

        Assert.That(result.Error, Has.Length.LessThan(4200).And.Length.GreaterThan(100));
        Assert.That(result.Error, Does.Contain("long.o: .text+0x1: undefined symbol 'xxx").And.Contain("xxx (100000 bytes)"));
        Assert.That(exception.Message, Has.Length.LessThanOrEqualTo(4096));
        Assert.That(exception.Errors[0].Where.Symbol, Does.EndWith("xxx (100000 bytes)"), "both ends, for programs, too");
    }

    private static string Compile(ToolPrograms programs, string name, string source)
    {
        bool isCxx = source.StartsWith("cpp:", StringComparison.Ordinal);
        string file = programs.Write(isCxx ? $"{name}.cpp" : $"{name}.c", isCxx ? source[4..] : source);
        Command.Check("clang-14", ["-c", "-O1", file, "-o", programs.Path($"{name}.o")]);
        return programs.Path($"{name}.o");
    }
}
