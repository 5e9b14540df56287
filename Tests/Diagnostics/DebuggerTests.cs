using ElfLoader.Diagnostics;
using ElfLoader.Memory;
using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Diagnostics;

/// <summary>What gdb sees of loaded code.</summary>
[NonParallelizable]
public sealed class DebuggerTests
{
    private const string Program = """
        #include <stdio.h>
        extern int twice(int number);
        __thread int calls;
        int outermost(int first)
        {
            int result = twice(first + 1);
            calls++;
            return result;
        }
        int main(void)
        {
            printf("%d\n", outermost(20));
            return 0;
        }
        """;

    private const string Callee = """
        struct pair { int left, right; };
        struct pair last = { 3, 4 };
        int twice(int number)
        {
            int doubled = number * 2;
            last.left = doubled;
            return doubled + last.right - 4;
        }
        """;

    private static readonly ObjectLibraryOptions On = new() { Debugger = DebuggerSupport.On };

    [Test]
    public void EachUnitHasOneFileUntilItIsUnloaded()
    {
        DebuggerRegistry registry = ProcessDiagnostics.Current.Debugger;
        Assert.That(registry.Files, Is.Empty);
        using (var quiet = new ObjectLibrary("quiet"))
        using (var library = new ObjectLibrary("library", On))
        {
            _ = quiet.Load(Fixtures.Object("calls"), Fixtures.Object("callee"));
            Assert.That(registry.Files, Is.Empty);
            LoadedUnit first = library.Load(Fixtures.Object("calls"), Fixtures.Object("callee"));
            _ = library.Load(Fixtures.Object("chosen"));
            Assert.That(registry.Files, Has.Count.EqualTo(2));
            first.Unload();
            Assert.That(registry.Files, Has.Count.EqualTo(1));
            _ = library.Load(Fixtures.Object("calls"), Fixtures.Object("callee"));
            Assert.That(registry.Files, Has.Count.EqualTo(2));
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(registry.Files, Is.Empty);
            Assert.That(NativeBytes.LoadWord(registry.Descriptor), Is.EqualTo(1), "version 1, no action");
            Assert.That(NativeBytes.LoadWord(registry.Descriptor + 8), Is.Zero, "relevant entry");
        }
    }

    [TestCase(DebuggerSupport.Off, MemoryMapping.Auto, MemoryMapping.Auto)]
    [TestCase(DebuggerSupport.On, MemoryMapping.Auto, MemoryMapping.WriteThenProtect)]
    [TestCase(DebuggerSupport.On, MemoryMapping.Dual, MemoryMapping.Dual)]
    public void BreakpointsNeedCodeInPrivateMemory(DebuggerSupport debugger, MemoryMapping wished, MemoryMapping mapping)
    {
        var options = new ObjectLibraryOptions { Debugger = debugger, Mapping = wished };
        Assert.That(UnitDiagnostics.MappingFor(options), Is.EqualTo(mapping));
    }

    [Test]
    public void TheFileHasTheSymbolsAtTheirAddresses()
    {
        using var folder = new TemporaryFolder();
        using var library = new ObjectLibrary("library", On);
        _ = library.Load(Fixtures.Object("calls"), Fixtures.Object("callee"));
        string path = folder.File("unit");
        (ulong address, ulong size) = ProcessDiagnostics.Current.Debugger.Files[0];
        File.WriteAllBytes(path, NativeBytes.ReadOnlyAt(address, (int)size));

        string[] symbols = Command.Check("nm", ["-g", "--defined-only", path]).Split('\n');
        LinkMap map = LinkMap.Of(library.Units);
        foreach (ImageSymbol symbol in map.Symbols.Where(symbol => symbol is { Type: "func", Binding: "global" }))
        {
            Assert.That(symbols, Does.Contain($"{symbol.Address:x16} T {symbol.Name}"));
        }

        Assert.That(Command.Run("readelf", ["-aW", path]).Error, Is.Empty);
    }

    [Test]
    [Category("EndToEnd")]
    public void GdbStopsInLoadedCode([Values("-g", "-gdwarf-4 -gz", "-g -O1 -fomit-frame-pointer -ffunction-sections")] string flags)
    {
        using var folder = new TemporaryFolder();
        string[] objects = [.. ((string[])["program", "callee"]).Select(name => folder.File(name + ".o"))];
        File.WriteAllText(folder.File("program.c"), Program);
        File.WriteAllText(folder.File("callee.c"), Callee);
        foreach (string source in (string[])["program.c", "callee.c"])
        {
            _ = Command.Check("gcc", [.. flags.Split(' '), "-c", source], folder.Path);
        }

        string output = Gdb(
            objects,
            "break twice",
            "run",
            "printf \"number is %d\\n\", number",
            "bt 3",
            "info line twice",
            "print last",
            "finish",
            "info locals");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(output, Does.Contain("number is 21"));
            Assert.That(output, Does.Match(@"#0 .*twice \(number=(number@entry=)?21\) at callee\.c:5"));
            Assert.That(output, Does.Match(@"#1 .* outermost \(first=(first@entry=)?20\) at program\.c:6"));
            Assert.That(output, Does.Match(@"#2 .* main \(\) at program\.c:12"));
            Assert.That(output, Does.Match("Line [45] of \"callee.c\" starts at address"));
            Assert.That(output, Does.Contain("{left = 3, right = 4}"));
            Assert.That(output, Does.Contain("Value returned is $2 = 42"));
        }
    }

    [Test]
    [Category("EndToEnd")]
    public void GdbNamesFunctionsWithoutDebuggingInformation()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("program.c"), Program);
        File.WriteAllText(folder.File("callee.c"), Callee);
        _ = Command.Check("gcc", ["-c", "-O1", "program.c", "callee.c"], folder.Path);

        string output = Gdb([folder.File("program.o"), folder.File("callee.o")], "break twice", "run", "bt 3");

        Assert.That(output, Does.Match(@"#0 .*twice \(\)\n#1 .* outermost \(\)\n#2 .* main \(\)"));
    }

    private static string Gdb(string[] objects, params string[] commands)
    {
        if (!Command.Exists("gdb"))
        {
            Assert.Ignore("gdb is not installed");
        }

        string[] setup =
        [
            "set pagination off", "set confirm off", "set debuginfod enabled off", "set breakpoint pending on",
            "set environment ELFLOADER_DEBUGGER=1",
            "handle SIG34 SIG35 SIG36 SIGUSR1 SIGUSR2 SIGSEGV SIGXCPU nostop noprint pass",
        ];
        CommandResult result = Command.Run(
            "gdb",
            [
                "-nx", "-batch",
                .. setup.Concat(commands).SelectMany(command => (string[])["-ex", command]),
                "--args", "dotnet", ElfloadCommand.Tool, "run", .. objects,
            ]);
        string output = result.Output + result.Error;
        return output;
    }
}
