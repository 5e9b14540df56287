namespace ElfLoader.Tests.EndToEnd;

/// <summary>
/// Data of shared libraries that were opened after the process started, far from the C library, as gcc's default output (PIE)
/// reaches it: relative to the instruction, in 32 bits.
/// </summary>
/// <remarks>
/// A preloaded library makes the distances: its constructor takes all the address space that the kernel would give out before,
/// opens a library, and gives the space back.
/// </remarks>
[Category("EndToEnd")]
[Platform("Linux")]
[Parallelizable(ParallelScope.All)]
public sealed class FarLibraryTests
{
    // Fills holes, so that what is opened next lies below all that was there; DISTANCES says how far, in GiB, for each library.
    internal const string Preloaded = """
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/mman.h>

        enum { Most = 100000 };
        static struct { void *start; size_t size; } holes[Most];
        static int count;
        static void *reserved[16];
        static size_t sizes[16];
        static int reservations;

        static void *reserve(size_t size)
        {
            return mmap(0, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        }

        __attribute__((constructor)) static void place(void)
        {
            char *list = strdup(getenv("DISTANCES"));
            for (char *item = strtok(list, " "); item; item = strtok(0, " "))
            {
                char *path = strchr(item, '=');
                *path++ = 0;
                size_t size = (size_t)atol(item) << 30;
                char *block = size ? reserve(size) : 0;
                if (block)
                {
                    reserved[reservations] = block;
                    sizes[reservations++] = size;
                    for (size_t hole = 1 << 24; hole >= 1 << 12; hole >>= 4)
                        do
                        {
                            holes[count].start = reserve(hole);
                            holes[count].size = hole;
                        } while (count < Most - 1 && (char *)holes[count++].start > block);
                }
                if (!dlopen(path, RTLD_NOW))
                    abort();
            }
            while (count--)
                munmap(holes[count].start, holes[count].size);
            while (reservations--)
                munmap(reserved[reservations], sizes[reservations]);
        }
        """;

    private const string Library = """
        int NAME_number = 40;
        const char *NAME_names[3] = { "zero", "one", "two" };
        char NAME_room[100000];
        int NAME_add(int more) { return NAME_number += more; }
        """;

    // Takes addresses, reads and writes; calls the library, the C library, and what the C library's data is for.
    private const string Program = """
        #include <stdio.h>
        extern int near_number, far_number;
        extern const char *far_names[3];
        extern char far_room[100000];
        int far_add(int);
        int main(void)
        {
            int *number = &far_number;
            far_number += 2;
            far_room[99999] = '!';
            printf("%d %d %s %c %d\n", *number, far_add(3), far_names[2], far_room[99999], far_number);
            return 0;
        }
        """;

    private TemporaryFolder _folder = null!;

    [OneTimeSetUp]
    public void Compile()
    {
        _folder = new TemporaryFolder();
        File.WriteAllText(_folder.File("preloaded.c"), Preloaded);
        Command.Check("gcc-12", ["-O1", "-shared", "-fPIC", _folder.File("preloaded.c"), "-o", _folder.File("preloaded.so")]);
        foreach (string name in (string[])["far", "other"])
        {
            File.WriteAllText(_folder.File($"{name}.c"), Library.Replace("NAME", name, StringComparison.Ordinal));
            Command.Check(
                "gcc-12", ["-O1", "-shared", "-fPIC", _folder.File($"{name}.c"), "-o", _folder.File($"lib{name}.so")]);
        }
    }

    [OneTimeTearDown]
    public void Delete() => _folder.Dispose();

    [Test]
    public void DataOfALibraryIsReachedWhereverItLies(
        [Values("gcc-12", "clang-19 -fPIE")] string compiler,
        [Values(0, 1, 3, 40)] int distance)
    {
        string file = CompileObject(Program, compiler);
        string native = $"{file}.native";
        Command.Check("gcc-12", [file, _folder.File("libfar.so"), $"-Wl,-rpath,{_folder.Path}", "-o", native]);

        CommandResult result = Run($"{distance}={_folder.File("libfar.so")}", [file], ["libfar.so"]);

        Assert.That(result, Is.EqualTo(Command.Run(native, [])));
    }

    [Test]
    public void DataOfTheCLibraryAndOfAnotherIsReachedIfTheyAreNotTooFarApart()
    {
        string file = CompileObject("""
            #include <stdio.h>
            extern int far_number;
            int main(void) { fprintf(stdout, "%d\n", far_number); return 0; }
            """);

        CommandResult result = Run($"1={_folder.File("libfar.so")}", [file], ["libfar.so"]);

        Assert.That(result, Is.EqualTo(new CommandResult(0, "40\n", "")));
    }

    /// <summary>No place for the code is within 2 GiB of both; the message names both libraries, and the flag that helps.</summary>
    [TestCase("stdout", @"'stdout' is data of \S*/libc\.so\.6 at 0x[0-9a-f]+", "30={0}/libfar.so")]
    [TestCase("&other_number", @"'other_number' is data of \S*/libother\.so at 0x[0-9a-f]+", "30={0}/libfar.so 40={0}/libother.so")]
    public void TwoLibrariesThatAreTooFarApartAreNamed(string second, string named, string distances)
    {
        string file = CompileObject($$"""
            #include <stdio.h>
            extern int far_number, other_number;
            int main(void) { printf("%d %p\n", far_number, (void *){{second}}); return 0; }
            """);

        CommandResult result = Run(
            string.Format(System.Globalization.CultureInfo.InvariantCulture, distances, _folder.Path),
            [file],
            ["libfar.so", "libother.so"]);

        Assert.That((result.Status, result.Output), Is.EqualTo((125, "")), result.Error);
        Assert.That(result.Error, Does.Match($@"^elfload: error: {Path.GetFileName(file)}: \.text\S*\+0x[0-9a-f]+: "));
        Assert.That(result.Error, Does.Match($@"'far_number' is data of {_folder.File("libfar.so")} at 0x[0-9a-f]+"));
        Assert.That(result.Error, Does.Match(named));
        Assert.That(result.Error, Does.Contain("gcc's default output (-fPIE)").And.Contain("-fPIC"));
        Assert.That(result.Error.TrimEnd().Split('\n'), Has.Length.EqualTo(1));
    }

    /// <summary>What the refusal advises helps.</summary>
    [Test]
    public void TwoLibrariesThatAreTooFarApartAreReachedByPositionIndependentCode()
    {
        string file = CompileObject(
            """
            #include <stdio.h>
            extern int far_number, other_number;
            int main(void) { fprintf(stdout, "%d\n", far_number + other_number); return 0; }
            """,
            "gcc-12 -fPIC");

        CommandResult result = Run(
            $"30={_folder.File("libfar.so")} 40={_folder.File("libother.so")}", [file], ["libfar.so", "libother.so"]);

        Assert.That(result, Is.EqualTo(new CommandResult(0, "80\n", "")));
    }

    private CommandResult Run(string distances, IEnumerable<string> objects, IEnumerable<string> libraries)
    {
        string tool = Environment.GetEnvironmentVariable("ELFLOAD") ?? $"dotnet {ElfloadCommand.Tool}";
        return Command.Run("env",
        [
            $"LD_PRELOAD={_folder.File("preloaded.so")}", $"DISTANCES={distances}", .. tool.Split(' '), "run", .. objects,
            .. libraries.SelectMany(library => (string[])["--library", _folder.File(library)]),
        ]);
    }

    private string CompileObject(string source, string compiler = "gcc-12")
    {
        string name = _folder.File($"{Guid.NewGuid():n}");
        File.WriteAllText($"{name}.c", source);
        string[] words = compiler.Split(' ');
        Command.Check(words[0], [.. words[1..], "-O1", "-c", $"{name}.c", "-o", $"{name}.o"]);
        return $"{name}.o";
    }
}
