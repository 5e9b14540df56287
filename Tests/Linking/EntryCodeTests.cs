using System.Runtime.InteropServices;
using ElfLoader.Elf;
using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Tools;

namespace ElfLoader.Tests.Linking;

/// <summary>Data is not called: neither as an entry nor as a delegate. Its section tells.</summary>
[Category("EndToEnd")]
[Parallelizable(ParallelScope.Children)]
public sealed class EntryCodeTests
{
    private const string Code = "x: xorl %eax, %eax\n ret\n";

    private static readonly ToolPrograms Programs = new();

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int Number();

    [OneTimeTearDown]
    public void Remove() => Programs.Dispose();

    [TestCase("object", ".data\n.type x, @object\nx: .long 3\n", "is in .data of object.o, which has no code")]
    [TestCase("untyped", ".data\nx: .long 3\n", "is in .data of untyped.o, which has no code")]
    [TestCase("constant", ".section .rodata\nx: .long 3\n", "is in .rodata of constant.o, which has no code")]
    [TestCase("zeros", ".bss\n.type x, @object\n.size x, 4\nx: .zero 4\n", "is in .bss of zeros.o, which has no code")]
    [TestCase("common", ".comm x, 4, 4\n", "is a variable of common.o")]
    [TestCase("thread", ".section .tdata,\"awT\"\n.type x, @object\nx: .long 3\n", "is a thread-local variable of thread.o")]
    public void DataIsNotCalled(string name, string source, string objection)
    {
        string file = Assemble(name, source);
        using var library = new ObjectLibrary("data");
        _ = library.Load(file);

        string message = Assert.Throws<EntryPointNotFoundException>(() => library.GetFunction<Number>("x"))!.Message;
        CommandResult run = ElfloadCommand.Invoke("run", file, "-e", "x");
        CommandResult link = Command.Run("dotnet", [ElfloadCommand.Tool, "link", file, "-e", "x", "-o", Programs.Path($"{name}.out")]); // not as images should be

        using (Assert.EnterMultipleScope())
        {
            Assert.That(message, Is.EqualTo($"'x' of library 'data' is no function: it {objection}"));
            Assert.That(library.TryGetExport("x", out _), Is.True);
            Assert.That((run.Status, run.Error), Is.EqualTo((125, $"elfload: error: the entry 'x' {objection}\n")));
            Assert.That((link.Status, link.Error), Is.EqualTo((0, $"elfload: warning: the entry symbol 'x' {objection}\n")));
        }
    }

    [TestCase("text", ".text\n")]
    [TestCase("custom", ".section .mine,\"ax\"\n")]
    [TestCase("typed", ".text\n.type x, @object\n.size x, 3\n")]
    public void CodeIsCalledWhateverItsSectionAndType(string name, string start)
    {
        string file = Assemble(name, start + Code);
        using var library = new ObjectLibrary("code");
        _ = library.Load(file);

        CommandResult run = ElfloadCommand.Invoke("run", file, "-e", "x");
        CommandResult link = ElfloadCommand.Invoke("link", file, "-e", "x", "-o", Programs.Path($"{name}.out"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(library.GetFunction<Number>("x")(), Is.Zero);
            Assert.That((run.Status, run.Error), Is.EqualTo((0, "")));
            Assert.That((link.Status, link.Error), Is.EqualTo((0, "")));
        }
    }

    /// <summary>What the caller defines is what the caller says.</summary>
    [Test]
    public void NumbersAreCalledAndDataOfTheCallerIsNot()
    {
        using var code = new ObjectLibrary("code");
        _ = code.Load(Assemble("number", Code.Replace("x:", ".globl y\ny:", StringComparison.Ordinal)));
        using var library = new ObjectLibrary("numbers");
        library.DefineAbsolute("number", (ulong)code.GetExport("y"));
        library.DefineData("data", code.GetExport("y"));

        Assert.That(library.GetFunction<Number>("number")(), Is.Zero);
        Assert.That(
            () => library.GetFunction<Number>("data"),
            Throws.TypeOf<EntryPointNotFoundException>().With.Message.Contains("'data' of library 'numbers' is no function: it is a variable of "));
    }

    /// <summary>An entry from an archive is known only when it is linked.</summary>
    [Test]
    public void DataOfAnArchiveIsNotCalled()
    {
        string archive = Programs.Archive("data.a", Assemble("member", ".data\nx: .long 3\n"));

        Assert.That(ElfloadCommand.Invoke("run", archive, "-e", "x").Error, Does.Contain("the entry 'x' is in .data of data.a(member.o), which has no code"));
    }

    [Test]
    public void DataOfAnArchiveIsRefusedBeforeAnythingOfItRuns()
    {
        string archive = Programs.Archive("ran.a", Assemble("runs", """
            .data
            x: .long 3
            .text
            start: movl $1, ran(%rip)
             ret
            .section .init_array,"aw"
             .quad start
            """));
        using var library = new ObjectLibrary("program");
        _ = library.Load(LinkTest.Variable("ran", 0));
        library.AddArchive(archive);

        string message = Assert.Throws<LinkException>(() => library.LinkProgram("x", out _))!.Message;

        Assert.That(message, Is.EqualTo("the entry 'x' is in .data of ran.a(runs.o), which has no code"));
        Assert.That((library.Units.Count, library.Word("ran")), Is.EqualTo((1, 0ul)));
    }

    [TestCase(false)]
    [TestCase(true)]
    public void DataThatIsLoadedIsRefusedBeforeAnythingIsLinked(bool isReferredTo)
    {
        using var library = new ObjectLibrary("program");
        _ = library.Load(LinkTest.Variable("x", 3));
        library.Add((isReferredTo ? LinkTest.Pointer("y", "x") : LinkTest.Variable("y", 4)).Build(), "y.o");

        string message = Assert.Throws<LinkException>(() => library.LinkProgram("x", out _))!.Message;

        Assert.That(message, Is.EqualTo("the entry 'x' is in .data of a.o, which has no code"));
        Assert.That(library.Units, Has.Count.EqualTo(1));
        Assert.That(library.Link(), Is.Not.Null, "it is still queued");
    }

    [Test]
    public void LocalSymbolsOfOneNameAreRefusedBeforeAnythingIsLoaded()
    {
        using var library = new ObjectLibrary("program");
        library.Add(LinkTest.Returning("x", 1, SymbolBinding.Local).Build(), "one.o");
        library.Add(LinkTest.Returning("x", 2, SymbolBinding.Local).Build(), "other.o");

        string message = Assert.Throws<LinkException>(() => library.LinkProgram("x", out _))!.Message;

        Assert.That(message, Is.EqualTo("one.o: the entry 'x' is a local symbol of more than one object: one.o, other.o"));
        Assert.That(library.Units, Is.Empty);
    }

    /// <summary>Of definitions of which one gives way to the other, the one that prevails is called or refused.</summary>
    [TestCase("int x(void) { return 7; }", "__attribute__((weak)) int x = 5;", null)]
    [TestCase("__attribute__((weak)) int x = 5;", "int x(void) { return 7; }", null)]
    [TestCase("int x(void) { return 7; }", "__attribute__((common)) int x;", null)]
    [TestCase("__attribute__((weak)) int x(void) { return 7; }", "int x = 5;", "is in .data of second.o, which has no code")]
    [TestCase("int x = 5;", "__attribute__((weak)) int x(void) { return 7; }", "is in .data of first.o, which has no code")]
    public void DefinitionThatPrevailsIsCalled(string first, string second, string? objection)
    {
        using var programs = new ToolPrograms();
        string[] objects = [programs.Compile("first", first), programs.Compile("second", second)];
        using var library = new ObjectLibrary("program");
        Array.ForEach(objects, library.Add);

        if (objection is not null)
        {
            Assert.That(
                () => library.LinkProgram("x", out _),
                Throws.TypeOf<LinkException>().With.Message.EqualTo($"the entry 'x' {objection}"));
            return;
        }

        _ = library.LinkProgram("x", out nint address);
        string main = programs.Compile("main", "int x(void); int main(void) { return x(); }");
        Command.Check("clang-14", [.. objects, main, "-o", programs.Path("native")]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Marshal.GetDelegateForFunctionPointer<Number>(address)(), Is.EqualTo(7));
            Assert.That(Command.Run(programs.Path("native"), []).Status, Is.EqualTo(7));
            Assert.That(ElfloadCommand.Invoke(["run", .. objects, "-e", "x"]).Status, Is.EqualTo(7));
        }
    }

    /// <summary>The section of code that is typed as data is found among many without their names.</summary>
    [Test]
    public void SectionsAreNotNamedToFindCode()
    {
        const int sections = 5_000; // each name takes more than 40 bytes
        string others = string.Concat(Enumerable.Range(0, sections).Select(i => $".section .text.function_{i},\"ax\"\n ret\n"));
        using var library = new ObjectLibrary("sections");
        _ = library.Load(Assemble("sections", $"{others}.section .text.x,\"ax\"\n.type x, @object\n{Code}"));
        _ = library.GetFunction<Number>("x");
        long before = GC.GetAllocatedBytesForCurrentThread();

        Number function = library.GetFunction<Number>("x");

        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(10_000));
        Assert.That(function(), Is.Zero);
    }

    [Test]
    public void DataOfOtherMachinesIsNotCalled()
    {
        string file = Programs.Compile("arm", "int x = 3;", "--target=armv7-linux-gnueabihf");

        CommandResult run = ElfloadCommand.Invoke("run", file, "-e", "x");

        Assert.That((run.Status, run.Error), Is.EqualTo((125, "elfload: error: the entry 'x' is in .data of arm.o, which has no code\n")));
    }

    private static string Assemble(string name, string source)
    {
        string file = Programs.Write($"{name}.s", $".globl x\n{source}");
        Command.Check("clang-14", ["-c", file, "-o", Programs.Path($"{name}.o")]);
        return Programs.Path($"{name}.o");
    }
}
