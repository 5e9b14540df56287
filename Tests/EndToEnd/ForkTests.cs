using System.Runtime.InteropServices;
using ElfLoader.Elf;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.EndToEnd;

/// <summary>
/// A forked child runs what was loaded when it was forked, whatever its parent does afterwards: unloads, loads something else in
/// the same place, replaces, ends.
/// </summary>
[Category("EndToEnd")]
[NonParallelizable]
public sealed class ForkTests
{
    private const string Forker = """
        #include <stdio.h>
        #include <unistd.h>
        int begin(int (*const *functions)(void), const int *expected, int count, int waiting) {
            int child = fork();
            if (child != 0) return child;
            alarm(60);
            char letter;
            if (read(waiting, &letter, 1) != 1) _exit(99);
            for (int round = 0; round < 100; round++)
                for (int i = 0; i < count; i++)
                    if (functions[i]() != expected[i]) _exit(1 + i);
            _exit(0);
        }
        """;

    private TemporaryFolder _folder = null!;
    private ObjectLibrary _forker = null!;

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int Begin(nint[] functions, int[] expected, int count, int waiting);

    [SetUp]
    public void SetUp()
    {
        _folder = new TemporaryFolder();
        File.WriteAllText(_folder.File("forker.c"), Forker);
        Command.Check("gcc", ["-O1", "-fPIC", "-c", _folder.File("forker.c"), "-o", _folder.File("forker.o")]);
        _forker = new ObjectLibrary("forker");
        _forker.Load(_folder.File("forker.o"));
    }

    [TearDown]
    public void TearDown()
    {
        _forker.Dispose();
        _folder.Dispose();
    }

    [TestCase(1 << 10)]
    [TestCase(40 << 20)]
    public void RunsWhatItsParentUnloads(int size)
    {
        using var library = new ObjectLibrary("unloaded");
        LoadedUnit unit = library.Load(Object(size, 1), "old.o");
        WaitingChild child = Fork(library, 1);

        unit.Unload();
        library.Load(Object(size, 2), "new.o"); // where the old one was

        Assert.That(child.Finish(), Is.Zero, "one more than the function that was wrong, or a signal");
    }

    [TestCase(1 << 10)]
    [TestCase(40 << 20)]
    public void RunsWhatItsParentReplaces(int size)
    {
        using var library = new ObjectLibrary("replaced", new ObjectLibraryOptions { Redirectable = true });
        library.Load(Object(size, 1), "old.o");
        WaitingChild child = Fork(library, 1);

        library.Replace(Object(size, 2), "new.o");
        library.Reclaim();
        library.Replace(Object(size, 3), "newer.o");
        library.Reclaim();

        Assert.That(child.Finish(), Is.Zero, "one more than the function that was wrong, or a signal");
        Assert.That(library.GetFunction<Linking.Function>("first")(), Is.EqualTo(3), "the parent goes on");
    }

    [Test]
    public void RunsWhileItsParentUnloadsAllAndLoadsAgain()
    {
        var library = new ObjectLibrary("all");
        library.Load(Object(1 << 20, 1), "old.o");
        WaitingChild[] children = [.. Enumerable.Range(0, 3).Select(_ => Fork(library, 1))];
        library.Dispose();
        ObjectLibrary.TrimAddressSpace();
        using var other = new ObjectLibrary("other");
        other.Load(Object(1 << 20, 2), "new.o");

        Assert.That(children.Select(child => child.Finish()), Is.All.Zero);
    }

    [Test]
    public void GrandchildrenAreOnTheirOwnToo()
    {
        File.WriteAllText(_folder.File("prefork.c"), """
            #include <stdio.h>
            #include <sys/wait.h>
            #include <unistd.h>
            static int depth;
            int deeper(void) { return ++depth; }
            int main() {
                for (int i = 0; i < 3; i++) {
                    int child = fork();
                    if (child != 0) { int status; waitpid(child, &status, 0); return WIFEXITED(status) ? WEXITSTATUS(status) : 99; }
                    deeper();
                }
                printf("depth %d\n", depth); fflush(stdout);
                return depth;
            }
            """);
        Command.Check("gcc", ["-O1", "-fPIC", "-c", _folder.File("prefork.c"), "-o", _folder.File("prefork.o")]);

        CommandResult result = ElfloadCommand.Run([_folder.File("prefork.o")]);

        Assert.That(result, Is.EqualTo(new CommandResult(3, "depth 3\n", "")));
    }

    [Test]
    public void RunsWhenItsParentHasEnded()
    {
        File.WriteAllText(_folder.File("orphan.c"), """
            #include <stdio.h>
            #include <signal.h>
            #include <unistd.h>
            int answer(void) { return 42; }
            int (*volatile call)(void) = answer;
            int main() {
                int parent = getpid();
                if (fork() != 0) return 0;
                for (int i = 0; i < 1000 && getppid() == parent; i++) usleep(10000);
                printf("%d\n", call());
                return 0;
            }
            """);
        Command.Check("gcc", ["-O1", "-fPIC", "-c", _folder.File("orphan.c"), "-o", _folder.File("orphan.o")]);

        Assert.That(ElfloadCommand.Run([_folder.File("orphan.o")]), Is.EqualTo(new CommandResult(0, "42\n", "")));
    }

    /// <summary>An object of some size with functions at the start, in the middle and at the end that return a number.</summary>
    private static byte[] Object(int size, byte number)
    {
        byte[] code = new byte[size];
        code.AsSpan().Fill(0xcc);
        byte[] function = [0xb8, number, 0, 0, 0, 0xc3]; // mov $number,%eax; ret
        int[] places = [0, size / 2, size - function.Length];
        ElfBuilder elf = new();
        foreach (int place in places)
        {
            function.CopyTo(code, place);
        }

        int text = elf.AddCode(".text", code);
        string[] names = ["first", "middle", "last"];
        for (int i = 0; i < names.Length; i++)
        {
            elf.AddSymbol(names[i], text, (ulong)places[i], (ulong)function.Length, SymbolBinding.Global, SymbolType.Function);
        }

        return elf.Build();
    }

    private WaitingChild Fork(ObjectLibrary library, int number)
    {
        nint[] functions = [library.GetExport("first"), library.GetExport("middle"), library.GetExport("last")];
        Begin begin = _forker.GetFunction<Begin>("begin");
        return WaitingChild.Fork(waiting => begin(functions, [number, number, number], functions.Length, waiting));
    }
}
