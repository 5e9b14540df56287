namespace ElfLoader.Tests.EndToEnd;

/// <summary>
/// The symbols that linkers define where a program refers to them, in programs that are loaded into a process: what they say must
/// be true of the program, as it is of the natively linked one.
/// </summary>
[Category("EndToEnd")]
[Parallelizable(ParallelScope.All)]
public sealed class LinkerDefinedSymbolTests
{
    private const string Bounds = """
        #include <stdio.h>
        extern char etext[], _etext[], __etext[], edata[], _edata[], end[], _end[], __bss_start[];
        extern char __executable_start[], __data_start[] __attribute__((weak)), data_start[] __attribute__((weak));
        int first_value = 3, zeros[1000];
        const int constant = 4;
        static long local_zero; static long local_value = 5;
        extern int second_value, second_zeros[]; int second(void); extern int third;
        static int in(const void *p, char *from, char *to) { return (char *)p >= from && (char *)p < to; }
        int main(void)
        {
            printf("text %d %d %d\n", (char *)main < etext, (char *)second < etext, etext == _etext && etext == __etext);
            printf("values %d %d %d\n", in(&first_value, __data_start, edata), in(&second_value, __data_start, edata),
                in(&local_value, __data_start, edata));
            printf("zeros %d %d %d %d\n", in(zeros, __bss_start, end), in(second_zeros, __bss_start, end),
                in(&local_zero, __bss_start, end), in(&third, __bss_start, end));
            printf("apart %d %d %d %d\n", in(zeros, __data_start, edata), in(second_zeros, __data_start, edata),
                in(&first_value, __bss_start, end), in(&second_value, __bss_start, end));
            printf("order %d %d %d %d\n", edata == _edata, end == _end, edata <= __bss_start, __bss_start <= end);
            printf("others %d %d %d\n", __executable_start != 0, data_start == __data_start, in(&constant, __data_start, end));
            return second() + zeros[999];
        }
        """;

    private const string Second = """
        extern char end[], __bss_start[];
        int second_value = 7, second_zeros[500], third;
        int second(void) { return second_value - 7 + ((char *)second_zeros >= end) + ((char *)&third < __bss_start); }
        """;

    private const string Arrays = """
        #include <stdio.h>
        typedef void (*function)(void);
        extern function __init_array_start[] __attribute__((weak, visibility("hidden")));
        extern function __init_array_end[] __attribute__((weak, visibility("hidden")));
        extern function __fini_array_start[] __attribute__((visibility("hidden"))), __fini_array_end[] __attribute__((visibility("hidden")));
        extern function __preinit_array_start[] __attribute__((weak, visibility("hidden")));
        extern function __preinit_array_end[] __attribute__((weak, visibility("hidden")));
        static int calls;
        __attribute__((constructor(300))) static void late(void) { calls++; }
        __attribute__((constructor(200))) static void early(void) { calls++; }
        __attribute__((constructor)) static void plain(void) { calls++; }
        __attribute__((destructor)) static void last(void) { puts("last"); }
        extern void elsewhere(void), elsewhere_first(void);
        int main(void)
        {
            printf("%d calls\n", calls);
            for (function *f = __init_array_start; f < __init_array_end; f++)
                puts(*f == late ? "late" : *f == early ? "early" : *f == plain ? "plain"
                    : *f == elsewhere ? "elsewhere" : *f == elsewhere_first ? "elsewhere_first" : "-");
            int mine = 0;
            for (function *f = __fini_array_start; f < __fini_array_end; f++) mine += *f == last;
            printf("%d %d\n", mine, (int)(__preinit_array_end - __preinit_array_start));
            return 0;
        }
        """;

    private const string MoreArrays = """
        static volatile int called;
        __attribute__((constructor)) void elsewhere(void) { called++; }
        __attribute__((constructor(101))) void elsewhere_first(void) { called++; }
        """;

    private const string Header = """
        #include <elf.h>
        #include <stdio.h>
        #include <string.h>
        extern const Elf64_Ehdr __ehdr_start __attribute__((visibility("hidden")));
        __thread int variable = 5; __thread char zeros[100];
        int data = 1;
        __asm__(".pushsection .note.sample, \"a\", @note\n .balign 4\n .long 4, 4, 0x1234\n .asciz \"own\"\n .long 99\n .popsection");
        int main(void)
        {
            const Elf64_Phdr *p = (const Elf64_Phdr *)((const char *)&__ehdr_start + __ehdr_start.e_phoff);
            unsigned long base = 0;
            for (int i = 0; i < __ehdr_start.e_phnum; i++)
                if (p[i].p_type == PT_PHDR) base = (unsigned long)p - p[i].p_vaddr;
            printf("%d %d %d\n", memcmp(&__ehdr_start, ELFMAG "\2\1\1", 7), __ehdr_start.e_machine, __ehdr_start.e_phentsize);
            int code = 0, values = 0, header = 0, notes = 0, frame = 0, stack = -1; unsigned long tls = 0;
            for (int i = 0; i < __ehdr_start.e_phnum; i++) {
                unsigned long from = base + p[i].p_vaddr, to = from + p[i].p_memsz;
                #define HOLDS(x) ((unsigned long)(x) >= from && (unsigned long)(x) < to)
                if (p[i].p_type == PT_LOAD) {
                    if (HOLDS(main)) code = p[i].p_flags;
                    if (HOLDS(&data)) values = p[i].p_flags;
                    if (HOLDS(&__ehdr_start)) header = p[i].p_flags;
                }
                if (p[i].p_type == PT_TLS) tls = p[i].p_memsz * 10 + (*(int *)from == 5) * 1000000;
                if (p[i].p_type == PT_GNU_STACK) stack = p[i].p_flags;
                if (p[i].p_type == PT_GNU_EH_FRAME) frame = *(unsigned char *)from;
                if (p[i].p_type == PT_NOTE)
                    for (const Elf64_Nhdr *n = (void *)from; (unsigned long)n < to;
                        n = (void *)((char *)(n + 1) + ((n->n_namesz + p[i].p_align - 1) & -p[i].p_align)
                            + ((n->n_descsz + p[i].p_align - 1) & -p[i].p_align)))
                        notes += n->n_type == 0x1234 && *(int *)((char *)(n + 1) + 4) == 99;
            }
            printf("%d %d %d tls %lu notes %d frame %d stack %d %d\n", code, values, header, tls, notes, frame, stack, variable + zeros[3]);
            return 0;
        }
        """;

    private const string Weak = """
        #include <stdio.h>
        extern char __ehdr_start[] __attribute__((weak)), __executable_start[] __attribute__((weak)), end[] __attribute__((weak));
        extern char __init_array_start[] __attribute__((weak, visibility("hidden")));
        extern char nobody_defines_this[] __attribute__((weak));
        int main(void)
        {
            printf("%d %d %d %d %d\n", __ehdr_start != 0, __executable_start != 0, end != 0, __init_array_start != 0,
                nobody_defines_this != 0);
            return 0;
        }
        """;

    private const string Own = """
        #include <stdio.h>
        int edata = 11; extern int end; int etext(void) { return 13; }
        int main(void) { printf("%d %d %d\n", edata, end, etext()); return 0; }
        """;

    private const string OwnRest = "int end = 12;";

    private static readonly string[] Compilers = ["gcc-12 -O2", "gcc-12 -O0 -fno-pic", "clang-19 -O2 -fPIC", "clang-14 -O1 -fcommon"];

    [Test]
    public void BoundsAreThoseOfTheProgram([ValueSource(nameof(Compilers))] string compiler) =>
        AssertAsNative(compiler, Bounds, Second);

    [Test]
    public void ArraysOfFunctionsAreThereInTheirOrder([ValueSource(nameof(Compilers))] string compiler)
    {
        using var folder = new TemporaryFolder();
        string[] objects = Compile(folder, compiler, Arrays, MoreArrays);
        string[] native = Native(folder, compiler, objects).Output.Split('\n');

        CommandResult loaded = ElfloadCommand.Run(objects);

        // A start file has one function in the program's array: it is "-" there.
        Assert.That(loaded.Output.Split('\n'), Is.EqualTo(native.Where(line => line is not "-")), loaded.Error);
        Assert.That(loaded.Status, Is.Zero);
    }

    [Test]
    public void HeaderDescribesTheProgram([ValueSource(nameof(Compilers))] string compiler) => AssertAsNative(compiler, Header);

    [Test]
    public void WeakReferencesAreBound() => AssertAsNative("gcc-12 -O2", Weak);

    [Test]
    public void DefinitionsOfTheProgramPrevail() => AssertAsNative("gcc-12 -O2", Own, OwnRest);

    [Test]
    public void DefinitionsOfArchivesPrevail()
    {
        using var folder = new TemporaryFolder();
        string[] objects = Compile(folder, "gcc-12 -O2", Own, OwnRest);
        string archive = folder.File("rest.a");
        Command.Check("ar", ["rcs", archive, objects[1]]);
        CommandResult native = Native(folder, "gcc-12", [objects[0], archive]);

        CommandResult loaded = ElfloadCommand.Run([objects[0], archive]);

        Assert.That(loaded, Is.EqualTo(native));
    }

    private static void AssertAsNative(string compiler, params string[] sources)
    {
        using var folder = new TemporaryFolder();
        string[] objects = Compile(folder, compiler, sources);
        CommandResult native = Native(folder, compiler, objects);

        CommandResult loaded = ElfloadCommand.Run(objects);

        Assert.That(loaded, Is.EqualTo(native));
    }

    private static CommandResult Native(TemporaryFolder folder, string compiler, IEnumerable<string> objects)
    {
        string program = folder.File("program");
        string[] words = compiler.Split(' ');
        Command.Check(words[0], [.. words[1..].Where(word => word is "-fno-pic").Select(_ => "-no-pie"), .. objects, "-o", program]);
        return Command.Run(program, []);
    }

    private static string[] Compile(TemporaryFolder folder, string compiler, params string[] sources)
    {
        string[] words = compiler.Split(' ');
        List<string> objects = [];
        foreach (string source in sources)
        {
            string file = folder.File($"source{objects.Count}.c");
            File.WriteAllText(file, source);
            objects.Add(Path.ChangeExtension(file, ".o"));
            Command.Check(words[0], [.. words[1..], "-w", "-c", file, "-o", objects[^1]]);
        }

        return [.. objects];
    }
}
