using ElfLoader.Tests.EndToEnd;

namespace ElfLoader.Tests.Tools;

/// <summary>
/// Thread-local variables that are reached through <c>__tls_get_addr</c> live as long as natively: until the destructors of
/// thread-specific data have run, and those of the primary thread's <c>thread_local</c> objects, which wait for <c>exit</c>.
/// </summary>
[Category("EndToEnd")]
[Parallelizable(ParallelScope.Children)]
public sealed class ThreadLocalEndTests
{
    private const string Source = """
        #include <pthread.h>
        #include <stdio.h>
        #include <string.h>

        struct Local
        {
            long number;
            char text[200];
            Local() : number(1) { memset(text, 'x', 199); text[199] = 0; }
            ~Local() { printf("destructor: %ld, %zu characters\n", number, strlen(text)); }
        };
        static thread_local Local local;
        static thread_local long plain = 10;
        static pthread_key_t key;
        static int rounds;

        static void end(void *name)
        {
            printf("%s: %ld\n", (const char *)name, ++plain);
            if (++rounds % 3) pthread_setspecific(key, name);
        }

        static void begin(const char *name, long number)
        {
            plain = number;
            pthread_setspecific(key, name);
        }

        static void *plain_thread(void *) { begin("thread", 20); return nullptr; }
        static void *object_thread(void *) { local.number = 30; begin("thread with an object", 30); pthread_exit(nullptr); }

        int main(int, char **argv)
        {
            pthread_key_create(&key, end);
            pthread_t thread;
            pthread_create(&thread, nullptr, plain_thread, nullptr);
            pthread_join(thread, nullptr);
            pthread_create(&thread, nullptr, object_thread, nullptr);
            pthread_join(thread, nullptr);
            local.number = 40;
            begin("primary", 40);
            if (strcmp(argv[1], "return") == 0) return 3;
            pthread_exit(nullptr);
        }
        """;

    private readonly ToolPrograms _programs = new();

    [OneTimeTearDown]
    public void Remove() => _programs.Dispose();

    [TestCase("return", "g++-12", "")]
    [TestCase("pthread_exit", "g++-12", "")]
    [TestCase("pthread_exit", "g++-12", "-mtls-dialect=gnu2")]
    [TestCase("pthread_exit", "clang++-19", "")]
    public void ValuesAreThereToTheEnd(string mode, string compiler, string dialect)
    {
        string name = $"{mode}{compiler}{dialect}";
        string source = _programs.Write($"{name}.cpp", Source);
        string compiled = _programs.Path($"{name}.o");
        string native = _programs.Path(name);
        Command.Check(compiler, ["-O1", "-fPIC", .. dialect.Length > 0 ? [dialect] : (string[])[], "-c", source, "-o", compiled]);
        Command.Check(compiler, [compiled, "-o", native]);
        CommandResult expected = Command.Run("timeout", ["20", native, mode]);
        Assert.That(expected.Output, Does.Contain("destructor: 40, 199 characters\n"));
        Assert.That(expected.Output, Does.Contain("thread: 23\n"));

        CommandResult result = Command.Run("timeout", ["20", "dotnet", ElfloadCommand.Tool, "run", compiled, "--", mode]);

        Assert.That(result, Is.EqualTo(expected));
    }
}
