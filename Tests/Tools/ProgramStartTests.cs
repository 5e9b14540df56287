using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Tools;

/// <summary>
/// A program starts under <c>elfload run</c> as it starts when it is linked natively, and its threads end as they end there.
/// </summary>
[Category("EndToEnd")]
[Parallelizable(ParallelScope.Children)]
public sealed class ProgramStartTests
{
    private const string Start = """
        #include <elf.h>
        #include <fenv.h>
        #include <stdio.h>
        #include <string.h>
        #include <sys/auxv.h>

        extern char **environ;
        static char **first_vector, **first_variables;

        __attribute__((constructor)) static void note(int argc, char **argv, char **envp)
        {
            first_vector = argv;
            first_variables = envp;
        }

        int main(int argc, char **argv, char **envp)
        {
            unsigned control, noted = 0;
            unsigned short x87;
            noted = (unsigned)fetestexcept(FE_ALL_EXCEPT);
            __asm__("stmxcsr %0" : "=m"(control));
            __asm__("fnstcw %0" : "=m"(x87));
            printf("exceptions %x, MXCSR %x, control word %x\n", noted, control, x87);
            printf("argv %d, envp %d, environ %d\n", argv == first_vector, envp == first_variables, envp == environ);
            printf("behind argv %d, argc before it %d\n", envp == argv + argc + 1, ((long *)argv)[-1] == argc);
            char **end = envp;
            while (*end) end++;
            const Elf64_auxv_t *entry = (const Elf64_auxv_t *)(end + 1);
            int count = 0, wrong = 0;
            for (; entry->a_type != AT_NULL; entry++, count++) wrong += getauxval(entry->a_type) != entry->a_un.a_val;
            printf("auxiliary vector: %s, %d wrong\n", count > 10 && count < 64 ? "plausible" : "implausible", wrong);
            return 0;
        }
        """;

    private const string Threads = """
        #include <atomic>
        #include <pthread.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/wait.h>
        #include <threads.h>
        #include <unistd.h>

        struct Local { int number; ~Local() { printf("thread_local %d\n", number); } };
        static thread_local Local local;
        static pthread_t primary;
        static pthread_key_t key;

        static bool is(const char *mode, const char *name) { return strcmp(mode, name) == 0; }
        static std::atomic<bool> ended; // the primary thread has come to the destructors of its thread-specific data
        static void say(void *text) { printf("%s\n", (const char *)text); }
        static void end_specific(void *text) { say(text); ended = true; }
        static void wait_for_primary() { while (!ended) usleep(1000); usleep(10000); }
        static void at_exit(void) { printf("atexit\n"); }
        struct Global { ~Global() { printf("static destructor\n"); } } global;

        static void *late(void *) { wait_for_primary(); printf("late\n"); return nullptr; }
        static void *later(void *) { wait_for_primary(); pthread_t other; pthread_create(&other, nullptr, late, nullptr); return nullptr; }
        static void *leave(void *) { wait_for_primary(); exit(7); }
        static void *cancel(void *) { pthread_cancel(primary); wait_for_primary(); printf("cancelled\n"); return nullptr; }

        static void end(const char *mode)
        {
            pthread_cleanup_push(say, (void *)"cleanup");
            struct Automatic { ~Automatic() { printf("automatic\n"); } } automatic;
            if (is(mode, "cancel")) for (;;) pause();
            if (is(mode, "thrd_exit")) thrd_exit(3);
            pthread_exit((void *)5);
            pthread_cleanup_pop(0);
        }

        int main(int argc, char **argv)
        {
            const char *mode = argv[argc - 1];
            pthread_t thread;
            primary = pthread_self();
            local.number = 1;
            atexit(at_exit);
            pthread_key_create(&key, end_specific);
            pthread_setspecific(key, "specific");
            if (is(mode, "late")) pthread_create(&thread, nullptr, late, nullptr);
            if (is(mode, "later")) pthread_create(&thread, nullptr, later, nullptr);
            if (is(mode, "leave")) pthread_create(&thread, nullptr, leave, nullptr);
            if (is(mode, "cancel")) pthread_create(&thread, nullptr, cancel, nullptr);
            if (is(mode, "child"))
            {
                fflush(stdout);
                pid_t child = fork();
                if (child == 0) end("alone");
                int status;
                waitpid(child, &status, 0);
                printf("child ended: %d %d\n", WIFEXITED(status), WEXITSTATUS(status));
                return 8;
            }
            end(mode);
            return 9;
        }
        """;

    private readonly ToolPrograms _programs = new();
    private string _object = "";
    private string _native = "";

    private static string StartObject => Path.Combine(Fixtures.Root, "Tools", "elfload", "Running", "X64Start.o");

    [OneTimeSetUp]
    public void Compile()
    {
        string source = _programs.Write("threads.cpp", Threads);
        (_object, _native) = (_programs.Path("threads.o"), _programs.Path("threads"));
        Command.Check("clang++-14", ["-O1", "-fPIE", "-c", source, "-o", _object]);
        Command.Check("clang++-14", ["-O1", "-fPIE", source, "-o", _native]);
    }

    [OneTimeTearDown]
    public void Remove() => _programs.Dispose();

    [Test]
    public void MainFindsWhatTheSystemGives()
    {
        string loaded = _programs.Compile("start", Start, "-fPIE");
        string native = _programs.Build("start", Start, "-lm");

        CommandResult expected = Command.Run(native, ["one", "two"]);

        Assert.That(expected.Output, Does.StartWith("exceptions 0, MXCSR 1f80, control word 37f\n"));
        Assert.That(ElfloadCommand.Run([loaded], "one", "two"), Is.EqualTo(expected));
    }

    [TestCase("alone", 0)]
    [TestCase("late", 0)]
    [TestCase("later", 0)]
    [TestCase("thrd_exit", 0)]
    [TestCase("cancel", 0)]
    [TestCase("leave", 7)]
    [TestCase("child", 8)]
    public void TheProcessEndsWithItsLastThread(string mode, int status)
    {
        CommandResult native = Command.Run("timeout", ["20", _native, mode]);
        CommandResult loaded = Command.Run(
            "timeout", ["20", "dotnet", ElfloadCommand.Tool, "run", _object, "--", mode]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(native.Status, Is.EqualTo(status), "natively");
            Assert.That(loaded, Is.EqualTo(native));
        }
    }

    [Test]
    public void TheStartObjectIsWhatItsSourceSays()
    {
        string built = _programs.Path("X64Start.o");
        Command.Check("as", ["--64", Path.ChangeExtension(StartObject, ".s"), "-o", built]);

        Assert.That(File.ReadAllBytes(built), Is.EqualTo(File.ReadAllBytes(StartObject)));
    }
}
