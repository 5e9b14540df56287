using System.Runtime.InteropServices;
using ElfLoader.Elf;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.EndToEnd;

/// <summary>
/// What was loaded when a process forked stays for all its descendants, however late they are forked; and whatever was loaded.
/// </summary>
[Category("EndToEnd")]
[NonParallelizable]
public sealed class ForkedDescendantsTests
{
    // In a shared library, so that the loader has nothing to do with it.
    private const string Forker = """
        #include <sys/wait.h>
        #include <unistd.h>
        int begin(int (*function)(void), int expected, int waiting, int generations) {
            int child = fork();
            if (child != 0) return child;
            alarm(60);
            char letter;
            if (read(waiting, &letter, 1) != 1) _exit(99);
            while (--generations > 0) {
                int status;
                child = fork();
                if (child != 0) _exit(waitpid(child, &status, 0) != child ? 98 : WIFEXITED(status) ? WEXITSTATUS(status) : 97);
            }
            for (int round = 0; round < 100; round++)
                if (function() != expected) _exit(1);
            _exit(0);
        }
        """;

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int Begin(nint function, int expected, int waiting, int generations);

    [Test]
    public void GrandchildrenRunWhatTheirGrandparentUnloads() => ChildProcess.Check(UnloadBeforeGrandchildrenAreForked);

    [Test]
    public void ChildrenRunCodeThatNeedsNothingOfTheHost() => ChildProcess.Check(UnloadWhatNeedsNothing);

    private static void UnloadBeforeGrandchildrenAreForked()
    {
        using var folder = new TemporaryFolder();
        Begin begin = Compile(folder);
        File.WriteAllText(folder.File("tabled.c"), "int tabled(int (*call)(void)) { return call() + 1; }");
        Command.Check(
            "gcc", ["-O1", "-fPIC", "-fasynchronous-unwind-tables", "-c", folder.File("tabled.c"), "-o", folder.File("tabled.o")]);
        using var library = new ObjectLibrary("tabled"); // it has something to register
        library.Load(folder.File("tabled.o"));

        Assert.That(StatusAfterUnloading(begin, 2), Is.Zero);
        Assert.That(StatusAfterUnloading(begin, 4), Is.Zero);
    }

    private static void UnloadWhatNeedsNothing()
    {
        using var folder = new TemporaryFolder();
        Begin begin = Compile(folder);

        Assert.That(StatusAfterUnloading(begin, 1), Is.Zero);
    }

    /// <summary>Forks, unloads what the descendants run, loads something else, and lets them begin.</summary>
    /// <returns>Their status: 1 if they ran something else; 97 or a signal, from 256 on, where they could not run it.</returns>
    private static int StatusAfterUnloading(Begin begin, int generations)
    {
        using var library = new ObjectLibrary("forked");
        LoadedUnit unit = library.Load(Object(1), "old.o");
        nint function = library.GetExport("number");
        WaitingChild child = WaitingChild.Fork(waiting => begin(function, 1, waiting, generations));
        unit.Unload();
        library.Load(Object(2), "new.o");
        return child.Finish();
    }

    private static Begin Compile(TemporaryFolder folder)
    {
        File.WriteAllText(folder.File("forker.c"), Forker);
        Command.Check("gcc", ["-O1", "-fPIC", "-shared", folder.File("forker.c"), "-o", folder.File("libforker.so")]);
        nint library = NativeLibrary.Load(folder.File("libforker.so"));
        return Marshal.GetDelegateForFunctionPointer<Begin>(NativeLibrary.GetExport(library, "begin"));
    }

    /// <summary>A function that returns a number, without unwind tables, as assemblers write it.</summary>
    private static byte[] Object(byte number)
    {
        ElfBuilder elf = new();
        byte[] code = [0xb8, number, 0, 0, 0, 0xc3]; // mov $number,%eax; ret
        int text = elf.AddCode(".text", code);
        elf.AddSymbol("number", text, 0, (ulong)code.Length, SymbolBinding.Global, SymbolType.Function);
        return elf.Build();
    }
}
