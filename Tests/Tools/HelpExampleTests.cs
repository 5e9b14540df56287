using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Images;

namespace ElfLoader.Tests.Tools;

/// <summary>What <c>--help</c> shows as examples does what it says, on files of these names.</summary>
[Category("EndToEnd")]
[Parallelizable(ParallelScope.All)]
public sealed class HelpExampleTests
{
    private const string X64 = "x86_64-linux-gnu";
    private const string Arm = "armv7-linux-gnueabihf";

    private const string Hello = """
        #include <stdio.h>
        int main(int argc, char **argv) { for (int i = 1; i < argc; i++) printf("%s ", argv[i]); return 0; }
        """;

    private const string Checks = """
                .text
                .globl  target
        target: movabsq $extern_far, %rax
                ret
        # elfload-check: next_pc(target) = target + 10
        # rtdyld-check: decode_operand(target, 1) = extern_far
        """;

    /// <summary>The files of examples, by words that these begin with: name, target, source.</summary>
    private static readonly (string Example, (string File, string Target, string Source)[] Files)[] Inputs =
    [
        ("run main.o",
        [
            ("main.o", X64, """
                #include <math.h>
                unsigned long crc32(unsigned long, const unsigned char *, unsigned);
                int sides(void);
                int main(int argc, char **argv) { return crc32(0, (unsigned char *)"a", 1) != 0xe8b7be43 || sides() != 4 || cos(argc - 1) != 1; }
                """),
            ("shapes.o", X64, "int sides(void) { return 4; }"),
        ]),
        ("run plugin.o", [("plugin.o", X64, "int self_test(void) { return 0; }")]),
        ("run profiled.o",
        [
            ("profiled.o", X64, "int main(void) { return 0; }"),
            ("lib/linux/libclang_rt.profile-x86_64.a", X64, "int __llvm_profile_runtime;"), // in place of a large one
        ]),
        ("run arm.o", [("arm.o", Arm, "int main(void) { return 0; }")]),
        ("link start.o",
        [
            ("start.o", X64, "int main(void); void _start(void) { main(); }"),
            ("main.o", X64, "int abs(int); int main(void) { return abs(-1); }"),
            ("libc.a", X64, "int abs(int i) { return i < 0 ? -i : i; }"),
        ]),
        ("explain main.o",
        [
            ("main.o", X64, "void *memcpy(void *, const void *, unsigned long); char a[99], b[99]; int main(int i, char **v) { memcpy(a, b, i); return 0; }"),
            ("libc.a", X64, "void *memcpy(void *to, const void *from, unsigned long n) { for (unsigned long i = 0; i < n; i++) ((volatile char *)to)[i] = ((char *)from)[i]; return to; }"),
        ]),
        ("explain kernel.o", [("kernel.o", Arm, "void idle(void); void __attribute__((noinline)) step(void) { idle(); idle(); } void idle(void) { step(); step(); }")]),
        ("link boot.o", [("boot.o", Arm, "int rom_read(int); int _start(void) { return rom_read(1) + rom_read(2); }")]),
        ("link firmware.o", [("firmware.o", Arm, "extern volatile int UART0[]; void reset(void) { UART0[0] = 'x'; }")]),
        ("report firmware.o", [("firmware.o", Arm, "void reset(void) { } void _start(void) { reset(); }")]),
        ("link a.o", [("a.o", X64, "int b(void); int _start(void) { return b() + 1; }"), ("b.o", X64, "int b(void) { return 1; }")]),
        ("verify a.o", [("a.s", X64, Checks), ("b.o", X64, "int b(void) { return 1; }")]),
        ("verify test.o --check test.s --check-prefix", [("test.s", X64, "        .globl  start\nstart:  ret\n# my-check: start = 0x10000\n")]),
        ("verify test.o", [("test.s", X64, "        .globl  start\nstart:  ret\n# elfload-check: start = start\n")]),
        ("", [("hello.o", X64, Hello)]),
    ];

    private static readonly string[] CommandNames = ["run", "link", "verify", "explain", "inspect", "report"];

    private static IEnumerable<TestCaseData> Examples() =>
        from command in CommandNames
        from line in ElfloadCommand.Invoke(command, "--help").Output.Split("Examples:\n")[1].Split('\n')
        where line.Trim().Length > 0
        select new TestCaseData(line.Trim()).SetArgDisplayNames(line.Trim());

    [TestCaseSource(nameof(Examples))]
    public void Works(string example)
    {
        using var programs = new ToolPrograms();
        string rest = example["elfload ".Length..];
        foreach ((string file, string target, string source) in Inputs.First(
            input => rest.StartsWith(input.Example, StringComparison.Ordinal)).Files)
        {
            Make(programs, file, target, source);
        }

        // What an example hands on to another program is for that program.
        CommandResult result = Command.Run(
            "bash",
            ["-c", $"elfload() {{ dotnet {ElfloadCommand.Tool} \"$@\"; }}; clang() {{ echo .; }}; {example.Split(" | ")[0]}"],
            programs.Path(""));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Error, Is.Empty);
            Assert.That(result.Status, Is.Zero);
        }

        foreach (string path in Directory.GetFiles(programs.Path("")).Where(IsExecutable))
        {
            CheckedImages.Check(File.ReadAllBytes(path));
        }
    }

    private static bool IsExecutable(string path) =>
        File.ReadAllBytes(path) is [0x7f, (byte)'E', (byte)'L', (byte)'F', _, _, _, _, _, _, _, _, _, _, _, _, 2, 0, ..]; // ET_EXEC

    private static void Make(ToolPrograms programs, string file, string target, string source)
    {
        string[] flags = [$"--target={target}", "-fno-builtin", "-fno-pic"];
        string name = Path.GetFileNameWithoutExtension(file);
        switch (Path.GetExtension(file))
        {
            case ".s":
                Command.Check("llvm-mc-14", [$"-triple={target}", "-filetype=obj", programs.Write(file, source + "\n"), "-o", programs.Path(name + ".o")]);
                break;
            case ".a":
                Directory.CreateDirectory(Path.GetDirectoryName(programs.Path(file))!);
                programs.Archive(file, programs.Compile(name, source, flags));
                break;
            default:
                programs.Compile(name, source, flags);
                break;
        }
    }
}
