namespace ElfLoader.Tests.EndToEnd;

/// <summary>
/// Code that reaches the data of one shared library has room near to it, whatever is mapped between the opening of the library and
/// the load, and however narrow the gaps are that the kernel would put the library into.
/// </summary>
[Category("EndToEnd")]
[Platform("Linux")]
[Parallelizable(ParallelScope.All)]
public sealed class LibraryRoomTests
{
    private const string Library = "int number = 40, other = 2;\n";

    private const string Program = "extern int number, other;\nint main(void) { return number + other; }\n";

    // Takes all that is free within 2 GiB of a variable, and of some more around.
    private const string Filling = """
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <stdlib.h>
        #include <stdio.h>
        #include <sys/mman.h>

        static void take(unsigned long start, unsigned long end)
        {
            if (start < end)
                mmap((void *)start, end - start, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
        }

        static void fill(unsigned long middle)
        {
            static unsigned long mapped[100000][2];
            unsigned long start = middle - (1UL << 31) - (1 << 28), end = middle + (1UL << 31) + (1 << 28), free = start;
            int count = 0;
            char line[1000];
            FILE *maps = fopen("/proc/self/maps", "r");
            while (fgets(line, sizeof line, maps))
                count += sscanf(line, "%lx-%lx", &mapped[count][0], &mapped[count][1]) == 2;
            fclose(maps);
            for (int i = 0; i < count; i++)
            {
                if (mapped[i][1] <= free)
                    continue;
                take(free, mapped[i][0] < end ? mapped[i][0] : end);
                free = mapped[i][1];
            }
            take(free, end);
        }

        """;

    // Leaves small holes above all that is free, some for the runtime and one for a library, and nothing else within 2 GiB of them.
    private const string Narrowing = """
        #define _GNU_SOURCE
        #include <stddef.h>
        #include <sys/mman.h>

        static char *reserve(size_t size)
        {
            return mmap(0, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        }

        __attribute__((constructor)) static void narrow(void)
        {
            char *block = reserve(6UL << 30);
            for (size_t size = 1 << 30; size >= 1 << 12; size >>= 2)
                for (int i = 0; i < 10000; i++)
                {
                    char *taken = reserve(size);
                    if (taken < block)
                    {
                        munmap(taken, size);
                        break;
                    }
                }
            for (int i = 0; i < 64; i++)
                munmap(block + (3UL << 30) + (i << 20), 64 << 10);
        }
        """;

    private TemporaryFolder _folder = null!;

    [OneTimeSetUp]
    public void Compile()
    {
        _folder = new TemporaryFolder();
        CompileLibrary("preloaded", FarLibraryTests.Preloaded);
        CompileLibrary("used", Library);
        CompileLibrary("narrow", Narrowing);
        CompileLibrary("fills", Filling + $$"""
            __attribute__((constructor)) static void begin(void)
            {
                fill((unsigned long)dlsym(dlopen("{{_folder.File("used.so")}}", RTLD_NOW | RTLD_NOLOAD), "number"));
            }
            """);
        CompileLibrary("selfish", Filling + Library + """
            __attribute__((constructor)) static void begin(void) { fill((unsigned long)&number); }
            """);
        CompileObject("program", Program);
        CompileObject("medium", Program + "char room[1 << 23];\n");
        CompileObject("large", Program + "char room[1 << 28];\n"); // what no small gap holds
    }

    [OneTimeTearDown]
    public void Delete() => _folder.Dispose();

    [Test]
    public void RoomIsKeptFromTheTimeThatTheLibraryIsOpened()
    {
        CommandResult result = Run("program.o", "used.so", "used.so", "fills.so");

        Assert.That(result, Is.EqualTo(new CommandResult(42, "", "")));
    }

    [Test]
    public void ALibraryIsOpenedWhereThereIsRoomNearToIt()
    {
        CommandResult result = Run("medium.o", null, "narrow.so", "used.so");

        Assert.That(result, Is.EqualTo(new CommandResult(42, "", "")));
    }

    /// <summary>There never was room; both variables are of one library, which is named.</summary>
    [Test]
    public void ALibraryWithoutRoomIsNamed()
    {
        CommandResult result = Run("large.o", null, "selfish.so");

        string library = _folder.File("selfish.so");
        Assert.That((result.Status, result.Output), Is.EqualTo((125, "")), result.Error);
        Assert.That(result.Error, Does.Match($"'(number|other)' is data of {library} at 0x[0-9a-f]+, and '(number|other)' is data of {library} "));
        Assert.That(result.Error, Does.Contain($"the code must lie within 2 GiB of {library}, where there is no room"));
    }

    /// <summary>Runs the program; one library may be there, 3 GiB away from all others, from the start.</summary>
    private CommandResult Run(string program, string? far, params string[] libraries)
    {
        string tool = Environment.GetEnvironmentVariable("ELFLOAD") ?? $"dotnet {ElfloadCommand.Tool}";
        string[] preload = far is null ? []
            : [$"LD_PRELOAD={_folder.File("preloaded.so")}", $"DISTANCES=3={_folder.File(far)}"];
        return Command.Run("env",
        [
            .. preload, .. tool.Split(' '), "run", _folder.File(program),
            .. libraries.SelectMany(library => (string[])["--library", _folder.File(library)]),
        ]);
    }

    private void CompileObject(string name, string source)
    {
        File.WriteAllText(_folder.File($"{name}.c"), source);
        Command.Check("gcc-12", ["-O1", "-fPIE", "-c", _folder.File($"{name}.c"), "-o", _folder.File($"{name}.o")]);
    }

    private void CompileLibrary(string name, string source)
    {
        File.WriteAllText(_folder.File($"{name}.c"), source);
        Command.Check("gcc-12", ["-O1", "-shared", "-fPIC", _folder.File($"{name}.c"), "-o", _folder.File($"{name}.so")]);
    }
}
