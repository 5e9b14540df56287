using System.Runtime.InteropServices;
using ElfLoader.Tests.Linking;
using ElfLoader.Tests.Redirection;

namespace ElfLoader.Tests.DynamicLinking;

/// <summary>Threads that ask the dynamic linker while other threads load and unload.</summary>
[NonParallelizable]
public sealed class LookupRaceTests
{
    private const string Looker = """
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <link.h>
        #include <string.h>
        #include <unistd.h>
        int stable(void) { return 1; }
        struct shared { volatile long stop, rounds, wrong, seen; void *volatile churned; };
        struct state { struct shared *shared; int mine; unsigned long sum; };
        static int visit(struct dl_phdr_info *info, size_t size, void *data)
        {
            struct state *state = data;
            for (int i = 0; i < info->dlpi_phnum; i++) {
                const Elf64_Phdr *p = info->dlpi_phdr + i;
                if (p->p_type != PT_LOAD) continue;
                state->mine += (unsigned long)stable - info->dlpi_addr - p->p_vaddr < p->p_memsz;
                if (info->dlpi_addr == 0) // what was loaded: all of it must be there as long as we are here
                    for (unsigned long at = p->p_vaddr; at < p->p_vaddr + p->p_memsz; at += 512) state->sum += *(volatile unsigned char *)at;
            }
            if (info->dlpi_addr == 0 && strstr(info->dlpi_name, "churned")) __atomic_fetch_add(&state->shared->seen, 1, __ATOMIC_RELAXED);
            return 0;
        }
        void *look(struct shared *shared)
        {
            while (!shared->stop) {
                Dl_info info; struct dl_find_object object; struct state state = {shared, 0, 0};
                long wrong = !dladdr((void *)stable, &info) || !info.dli_sname || strcmp(info.dli_sname, "stable");
                wrong += dlsym(RTLD_DEFAULT, "stable") != (void *)stable;
                wrong += _dl_find_object((void *)stable, &object) != 0 || *(volatile char *)object.dlfo_eh_frame != 1;
                dl_iterate_phdr(visit, &state);
                wrong += state.mine != 1;
                void *churned = shared->churned;
                if (churned) { (void)dladdr(churned, &info); (void)_dl_find_object(churned, &object); }
                (void)dlsym(RTLD_DEFAULT, "churned");
                __atomic_fetch_add(&shared->wrong, wrong, __ATOMIC_RELAXED);
                __atomic_fetch_add(&shared->rounds, 1, __ATOMIC_RELAXED);
            }
            return 0;
        }
        """;

    private const string Churned = """
        __attribute__((constructor)) static void start(void) {}
        int NAME(void) { return 3; }
        __thread int own = 4; char data[3000] = {1}; const char constant[3000] = {2};
        int *get_NAME(void) { return &own; }
        """;

    [StructLayout(LayoutKind.Sequential)]
    private struct Shared
    {
        public long Stop;
        public long Rounds;
        public long Wrong;
        public long Seen;
        public nint Churned;
    }

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate nint Look(nint shared);

    [Test]
    public void LookersFindWhatIsThereAndNothingThatIsGone([Values] bool isRedirectable)
    {
        const int loaders = 2;
        const int rounds = 250;
        byte[][] objects = [.. Enumerable.Range(0, loaders).Select(i => Compiled.C(Churned.Replace("NAME", $"churned{i}"), "-O2 -fPIC"))];
        using var library = new ObjectLibrary("race");
        library.Load(Compiled.C(Looker, "-O2 -fPIC"), "looker.o");
        Look look = library.GetFunction<Look>("look");
        (int, ulong, int) before = LinkTest.Footprint();
        nint shared = Marshal.AllocHGlobal(Marshal.SizeOf<Shared>());
        Marshal.StructureToPtr(default(Shared), shared, false);
        Thread[] lookers = [.. Enumerable.Range(0, 3).Select(_ => new Thread(() => look(shared)))];
        Array.ForEach(lookers, thread => thread.Start());
        int failures = 0;
        Thread[] churners = [.. Enumerable.Range(0, loaders).Select(i => new Thread(() =>
        {
            using var other = new ObjectLibrary($"churned {i}", new ObjectLibraryOptions { Redirectable = isRedirectable });
            for (int round = 0; round < rounds; round++)
            {
                LoadedUnit unit = other.Load(objects[i], $"churned{i}.o");
                Marshal.WriteIntPtr(shared, (int)Marshal.OffsetOf<Shared>(nameof(Shared.Churned)), other.GetExport($"churned{i}"));
                failures += other.GetFunction<Function>($"churned{i}")() is 3 ? 0 : 1;
                WaitForRounds(shared, round % 10 is 0 ? lookers.Length + 1 : 0); // else it may be gone before anybody looks
                unit.Unload();
                other.Reclaim();
            }
        }))];
        Array.ForEach(churners, thread => thread.Start());
        Array.ForEach(churners, thread => thread.Join());
        Marshal.WriteInt64(shared, 1);
        Array.ForEach(lookers, thread => thread.Join());
        Shared result = Marshal.PtrToStructure<Shared>(shared);
        Marshal.FreeHGlobal(shared);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(failures, Is.Zero);
            Assert.That(result.Wrong, Is.Zero);
            Assert.That(result.Rounds, Is.GreaterThan(100));
            Assert.That(result.Seen, Is.Positive, "units were seen while they were loaded");
            Assert.That(LinkTest.Footprint(), Is.EqualTo(before));
        }
    }

    /// <summary>Waits until so many rounds have ended; with one more than there are threads, one of these has begun here.</summary>
    private static void WaitForRounds(nint shared, int count)
    {
        int offset = (int)Marshal.OffsetOf<Shared>(nameof(Shared.Rounds));
        long first = Marshal.ReadInt64(shared, offset);
        _ = SpinWait.SpinUntil(() => Marshal.ReadInt64(shared, offset) - first >= count, TimeSpan.FromSeconds(10));
    }
}
