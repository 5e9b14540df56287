using ElfLoader.Elf;
using ElfLoader.Memory;
using ElfLoader.Tests.Linking;
using ElfLoader.Tests.Runtime;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Redirection;

/// <summary>Registers at the first call of a lazy function, whatever convention caller and function agree on.</summary>
[NonParallelizable]
public sealed class FirstCallRegisterTests
{
    /// <summary>Arguments in r12 to r15, rdi, rsi, rdx, rcx, r8, r9, r11, rax (clang, "preserve_none"), then on the stack.</summary>
    private const string Many = """
        #define SUM (a + 2*b + 3*c + 4*d + 5*e + 6*f + 7*g + 8*h + 9*i + 10*j + 11*k + 12*l + 13*m + 14*n)
        __attribute__((preserve_none)) long lazy(
            long a, long b, long c, long d, long e, long f, long g, long h, long i, long j, long k, long l, long m, long n)
        """;

    [Test]
    public void ArgumentsOfPreserveNoneArrive()
    {
        using var library = new ObjectLibrary("registers");
        byte[] lazy = Compiled.C($"{Many} {{ return SUM; }}");
        library.DefineLazy(["lazy"], () => Busy(lazy));
        library.Load(Compiled.C($"{Many}; long caller(void) {{ return lazy(1,2,3,4,5,6,7,8,9,10,11,12,13,14); }}"), "caller.o");

        Assert.That(NativeCall.Call(library.Address("caller")), Is.EqualTo(1015)); // the sum of the squares up to 14
        Assert.That(NativeCall.Call(library.Address("caller")), Is.EqualTo(1015));
    }

    /// <summary>Nested functions of gcc get the frame of the one around them in r10, through a pointer as well as directly.</summary>
    [Test]
    public void StaticChainArrives()
    {
        using var library = new ObjectLibrary("registers");
        ElfBuilder elf = new();
        byte[] code = [0x4c, 0x89, 0xd0, 0xc3]; // mov %r10,%rax; ret
        elf.AddSymbol("chain", elf.AddCode(".text", code), 0, (ulong)code.Length, SymbolBinding.Global, SymbolType.Function);
        library.DefineLazy(["chain"], () => Busy(elf.Build()));
        byte[] call = [0x49, 0x89, 0xfa, 0xe9, 0, 0, 0, 0]; // mov %rdi,%r10; jmp chain@PLT
        ElfBuilder caller = new();
        int section = caller.AddCode(".text", call);
        caller.AddSymbol("caller", section, 0, (ulong)call.Length, type: SymbolType.Function);
        caller.AddRelocation(section, 4, 4, caller.AddSymbol("chain"), -4); // R_X86_64_PLT32
        library.Load(caller, "caller.o");

        Assert.That(NativeCall.Call(library.Address("caller"), 0x1234_5678_9abc), Is.EqualTo(0x1234_5678_9abc));
    }

    [Test]
    public void EveryRegisterButTheResultIsKept()
    {
        using var library = new ObjectLibrary("registers");
        ElfBuilder elf = new();
        elf.AddSymbol("nothing", elf.AddCode(".text", 0xc3), 0, 1, SymbolBinding.Global, SymbolType.Function);
        library.DefineLazy(["nothing"], () => Busy(elf.Build()));
        ulong cell = HostProcess.Data();
        NativeBytes.StoreWord(cell, library.Address("nothing"));

        Assert.That(RegisterCheck.Keeps(cell), Is.True);
    }

    /// <summary>
    /// From the first instruction of the second half of an entry to the function's own first one, stopped at each by the trap
    /// flag: the unwinder finds the caller everywhere.
    /// </summary>
    [Test]
    public void UnwinderFindsTheCallerAtEveryInstruction()
    {
        const string source = """
            #define _GNU_SOURCE
            #include <signal.h>
            #include <string.h>
            #include <ucontext.h>
            #include <unwind.h>
            extern int lazy(void);
            static unsigned long low, high, entry, resolver; static int steps, failures; static volatile int stopped;
            static _Unwind_Reason_Code frame(struct _Unwind_Context *c, void *found) {
                unsigned long ip = _Unwind_GetIP(c);
                if (ip > low && ip < high) { *(int *)found = 1; return _URC_END_OF_STACK; }
                return _URC_NO_REASON;
            }
            static void trap(int number, siginfo_t *info, void *context) {
                ucontext_t *u = context; unsigned long ip = u->uc_mcontext.gregs[REG_RIP];
                int isEntry = ip - entry < 32, isResolver = ip - resolver < 0xf0;
                if (isEntry || isResolver) {
                    int found = 0; steps++; _Unwind_Backtrace(frame, &found); failures += !found;
                } else if (steps > 0) {
                    stopped = 1; u->uc_mcontext.gregs[REG_EFL] &= ~0x100L; // it calls others: that is enough
                }
            }
            __attribute__((noinline)) int caller(void) {
                __asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq" ::: "memory", "cc");
                int result = lazy();
                __asm__ volatile("pushfq; andq $~0x100, (%%rsp); popfq" ::: "memory", "cc");
                return result + 1;
            }
            int run(unsigned long e, unsigned long r) {
                struct sigaction action, old; memset(&action, 0, sizeof action);
                action.sa_sigaction = trap; action.sa_flags = SA_SIGINFO;
                entry = e; resolver = r; low = (unsigned long)caller; high = low + 0x60;
                sigaction(SIGTRAP, &action, &old); int result = caller(); sigaction(SIGTRAP, &old, 0);
                return result != 8 ? -1 : failures ? -2 : steps;
            }
            """;
        using var library = new ObjectLibrary("registers");
        library.Load(LinkTest.Returning("seven", 7), "seven.o");
        library.DefineLazy(["lazy"], () => LinkTest.Returning("lazy", 7).Build());
        library.Load(Compiled.Gcc(source, "-O1 -fPIC -fasynchronous-unwind-tables -fno-stack-protector"), "steps.o");

        ulong steps = NativeCall.Call(
            library.Address("run"), library.Address("lazy"), ElfLoader.Runtime.HostRuntime.Instance.Resolver.Address);

        Assert.That((int)steps, Is.GreaterThan(20));
    }

    /// <summary>The object, after work that uses many registers.</summary>
    private static byte[] Busy(byte[] elf)
    {
        GC.Collect(0);
        return elf;
    }
}
