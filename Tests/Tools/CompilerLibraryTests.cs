using ElfLoader.Tests.EndToEnd;

namespace ElfLoader.Tests.Tools;

/// <summary>What compilers take from libgcc.a without being told is found as a driver finds it, or named.</summary>
[Category("EndToEnd")]
[Parallelizable(ParallelScope.All)]
public sealed class CompilerLibraryTests
{
    /// <summary>Programs whose symbols no shared library has, and how gcc compiles them.</summary>
    private static readonly object[][] Programs =
    [
        ["__cpu_model", "-O1", """
            #include <stdio.h>
            int main(void)
            {
                __builtin_cpu_init();
                printf("%d %d\n", __builtin_cpu_supports("sse2") != 0, __builtin_cpu_supports("avx512f") != 0);
                return 0;
            }
            """],
        ["__cpu_model", "-O1", """
            #include <stdio.h>
            __attribute__((target_clones("avx2", "default"))) int sum(const int *a, int n)
            {
                int s = 0;
                for (int i = 0; i < n; i++) s += a[i];
                return s;
            }
            int main(void) { int a[] = { 1, 2, 3 }; printf("%d\n", sum(a, 3)); return 0; }
            """],
        ["__bid_adddd3", "-O1", """
            #include <stdio.h>
            int main(int argc, char **argv) { _Decimal64 x = argc; printf("%d\n", (int)(x + 2.5dd + x)); return 0; }
            """],
        ["__morestack", "-fsplit-stack", """
            #include <stdio.h>
            static int depth(int n) { volatile char room[2000]; room[0] = (char)n; return n ? depth(n - 1) + (room[0] != (char)n) + 1 : 0; }
            int main(void) { printf("%d\n", depth(20)); return 0; }
            """],
    ];

    [TestCaseSource(nameof(Programs))]
    public void RunFindsIt(string symbol, string flag, string source)
    {
        using var programs = new ToolPrograms();
        string file = programs.Write("program.c", source);
        string[] flags = ["-fPIE", flag, file, "-o"];
        Command.Check("gcc-12", ["-c", .. flags, programs.Path("program.o")]);
        Command.Check("gcc-12", [.. flags, programs.Path("program")]);
        Assert.That(Command.Check("nm", ["-u", programs.Path("program.o")]), Does.Contain(symbol));

        Assert.That(
            ElfloadCommand.Run([programs.Path("program.o")]), Is.EqualTo(Command.Run(programs.Path("program"), [])));
    }

    [Test]
    public void OthersAreToldWhereItIs([Values("run", "link")] string command)
    {
        using var programs = new ToolPrograms();
        string file = programs.Write("program.c", "int main(void) { __builtin_cpu_init(); return __builtin_cpu_supports(\"sse2\"); }");
        Command.Check("gcc-12", ["-O1", "-c", file, "-o", programs.Path("program.o")]);
        string[] rest = command is "run" ? ["--no-host-symbols"] : ["-e", "main", "-o", programs.Path("image")];

        CommandResult result = ElfloadCommand.Invoke([command, programs.Path("program.o"), .. rest]);

        Assert.That(result.Error, Does.Contain(
            "undefined symbol '__cpu_model', which is in libgcc.a, the compiler's own library ('gcc -print-libgcc-file-name'"));
    }

    [Test]
    public void TheLibrarysErrorNamesIt()
    {
        using var programs = new ToolPrograms();
        string file = programs.Write("cpu.c", "int cpu(void) { __builtin_cpu_init(); return __builtin_cpu_supports(\"sse2\"); }");
        Command.Check("gcc-12", ["-O1", "-fPIC", "-c", file, "-o", programs.Path("cpu.o")]);
        using var library = new ObjectLibrary("cpu");

        LinkException exception = Assert.Throws<LinkException>(() => library.Load(programs.Path("cpu.o")));

        Assert.That(exception.Errors.Select(error => error.Message), Has.All.Contains(", which is in libgcc.a, "));
        library.AddArchive(Command.Check("gcc-12", ["-print-libgcc-file-name"]).Trim());
        Assert.That(() => library.Load(programs.Path("cpu.o")), Throws.Nothing);
    }
}
