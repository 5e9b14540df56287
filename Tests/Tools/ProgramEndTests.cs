using ElfLoader.Tests.EndToEnd;

namespace ElfLoader.Tests.Tools;

/// <summary>A program ends under <c>elfload run</c> as it ends when it is linked natively: same status, output, signal.</summary>
[Category("EndToEnd")]
[Parallelizable(ParallelScope.Children)]
public sealed class ProgramEndTests : IDisposable
{
    private const string Source = """
        #include <assert.h>
        #include <pthread.h>
        #include <signal.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/wait.h>
        #include <unistd.h>

        static int is(const char *mode, const char *name) { return strcmp(mode, name) == 0; }

        __attribute__((noinline)) static int overflow(volatile char *outer)
        {
            volatile char inner[4096];
            inner[0] = *outer;
            return overflow(inner) + inner[0];
        }

        static void on_alarm(int signal)
        {
            (void)signal;
            printf("alarm on the primary thread: %d\n", getpid() == gettid());
            exit(6);
        }

        int main(int argc, char **argv)
        {
            const char *mode = argv[argc - 1];
            if (is(mode, "return")) { printf("buffered"); return 300; }
            if (is(mode, "exit")) { printf("buffered"); exit(-1); }
            if (is(mode, "_exit")) { _exit(3); }
            if (is(mode, "primary")) { return getpid() == gettid() ? 1 : 2; }
            if (is(mode, "abort")) { abort(); }
            if (is(mode, "assert")) { assert(argc > 100); }
            if (is(mode, "segv")) { *(volatile int *)8 = 1; }
            if (is(mode, "trap")) { __builtin_trap(); }
            if (is(mode, "overflow")) { return overflow(mode); }
            if (is(mode, "term")) { raise(SIGTERM); }
            // Who runs in the background ignores these two.
            if (is(mode, "int")) { signal(SIGINT, SIG_DFL); kill(getpid(), SIGINT); pause(); }
            if (is(mode, "quit")) { signal(SIGQUIT, SIG_DFL); raise(SIGQUIT); }
            if (is(mode, "hup")) { raise(SIGHUP); }
            if (is(mode, "alarm")) { signal(SIGALRM, on_alarm); alarm(1); for (;;) pause(); }
            if (is(mode, "pipe"))
            {
                int ends[2];
                if (pipe(ends)) return 1;
                close(ends[0]);
                return (int)write(ends[1], "x", 1);
            }
            if (is(mode, "fork"))
            {
                pid_t child = fork();
                int status;
                if (child == 0) exit(9);
                waitpid(child, &status, 0);
                printf("child: %d\n", WEXITSTATUS(status));
                return 4;
            }
            if (is(mode, "dispositions"))
            {
                for (int i = 1; i < 32; i++)
                {
                    struct sigaction action;
                    sigaction(i, 0, &action);
                    if (action.sa_handler != SIG_DFL) printf("signal %d is not as it was\n", i);
                }
                sigset_t blocked;
                sigprocmask(SIG_SETMASK, 0, &blocked);
                for (int i = 1; i < 65; i++) if (sigismember(&blocked, i) == 1) printf("signal %d is blocked\n", i);
                return 0;
            }
            return 99;
        }
        """;

    private readonly ToolPrograms _programs = new();
    private string _object = "";
    private string _native = "";

    [OneTimeSetUp]
    public void Compile()
    {
        _object = _programs.Compile("end", Source);
        _native = _programs.Build("end", Source);
    }

    [TestCase("return", 44)]
    [TestCase("exit", 255)]
    [TestCase("_exit", 3)]
    [TestCase("primary", 1)]
    [TestCase("abort", 134)]
    [TestCase("assert", 134)]
    [TestCase("segv", 139)]
    [TestCase("trap", 132)]
    [TestCase("overflow", 139)]
    [TestCase("term", 143)]
    [TestCase("int", 130)]
    [TestCase("quit", 131)]
    [TestCase("hup", 129)]
    [TestCase("alarm", 6)]
    [TestCase("pipe", 141)]
    [TestCase("fork", 4)]
    [TestCase("dispositions", 0)]
    public void EndsAsNatively(string mode, int status)
    {
        // The test's own process ignores SIGPIPE, as every .NET process does; its children would inherit that.
        CommandResult native = Command.Run("env", ["--default-signal=PIPE", _native, mode]);
        CommandResult loaded = ElfloadCommand.Run([_object], mode);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(native.Status, Is.EqualTo(status), "natively");
            Assert.That(loaded.Status, Is.EqualTo(status));
            Assert.That(loaded.Output, Is.EqualTo(native.Output));
            Assert.That(loaded.Error, Is.EqualTo(native.Error.Replace("end: ", "end.o: ", StringComparison.Ordinal)));
        }
    }

    public void Dispose() => _programs.Dispose();
}
