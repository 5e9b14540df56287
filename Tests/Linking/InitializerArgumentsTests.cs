using System.Runtime.InteropServices;
using ElfLoader.Tests.Tools;

namespace ElfLoader.Tests.Linking;

/// <summary>
/// Initializers find argv, the environment and the auxiliary vector one behind the other, as on the stack of a new process
/// (System V ABI, "Process Initialization").
/// </summary>
[Platform("Linux")]
public sealed class InitializerArgumentsTests
{
    /// <summary>Each check that fails sets a bit.</summary>
    private const string Source = """
        #include <elf.h>
        #include <fcntl.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/auxv.h>
        #include <unistd.h>

        extern char **environ;
        static int failed, count;
        static char **vector, **variables;

        static const Elf64_auxv_t *find(const Elf64_auxv_t *entry, unsigned long type)
        {
            for (; entry->a_type != AT_NULL; entry++) if (entry->a_type == type) return entry;
            return 0;
        }

        __attribute__((constructor)) static void start(int argc, char **argv, char **envp)
        {
            count = argc;
            vector = argv;
            variables = envp;
            if (((long *)argv)[-1] != argc) failed |= 1;
            if (argv[argc] != 0) failed |= 2;
            if (envp != argv + argc + 1) failed |= 4;
            char **own = envp, **current = environ;
            while (*own && *current && strcmp(*own, *current) == 0) { own++; current++; }
            if (*own || *current) failed |= 8;
            const Elf64_auxv_t *auxiliary = (const Elf64_auxv_t *)(own + 1);
            Elf64_auxv_t kernels[64];
            int file = open("/proc/self/auxv", O_RDONLY);
            int entries = (int)(read(file, kernels, sizeof kernels) / sizeof kernels[0]);
            close(file);
            if (entries < 10) failed |= 16;
            int own_entries = 0;
            for (const Elf64_auxv_t *entry = auxiliary; entry->a_type != AT_NULL; entry++) own_entries++;
            if (own_entries + 1 != entries) failed |= 32;
            for (int i = 0; i < entries - 1; i++)
            {
                const Elf64_auxv_t *same = find(auxiliary, kernels[i].a_type);
                if (!same || same->a_un.a_val != kernels[i].a_un.a_val) failed |= 64;
            }
            for (int i = 1; i < argc; i++) if (argv[i] != argv[i - 1] + strlen(argv[i - 1]) + 1) failed |= 128;
        }

        int failures(void) { return failed; }
        int arguments(void) { return count; }
        const char *argument(int i) { return vector[i]; }
        const char *variable(const char *name)
        {
            unsigned long length = strlen(name);
            for (char **v = variables; *v; v++) if (strncmp(*v, name, length) == 0 && (*v)[length] == '=') return *v + length + 1;
            return 0;
        }
        void set(const char *name, const char *value) { setenv(name, value, 1); }
        """;

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int Number();

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate nint Text(int index);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate nint Lookup([MarshalAs(UnmanagedType.LPUTF8Str)] string name);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate void Store(
        [MarshalAs(UnmanagedType.LPUTF8Str)] string name, [MarshalAs(UnmanagedType.LPUTF8Str)] string value);

    private readonly ToolPrograms _programs = new();
    private string _object = "";

    [OneTimeSetUp]
    public void Compile() => _object = _programs.Compile("arguments", Source, "-fPIC");

    [OneTimeTearDown]
    public void Remove() => _programs.Dispose();

    [TestCase]
    [TestCase("one")]
    [TestCase("one", "", "ä ö", "four words in it")]
    public void AllIsOneBlock(params string[] arguments)
    {
        using var library = new ObjectLibrary("arguments", new ObjectLibraryOptions { Arguments = arguments });
        library.Load(_object);
        Text argument = library.GetFunction<Text>("argument");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(library.GetFunction<Number>("failures")(), Is.Zero, "bits of the checks that failed");
            Assert.That(library.GetFunction<Number>("arguments")(), Is.EqualTo(arguments.Length));
            Assert.That(
                Enumerable.Range(0, arguments.Length).Select(i => Marshal.PtrToStringUTF8(argument(i))), Is.EqualTo(arguments));
        }
    }

    [Test]
    public void LaterInitializersSeeTheEnvironmentAsItIsThen()
    {
        string name = $"ELFLOADER_{Guid.NewGuid():N}";
        using var library = new ObjectLibrary("arguments", new ObjectLibraryOptions { Arguments = ["name"] });
        LoadedUnit first = library.Load(_object);
        Assert.That(library.GetFunction<Lookup>("variable")(name), Is.EqualTo(nint.Zero));
        library.GetFunction<Store>("set")(name, "later");
        first.Unload();

        library.Load(_object);

        Assert.That(Marshal.PtrToStringUTF8(library.GetFunction<Lookup>("variable")(name)), Is.EqualTo("later"));
    }
}
