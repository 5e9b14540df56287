using ElfLoader.Tests.EndToEnd;

namespace ElfLoader.Tests.DynamicLinking;

/// <summary>
/// Programs that ask the dynamic linker about themselves (<c>dladdr</c>, <c>dlsym</c>, <c>dl_iterate_phdr</c>,
/// <c>_dl_find_object</c>): loaded, they are told what the natively linked program is, all of whose symbols are exported.
/// </summary>
[Category("EndToEnd")]
[Parallelizable(ParallelScope.All)]
public sealed class SelfInspectionTests
{
    private const string Head = """
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <elf.h>
        #include <link.h>
        #include <pthread.h>
        #include <signal.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/wait.h>
        #include <unistd.h>

        """;

    private const string Addresses = Head + """
        int variable = 3, zeros[100]; const char text[20] = "constant"; static int own;
        int function(int x) { return x * 3 + variable; }
        static int hidden_from_others(int x) { return x - 1; }
        __attribute__((visibility("hidden"))) int hidden(int x) { return x + 1; }
        __attribute__((weak)) int weak(int x) { return x; }
        static int chosen(void) { return 9; }
        static void *choose(void) { return chosen; }
        int indirect(void) __attribute__((ifunc("choose")));
        __asm__(".globl outer, inner\n .type outer, @function\n .type inner, @function\n outer: nop\n nop\n inner: nop\n nop\n .size inner, 2\n"
            " nop\n ret\n .size outer, . - outer\n .globl sizeless\n .type sizeless, @function\n sizeless: nop\n ret\n");
        extern char outer[], inner[], sizeless[];
        static void tell(const char *what, const void *address)
        {
            Dl_info info = {0};
            int found = dladdr(address, &info);
            const Elf64_Sym *symbol = 0; struct link_map *map = 0; Dl_info more = {0};
            int with_symbol = dladdr1(address, &more, (void **)&symbol, RTLD_DL_SYMENT);
            printf("%s: %d %s +%ld file %d base %d; %d ", what, !!found, info.dli_sname ? info.dli_sname : "-",
                info.dli_saddr ? (long)((char *)address - (char *)info.dli_saddr) : -1L, info.dli_fname != 0, info.dli_fbase != 0, !!with_symbol);
            if (with_symbol && symbol) printf("size %ld type %d bind %d ", (long)symbol->st_size, ELF64_ST_TYPE(symbol->st_info), ELF64_ST_BIND(symbol->st_info));
            int with_map = dladdr1(address, &more, (void **)&map, RTLD_DL_LINKMAP);
            printf("map %d\n", with_map && map && map->l_name);
        }
        int main(void)
        {
            int local = 0; char *heap = malloc(10);
            tell("main", main); tell("function", function); tell("middle", (char *)function + 2);
            tell("variable", &variable); tell("last zero", &zeros[99]); tell("text", text + 3); tell("weak", weak);
            tell("outer", outer); tell("inner", inner); tell("inside", inner + 1); tell("outer again", inner + 2);
            tell("sizeless", sizeless);
            Dl_info info; int found = dladdr(hidden_from_others, &info);
            printf("static %d %d\n", !!found, info.dli_saddr != (void *)hidden_from_others);
            found = dladdr(hidden, &info);
            printf("hidden %d %d\n", !!found, info.dli_saddr != (void *)hidden);
            found = dladdr(&own, &info);
            printf("static data %d %d\n", !!found, info.dli_saddr != (void *)&own);
            found = dladdr((void *)indirect, &info);
            printf("indirect %d %d\n", !!found, indirect());
            printf("heap %d stack %d null %d\n", !!dladdr(heap, &info), !!dladdr(&local, &info), !!dladdr(0, &info));
            found = dladdr((void *)puts, &info);
            printf("host %d %s %s\n", !!found, info.dli_sname, strrchr(info.dli_fname, '/'));
            return function(0) + hidden(0) + weak(-4) + hidden_from_others(1);
        }
        """;

    private const string Names = Head + """
        int number = 17; __thread int threads_own = 5; static int own;
        int answer(void) { return 42; }
        __attribute__((visibility("hidden"))) int hidden(void) { return 1; }
        __attribute__((visibility("protected"))) int guarded(void) { return 2; }
        __attribute__((weak)) int weak(void) { return 3; }
        static int chosen(void) { return 9; }
        static void *choose(void) { return chosen; }
        int indirect(void) __attribute__((ifunc("choose")));
        int atoi(const char *text) { int (*next)(const char *) = dlsym(RTLD_NEXT, "atoi"); return next && next != atoi ? -next(text) : -1; }
        static int early;
        __attribute__((constructor)) static void start(void)
        {
            int (*f)(void) = (int (*)(void))dlsym(RTLD_DEFAULT, "answer");
            early = f ? f() : -1;
        }
        static void *thread(void *ignored)
        {
            int *p = dlsym(RTLD_DEFAULT, "threads_own");
            printf("thread %d %d\n", p == &threads_own, p ? *p : -1);
            return ignored;
        }
        int main(void)
        {
            printf("early %d\n", early);
            void *program = dlopen(0, RTLD_NOW);
            for (int i = 0; i < 2; i++) {
                void *handle = i ? program : RTLD_DEFAULT;
                printf("%d %d %d %d %d %d\n", dlsym(handle, "answer") == (void *)answer, dlsym(handle, "number") == &number,
                    dlsym(handle, "weak") == (void *)weak, dlsym(handle, "guarded") == (void *)guarded,
                    dlsym(handle, "hidden") == 0, dlsym(handle, "own") == 0);
                int (*f)(void) = (int (*)(void))dlsym(handle, "indirect");
                printf("indirect %d\n", f ? f() : -1);
                printf("host %d %d\n", dlsym(handle, "puts") != 0, dlsym(handle, "nobody_defines_this") != 0);
            }
            threads_own = 6;
            int *mine = dlsym(RTLD_DEFAULT, "threads_own");
            printf("mine %d %d\n", mine == &threads_own, mine ? *mine : -1);
            pthread_t other; pthread_create(&other, 0, thread, 0); pthread_join(other, 0);
            const char *volatile twelve = "12";
            printf("next %d %d %d %d\n", atoi(twelve), dlsym(RTLD_NEXT, "answer") == 0, dlsym(RTLD_NEXT, "malloc") != 0,
                dlsym(RTLD_DEFAULT, "atoi") == (void *)atoi);
            printf("version %d %d %d\n", dlvsym(RTLD_DEFAULT, "memcpy", "GLIBC_2.14") != 0,
                dlvsym(RTLD_DEFAULT, "memcpy", "GLIBC_9.9") != 0, dlvsym(RTLD_DEFAULT, "answer", "ANY_1") == (void *)answer);
            void *libc = dlopen("libc.so.6", RTLD_NOW);
            printf("handle %d %d\n", dlsym(libc, "answer") == 0, dlsym(libc, "puts") == dlsym(RTLD_DEFAULT, "puts"));
            int (*describe)(const void *, Dl_info *) = (int (*)(const void *, Dl_info *))dlsym(RTLD_DEFAULT, "dladdr");
            Dl_info info = {0};
            printf("asked %d %s\n", !!describe((void *)answer, &info), info.dli_sname);
            dlerror();
            (void)dlsym(RTLD_DEFAULT, "nobody_defines_this");
            (void)dlsym(RTLD_DEFAULT, "answer");
            printf("error %d\n", dlerror() != 0);
            (void)dlsym(RTLD_DEFAULT, "nobody_defines_this");
            const char *error = dlerror();
            printf("error %d %d\n", error && strstr(error, "nobody_defines_this"), dlerror() != 0);
            return 0;
        }
        """;

    private const string Headers = Head + """
        __thread int threads_own = 5; __thread char more[1000]; int data = 1; const int constant = 2;
        struct found { int count, mine, tls, frame, note; unsigned long long adds, subs; int same; };
        extern void *__tls_get_addr(void *);
        static int holds(struct dl_phdr_info *i, const Elf64_Phdr *p, const void *a)
        {
            return (unsigned long)a >= i->dlpi_addr + p->p_vaddr && (unsigned long)a < i->dlpi_addr + p->p_vaddr + p->p_memsz;
        }
        static int visit(struct dl_phdr_info *info, size_t size, void *data_)
        {
            struct found *f = data_;
            if (f->count++ == 0) { f->adds = info->dlpi_adds; f->subs = info->dlpi_subs; f->same = 1; }
            f->same &= f->adds == info->dlpi_adds && f->subs == info->dlpi_subs && size >= sizeof *info && info->dlpi_name;
            int code = 0, values = 0, constants = 0, loads = 0;
            for (int k = 0; k < info->dlpi_phnum; k++) {
                const Elf64_Phdr *p = info->dlpi_phdr + k;
                if (p->p_type == PT_LOAD) {
                    loads += p->p_memsz > 0;
                    if (holds(info, p, (void *)visit)) code = p->p_flags;
                    if (holds(info, p, &data)) values = p->p_flags;
                    if (holds(info, p, &constant)) constants = p->p_flags;
                }
            }
            if (!code) return 0;
            f->mine++;
            printf("mine: code %d data %d constants %d loads %d\n", code, values, constants & ~1, loads > 1);
            for (int k = 0; k < info->dlpi_phnum; k++) {
                const Elf64_Phdr *p = info->dlpi_phdr + k;
                const char *start = (const char *)info->dlpi_addr + p->p_vaddr;
                if (p->p_type == PT_TLS) {
                    size_t variable[2] = {info->dlpi_tls_modid, 0};
                    printf("tls %d %d %ld %d\n", *(const int *)start, __tls_get_addr(variable) == info->dlpi_tls_data,
                        (long)p->p_memsz >= 1004, (char *)&threads_own >= (char *)info->dlpi_tls_data
                            && (char *)&threads_own < (char *)info->dlpi_tls_data + p->p_memsz);
                }
                if (p->p_type == PT_GNU_EH_FRAME) printf("frame %d %x %x\n", start[0], start[2] & 255, start[3] & 255);
                if (p->p_type == PT_GNU_STACK) printf("stack %d\n", p->p_flags);
            }
            return 0;
        }
        static int stop(struct dl_phdr_info *info, size_t size, void *count) { return ++*(int *)count == 2 ? 77 : 0; }
        int main(void)
        {
            threads_own = 6;
            struct found f = {0};
            int result = dl_iterate_phdr(visit, &f);
            printf("%d mine %d others %d same %d\n", result, f.mine, f.count > 3, f.same);
            int count = 0; result = dl_iterate_phdr(stop, &count);
            printf("stopped %d %d\n", result, count);
            Dl_info info; dladdr((void *)main, &info);
            printf("base %d\n", memcmp(info.dli_fbase, ELFMAG, SELFMAG));
            void *pcs[] = {(void *)main, (void *)puts};
            for (int i = 0; i < 2; i++) {
                struct dl_find_object object; memset(&object, 0, sizeof object);
                int found = _dl_find_object(pcs[i], &object);
                printf("object %d %d %d %d\n", found, (char *)object.dlfo_map_start <= (char *)pcs[i] && (char *)pcs[i] < (char *)object.dlfo_map_end,
                    object.dlfo_eh_frame && *(char *)object.dlfo_eh_frame == 1, object.dlfo_link_map && object.dlfo_link_map->l_name);
            }
            int local; struct dl_find_object object;
            printf("none %d\n", _dl_find_object(&local, &object));
            return 0;
        }
        """;

    private const string Callbacks = """
        #include <cstdio>
        #include <link.h>
        #include <stdexcept>
        struct Noisy { ~Noisy() { std::puts("destroyed"); } };
        static int visit(dl_phdr_info *, size_t, void *count) { Noisy noisy; if (++*(int *)count == 1) throw std::runtime_error("first"); throw 5; }
        static int late(dl_phdr_info *info, size_t, void *count) { if (++*(int *)count == 4) throw std::runtime_error("late"); return 0; }
        int main()
        {
            int count = 0;
            for (int i = 0; i < 3; i++)
                try { dl_iterate_phdr(visit, &count); } catch (const std::exception &e) { std::puts(e.what()); } catch (int x) { std::printf("%d\n", x); }
            count = 0;
            try { dl_iterate_phdr(late, &count); } catch (const std::exception &e) { std::puts(e.what()); }
            return 0;
        }
        """;

    private const string Anywhere = Head + """
        int marker(void) { return 1; }
        static int visit(struct dl_phdr_info *info, size_t size, void *found)
        {
            for (int k = 0; k < info->dlpi_phnum; k++) {
                const Elf64_Phdr *p = info->dlpi_phdr + k;
                if (p->p_type == PT_LOAD && (unsigned long)marker - info->dlpi_addr - p->p_vaddr < p->p_memsz) ++*(int *)found;
            }
            return 0;
        }
        static volatile int handled;
        static int all(void)
        {
            Dl_info info; int found = 0;
            int named = dladdr((void *)marker, &info) && info.dli_sname && !strcmp(info.dli_sname, "marker");
            dl_iterate_phdr(visit, &found);
            return named * 100 + found * 10 + (dlsym(RTLD_DEFAULT, "marker") == (void *)marker);
        }
        static void handler(int number) { Dl_info info; (void)number; handled += dladdr((void *)marker, &info) && info.dli_saddr == (void *)marker; }
        static void *thread(void *ignored) { (void)ignored; raise(SIGUSR1); return (void *)(long)all(); }
        static void ending(void *ignored) { (void)ignored; printf("ending thread %d\n", all()); fflush(stdout); }
        static pthread_key_t key;
        static void *last(void *ignored) { pthread_setspecific(key, &key); return ignored; }
        static void at_exit(void) { printf("exit %d\n", all()); fflush(stdout); }
        __attribute__((destructor)) static void destructor(void) { printf("destructor %d\n", all()); fflush(stdout); }
        int main(void)
        {
            signal(SIGUSR1, handler); signal(SIGALRM, handler); atexit(at_exit);
            setvbuf(stdout, 0, _IONBF, 0);
            raise(SIGUSR1);
            pthread_t threads[4]; void *result; int sum = 0;
            for (int i = 0; i < 4; i++) pthread_create(threads + i, 0, thread, 0);
            for (int i = 0; i < 4; i++) { pthread_join(threads[i], &result); sum += (int)(long)result; }
            printf("threads %d, handled %d\n", sum, handled);
            pthread_key_create(&key, ending); pthread_create(threads, 0, last, 0); pthread_join(threads[0], 0);
            fflush(stdout);
            pid_t child = fork();
            if (child == 0) { printf("child %d\n", all()); fflush(stdout); _exit(7); }
            int status; waitpid(child, &status, 0);
            printf("child ended with %d\n", WEXITSTATUS(status));
            if (INTERRUPT) {
                ualarm(500, 500);
                handled = 0;
                long rounds = 0;
                while (handled < 20 && rounds < 10000000) { rounds++; if (all() != 111) puts("wrong"); }
                ualarm(0, 0);
                printf("interrupted %d\n", handled >= 20);
            }
            return 0;
        }
        """;

    private static IEnumerable<TestCaseData> Programs =>
        from program in (IEnumerable<(string Name, string Source)>)
            [("addresses", Addresses), ("names", Names), ("headers", Headers), ("anywhere", Anywhere)]
        from compiler in (string[])["gcc-12 -O2 -DINTERRUPT=0", "clang-19 -O1 -fPIC -DINTERRUPT=0"]
        select new TestCaseData(program.Source, compiler).SetArgDisplayNames(program.Name, compiler);

    [TestCaseSource(nameof(Programs))]
    public void ProgramsSeeThemselves(string source, string compiler)
    {
        using var folder = new TemporaryFolder();
        string compiled = Compile(folder, "program.c", source, compiler.Split(' '));
        CommandResult native = Native(folder, "gcc-12", compiled, "-pthread");

        CommandResult loaded = ElfloadCommand.Run([compiled]);

        Assert.That(native.Error, Is.Empty);
        Assert.That(loaded, Is.EqualTo(native));
    }

    /// <summary>The host's own functions take a lock, so that the native program may wait for itself here.</summary>
    [Test]
    public void HandlersOfSignalsFindLoadedCodeWhateverTheyInterrupt()
    {
        using var folder = new TemporaryFolder();
        string compiled = Compile(folder, "program.c", Anywhere, ["gcc-12", "-O2", "-DINTERRUPT=1"]);

        CommandResult loaded = ElfloadCommand.Run([compiled]);

        Assert.That(loaded.Output, Does.Contain("interrupted 1\n").And.Contain("exit 111\n").And.Not.Contain("wrong"), loaded.Error);
        Assert.That(loaded.Status, Is.Zero);
    }

    [TestCase("g++-12 -O2")]
    [TestCase("clang++-19 -O0")]
    public void ExceptionsLeaveCallbacks(string compiler)
    {
        using var folder = new TemporaryFolder();
        string compiled = Compile(folder, "program.cpp", Callbacks, compiler.Split(' '));
        CommandResult native = Native(folder, "g++-12", compiled);

        CommandResult loaded = ElfloadCommand.Run([compiled]);

        Assert.That(loaded, Is.EqualTo(native));
    }

    private static string Compile(TemporaryFolder folder, string file, string source, string[] compiler)
    {
        File.WriteAllText(folder.File(file), source);
        string compiled = folder.File(Path.ChangeExtension(file, ".o"));
        Command.Check(compiler[0], [.. compiler[1..], "-w", "-c", folder.File(file), "-o", compiled]);
        return compiled;
    }

    private static CommandResult Native(TemporaryFolder folder, string compiler, params string[] arguments)
    {
        Command.Check(compiler, ["-rdynamic", .. arguments, "-o", folder.File("native")]);
        return Command.Run(folder.File("native"), []);
    }
}
