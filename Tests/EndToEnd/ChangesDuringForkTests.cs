using System.Runtime.InteropServices;
using ElfLoader.Elf;
using ElfLoader.Memory;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.EndToEnd;

/// <summary>
/// What other threads load and replace between the handlers of a fork and the fork itself: nobody waits for the fork, and the
/// child has it. And children that the system does not let have copies in the usual way.
/// </summary>
[Category("EndToEnd")]
[NonParallelizable]
public sealed class ChangesDuringForkTests
{
    // A library that was there before the loader registered its handlers: its own run after these.
    private const string Locking = """
        #define _GNU_SOURCE
        #include <pthread.h>
        #include <stdatomic.h>
        #include <stddef.h>
        #include <unistd.h>
        #include <linux/filter.h>
        #include <linux/seccomp.h>
        #include <sys/prctl.h>
        #include <sys/syscall.h>

        static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
        static atomic_int waiting;
        static int (*volatile published)(void);

        static void prepare(void) { waiting = 1; pthread_mutex_lock(&mutex); }
        static void release(void) { pthread_mutex_unlock(&mutex); }
        __attribute__((constructor)) static void start(void) { pthread_atfork(prepare, release, release); }

        void hold(void) { waiting = 0; pthread_mutex_lock(&mutex); }
        void let_go(void) { pthread_mutex_unlock(&mutex); }
        int is_waiting(void) { return waiting; }
        void publish(int (*function)(void)) { published = function; }

        int begin(int expected, int pipe) {
            int child = fork();
            if (child != 0) return child;
            alarm(60);
            char letter;
            if (read(pipe, &letter, 1) != 1) _exit(99);
            for (int round = 0; round < 100; round++)
                if (published() != expected) _exit(1);
            _exit(0);
        }

        struct request { int expected, pipe, mapping, child; };

        /* Forks in a thread that must not make memory executable: not with mprotect, nor perhaps with mmap. */
        static void *begin_forbidden(void *argument) {
            struct request *request = argument;
            struct sock_filter filter[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mprotect, 1, 0),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, request->mapping ? SYS_mmap : SYS_mprotect, 0, 2),
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
                BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 4, 1, 0),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 1),
            };
            struct sock_fprog program = { sizeof filter / sizeof *filter, filter };
            if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0)
                request->child = begin(request->expected, request->pipe);
            return NULL;
        }

        int begin_in_thread(int expected, int pipe, int mapping) {
            struct request request = { expected, pipe, mapping, -1 };
            pthread_t thread;
            if (pthread_create(&thread, NULL, begin_forbidden, &request) != 0) return -1;
            pthread_join(thread, NULL);
            return request.child;
        }
        """;

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int Begin(int expected, int pipe);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int BeginInThread(int expected, int pipe, int mapping);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int Query();

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate void Publish(nint function);

    [Test]
    public void NobodyWaitsForAForkWhoseHandlersWait() => ChildProcess.Check(ChangeBetweenHandlers);

    [Test]
    public void ChildrenHaveCopiesWherePrivateMemoryIsNotExecutable() => ChildProcess.Check(ForkWithoutExecutableMemory);

    [Test]
    public void ChildrenWithoutCopiesAreCounted() => ChildProcess.Check(ForkWithoutCopies);

    private static void ChangeBetweenHandlers()
    {
        using var locking = new LockingLibrary();
        using var library = new ObjectLibrary("beside");
        library.Load(Object(1 << 10, 1), "first.o");
        using var replaced = new ObjectLibrary("replaced", new ObjectLibraryOptions { Redirectable = true });
        replaced.Load(Object(1 << 10, 1), "old.o");

        Assert.Multiple(() =>
        {
            using (var small = new ObjectLibrary("small"))
            {
                Assert.That(locking.Fork(() => Load(small, 1 << 10), () => Reload(small, 1 << 10)), Is.Zero, "in memory that is there");
            }

            using (var large = new ObjectLibrary("large"))
            {
                Assert.That(locking.Fork(() => Load(large, 9 << 20), () => Reload(large, 9 << 20)), Is.Zero, "in more of it");
            }

            using (var low = new ObjectLibrary("low", new ObjectLibraryOptions { Placement = MemoryPlacement.Low }))
            {
                Assert.That(locking.Fork(() => Load(low, 1 << 10), () => Reload(low, 1 << 10)), Is.Zero, "in memory elsewhere");
            }

            Assert.That(
                locking.Fork(
                    () =>
                    {
                        replaced.Replace(Object(1 << 10, 2), "new.o");
                        return replaced.GetExport("number");
                    },
                    () =>
                    {
                        replaced.Replace(Object(1 << 10, 3), "newer.o");
                        replaced.Reclaim();
                        replaced.Replace(Object(1 << 10, 4), "newest.o");
                        replaced.Reclaim();
                    }),
                Is.Zero,
                "through a cell");
            Assert.That(ObjectLibrary.ForkedChildrenWithoutCopies, Is.Zero);
        });
    }

    private static void ForkWithoutExecutableMemory()
    {
        using var locking = new LockingLibrary();
        using var library = new ObjectLibrary("forked");
        locking.Publish(Load(library, 1 << 20));

        Assert.That(locking.ForkForbidden(forbidsMapping: false, () => Reload(library, 1 << 20)), Is.Zero);
        Assert.That(ObjectLibrary.ForkedChildrenWithoutCopies, Is.Zero);
    }

    private static void ForkWithoutCopies()
    {
        using var locking = new LockingLibrary();
        using var library = new ObjectLibrary("forked");
        locking.Publish(Load(library, 1 << 20));

        Assert.That(locking.ForkForbidden(forbidsMapping: true, () => { }), Is.Zero, "it shares what its parent leaves alone");
        Assert.That(ObjectLibrary.ForkedChildrenWithoutCopies, Is.EqualTo(1));
    }

    private static nint Load(ObjectLibrary library, int size)
    {
        library.Load(Object(size, 2), "old.o");
        return library.GetExport("number");
    }

    private static void Reload(ObjectLibrary library, int size)
    {
        library.Unload();
        library.Load(Object(size, 3), "new.o");
    }

    /// <summary>An object of some size whose function, at its end, returns a number.</summary>
    private static byte[] Object(int size, byte number)
    {
        byte[] function = [0xb8, number, 0, 0, 0, 0xc3]; // mov $number,%eax; ret
        byte[] code = new byte[size];
        code.AsSpan().Fill(0xcc);
        function.CopyTo(code, size - function.Length);
        ElfBuilder elf = new();
        int text = elf.AddCode(".text", code);
        elf.AddSymbol("number", text, (ulong)(size - function.Length), (ulong)function.Length, SymbolBinding.Global, SymbolType.Function);
        return elf.Build();
    }

    private sealed class LockingLibrary : IDisposable
    {
        private readonly TemporaryFolder _folder = new();
        private readonly nint _library;

        internal LockingLibrary()
        {
            File.WriteAllText(_folder.File("locking.c"), Locking);
            Command.Check("gcc", ["-O1", "-fPIC", "-shared", _folder.File("locking.c"), "-o", _folder.File("liblocking.so")]);
            _library = NativeLibrary.Load(_folder.File("liblocking.so"));
            Publish = Function<Publish>("publish");
        }

        internal Publish Publish { get; }

        public void Dispose() => _folder.Dispose();

        /// <summary>Forks a child that calls what is published, between the handlers and the fork.</summary>
        /// <returns>Its status: 0 where the function returned 2 whenever it was called.</returns>
        internal int Fork(Func<nint> change, Action later)
        {
            WaitingChild? child = null;
            var forking = new Thread(() => child = WaitingChild.Fork(waiting => Function<Begin>("begin")(2, waiting)));
            _ = Function<Query>("hold")();
            forking.Start();
            while (Function<Query>("is_waiting")() is 0)
            {
                Thread.Sleep(1);
            }

            Publish(change());
            _ = Function<Query>("let_go")();
            forking.Join();
            later();
            return child!.Finish();
        }

        internal int ForkForbidden(bool forbidsMapping, Action later)
        {
            WaitingChild child = WaitingChild.Fork(
                waiting => Function<BeginInThread>("begin_in_thread")(2, waiting, forbidsMapping ? 1 : 0));
            later();
            return child.Finish();
        }

        private T Function<T>(string name)
            where T : Delegate => Marshal.GetDelegateForFunctionPointer<T>(NativeLibrary.GetExport(_library, name));
    }
}
