using System.Text;
using ElfLoader.Elf;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Linking;

/// <summary>Objects that are linked together, and what their source says that has to come of it.</summary>
/// <param name="Name">What they exercise.</param>
/// <param name="Objects">The objects.</param>
/// <param name="Values">What their functions return.</param>
public sealed record LinkSample(string Name, ElfObject[] Objects, params (string Function, int Value)[] Values)
{
    /// <summary>What is added to <c>ended</c> when they are unloaded.</summary>
    public int Ended { get; init; }

    /// <summary>The variables of other units that they refer to.</summary>
    public string[] Uses { get; init; } = [];

    /// <summary>Whether they refer to what nothing defines.</summary>
    public bool IsIncomplete { get; init; }

    /// <summary>Whether the linker is kept for the next load.</summary>
    public bool IsKept { get; init; } = true;

    public override string ToString() => Name;
}

/// <summary>Small links, each of which leaves another kind of state in a linker. No two define the same name.</summary>
internal static class LinkSamples
{
    /// <summary>The archive members that some of them lack: the name that each defines, and its value.</summary>
    public static IReadOnlyList<(string Name, int Value)> Members { get; } = [("member_one", 71), ("member_two", 72)];

    /// <summary>Variables of other units, by name, and whether the unit is below 2 GiB.</summary>
    public static IReadOnlyDictionary<string, (ulong Value, bool IsLow)> Others { get; } =
        Enumerable.Range(0, 10).ToDictionary(i => $"other_{i}", i => (100 + (ulong)i, false))
            .Append(new KeyValuePair<string, (ulong, bool)>("other_low", (110, true)))
            .ToDictionary(pair => pair.Key, pair => pair.Value);

    public static IReadOnlyList<LinkSample> All { get; } =
    [
        new("nothing", [LinkTest.Read(new ElfBuilder(), "nothing.o")]),
        new("no symbols", [LinkTest.Read(WithoutSymbols(), "bytes.o")]),
        Of("plain", Returns("pl_value", "movl $11, %eax"), ("pl_value", 11)),
        Of("pointers", Returns("pt_value", "movq pt_pointer(%rip), %rax; movl (%rax), %eax")
            + ".data\n.globl pt_pointer\npt_pointer: .quad pt_word\npt_word: .long 12, 13\n.quad pt_value, pt_word + 4",
            ("pt_value", 12)),
        Of("absolute", ".globl ab_number\nab_number = 0x77\n" + Returns("ab_value", "movl $ab_number, %eax"), ("ab_value", 0x77)),
        Of("hidden", Returns("hi_value", "movl hi_word(%rip), %eax") + ".data\n.globl hi_word\n.hidden hi_word\nhi_word: .long 14",
            ("hi_value", 14)),
        Of("weak", Returns("wk_value", "movl wk_word(%rip), %eax") + ".data\n.weak wk_word\nwk_word: .long 15", ("wk_value", 15)),
        Of("weak undefined", ".weak wu_none\n"
            + Returns("wu_value", "movq wu_none@GOTPCREL(%rip), %rax; addl $16, %eax; testq %rax, %rax; jnz 1f; call wu_none; 1:")
            + ".data\n.quad wu_none", ("wu_value", 16)),
        new("missing", [Object("missing", Returns("ms_value", "movq ms_word(%rip), %rax; movzwl (%rax), %eax")
            + ".data\nms_word: .quad ms_none")], ("ms_value", 0x0b0f)) // the trap is ud2
        {
            IsIncomplete = true,
        },
        new("missing, and thunks", [Object("missing2", Returns("mt_value", "movq mt_word(%rip), %rax; movzwl (%rax), %eax")
            + ".data\nmt_word: .quad mt_none, atexit")], ("mt_value", 0x0b0f))
        {
            IsIncomplete = true,
        },
        Of("a call", Returns("ca_value", "movl $-7, %edi; call abs@PLT"), ("ca_value", 7)),
        Of("three calls", Returns("cb_value", "movl $97, %edi; call toupper@PLT")
            + Returns("cc_value", "movl $66, %edi; call tolower@PLT") + Returns("cd_value", "movl $53, %edi; call isdigit@PLT; testl %eax, %eax; setne %al; movzbl %al, %eax"),
            ("cb_value", 65), ("cc_value", 98), ("cd_value", 1)),
        Of("IFUNC", ".globl if_chosen\n" + Ifunc("if_chosen", 21) + Returns("if_value", "call if_chosen@PLT")
            + ".data\n.quad if_chosen", ("if_value", 21), ("if_chosen", 21)),
        Of("local IFUNC", Ifunc("il_chosen", 22) + Returns("il_value", "call il_chosen") + ".data\n.quad il_chosen", ("il_value", 22)),
        Of("local IFUNC of the same index", Ifunc("im_chosen", 23) + Returns("im_value", "call im_chosen"), ("im_value", 23)),
        Of("a slot", Returns("gs_value", "pushq gs_word@GOTPCREL(%rip); popq %rax; movl (%rax), %eax")
            + ".data\n.globl gs_word\ngs_word: .long 24", ("gs_value", 24)),
        Of("slots", Returns("gt_value", "pushq gt_one@GOTPCREL(%rip); popq %rcx; pushq gt_two@GOTPCREL(%rip); popq %rdx; "
            + "movl (%rcx), %eax; addl (%rdx), %eax; pushq atoi@GOTPCREL(%rip); popq %rcx; leaq _GLOBAL_OFFSET_TABLE_(%rip), %rdx")
            + ".data\n.globl gt_one, gt_two\n.long 0\ngt_one: .long 25\ngt_two: .long 1", ("gt_value", 26)),
        Of("commons", Returns("co_value", "movl $27, co_large+60(%rip); movl co_large+60(%rip), %eax; addl co_small(%rip), %eax")
            + ".comm co_large,64,64\n.comm co_small,4,4", ("co_value", 27)),
        Of("an initialized thread-local variable", Returns("le_value", "movl %fs:le_word@tpoff, %eax")
            + ".section .tdata,\"awT\",@progbits\n.p2align 6\n.globl le_word\nle_word: .long 31, 0, 0, 0, 0", ("le_value", 31)),
        Of("initial exec", Returns("ie_value", "movq ie_word@gottpoff(%rip), %rax; movl %fs:(%rax), %eax")
            + ".section .tdata,\"awT\",@progbits\n.long 0\n.globl ie_word\nie_word: .long 32", ("ie_value", 32)),
        Of("zero thread-local variables", Returns("gd_value", ".byte 0x66; leaq gd_word@tlsgd(%rip), %rdi; .value 0x6666; rex64; "
            + "call __tls_get_addr@PLT; movl (%rax), %eax; addl $33, %eax")
            + ".section .tbss,\"awT\",@nobits\n.long 0\n.globl gd_word\ngd_word: .long 0", ("gd_value", 33)),
        Of("general dynamic", Returns("ge_value", ".byte 0x66; leaq ge_word@tlsgd(%rip), %rdi; .value 0x6666; rex64; "
            + "call __tls_get_addr@PLT; movl (%rax), %eax")
            + ".section .tdata,\"awT\",@progbits\n.quad 0\n.globl ge_word\nge_word: .long 34", ("ge_value", 34)),
        Of("the base of no thread-local storage", Returns("mb_value", "movq $_TLS_MODULE_BASE_@tpoff, %rax; addl $35, %eax"),
            ("mb_value", 35)),
        Of("a group", Group("ga_shared", 41) + Returns("ga_value", "call ga_shared"), ("ga_value", 41), ("ga_shared", 41)),
        new("groups twice",
            [
                Object("groups1", Group("gb_shared", 42) + Group("gc_shared", 43) + Returns("gb_value", "call gc_shared")),
                Object("groups2", Group("gc_shared", 43) + Group("gb_shared", 42) + Returns("gc_value", "call gb_shared")),
            ],
            ("gb_value", 43), ("gc_value", 42)),
        new("fragments", [Object("fragments", Returns("fr_value", "movl fr_count(%rip), %eax") + ".data\nfr_count: .long 1\n"
            + ".section .init,\"ax\",@progbits\naddl $50, fr_count(%rip)\n"
            + ".section .fini,\"ax\",@progbits\nmovq ended@GOTPCREL(%rip), %rax; addq $3, (%rax)")], ("fr_value", 51))
        {
            Ended = 3,
        },
        new("arrays", [Object("arrays", Returns("ar_value", "movl ar_count(%rip), %eax")
            + "ar_first: addl $50, ar_count(%rip); ret\nar_last: movq ended@GOTPCREL(%rip), %rax; addq $5, (%rax); ret\n"
            + ".data\nar_count: .long 2\n.section .init_array,\"aw\",@init_array\n.quad ar_first\n"
            + ".section .fini_array,\"aw\",@fini_array\n.quad ar_last, ar_last")], ("ar_value", 52))
        {
            Ended = 10,
        },
        new("atexit", [Object("atexit", Returns("ax_value", "movl $53, %eax")
            + "ax_last: movq ended@GOTPCREL(%rip), %rax; addq $7, (%rax); ret\n"
            + "ax_first: subq $8, %rsp; leaq ax_last(%rip), %rdi; call atexit@PLT; addq $8, %rsp; ret\n"
            + ".section .init_array,\"aw\",@init_array\n.quad ax_first")], ("ax_value", 53))
        {
            Ended = 7,
        },
        new("__cxa_atexit", [Object("cxa", Returns("cx_value", "movl $56, %eax")
            + "cx_last: movq ended@GOTPCREL(%rip), %rax; addq %rdi, (%rax); ret\n"
            + "cx_first: subq $8, %rsp; leaq cx_last(%rip), %rdi; movl $9, %esi; leaq __dso_handle(%rip), %rdx; "
            + "call __cxa_atexit@PLT; addq $8, %rsp; ret\n.section .init_array,\"aw\",@init_array\n.quad cx_first")], ("cx_value", 56))
        {
            Ended = 9,
        },
        Of("the unit's handle", Returns("ds_value", "leaq __dso_handle(%rip), %rax; subq ds_word(%rip), %rax; addl $54, %eax")
            + ".data\nds_word: .quad __dso_handle", ("ds_value", 54)),
        Of("the hint on threads", Returns("st_value", "movzbl __libc_single_threaded(%rip), %eax; addl $55, %eax"), ("st_value", 55)),
        Of("gathered sections", Returns("ge_size", "leaq __stop_samples(%rip), %rax; leaq __start_samples(%rip), %rcx; subq %rcx, %rax")
            + ".section samples,\"a\"\n.long 1, 2, 3", ("ge_size", 12)),
        new("gathered sections of the same name",
            [
                Object("set1", Returns("gf_size", "leaq __stop_samples(%rip), %rax; leaq __start_samples(%rip), %rcx; subq %rcx, %rax")
                    + ".section samples,\"a\"\n.long 1"),
                Object("set2", ".section samples,\"a\"\n.long 2, 3, 4, 5"),
            ],
            ("gf_size", 20)),
        Of("gathered sections of another place", Returns("gg_size", "leaq __stop_samples(%rip), %rax; subq $__start_samples, %rax")
            + ".data\n.long 5\n.section .other,\"a\"\n.long 3\n.section samples,\"aw\"\n.long 6, 7", ("gg_size", 8)),
        Of("an archive member", Returns("m1_value", "movl member_one(%rip), %eax"), ("m1_value", 71)),
        Of("another archive member", Returns("m2_value", "movl member_two(%rip), %eax"), ("m2_value", 72)),
        Of("unwind tables", Returns("uw_value", "movl $73, %eax", ".cfi_startproc", ".cfi_endproc")
            + Returns("ux_value", "movl $74, %eax", ".cfi_startproc", ".cfi_endproc"), ("uw_value", 73), ("ux_value", 74)),
        new("a terminator before the unwind tables", [Object("terminator", ".section .eh_frame,\"a\",@unwind\n.long 0"),
            Object("behind", Returns("uy_value", "movl $75, %eax", ".cfi_startproc", ".cfi_endproc"))], ("uy_value", 75)),
        Of("a large alignment", Returns("al_value", "leaq al_word(%rip), %rax; andl $2047, %eax; addl $76, %eax")
            + ".section .rodata\n.p2align 11\nal_word: .long 1", ("al_value", 76)),
        Of("below 2 GiB", Returns("lo_value", "movl $lo_word, %eax; movl (%rax), %eax") + ".data\nlo_word: .long 81", ("lo_value", 81)),
        Of("near the host", Returns("ne_value", "cmpq $0, environ(%rip); setne %al; movzbl %al, %eax"), ("ne_value", 1)),
        Using("beside another unit", Returns("bf_value", "movl other_0(%rip), %eax"), ["other_0"], ("bf_value", 100)),
        Using("beside another unit below 2 GiB", Returns("bl_value", "movl other_low(%rip), %eax"), ["other_low"], ("bl_value", 110)),
        Using("a unit anywhere", Returns("us_value", "movq us_word(%rip), %rax; movl (%rax), %eax") + ".data\nus_word: .quad other_1",
            ["other_1"], ("us_value", 101)),
        Using("many units", Returns("ut_value", "movq ut_words+72(%rip), %rax; movl (%rax), %eax")
            + ".data\nut_words: .quad other_0, other_1, other_2, other_3, other_4, other_5, other_6, other_7, other_8, other_9",
            [.. Enumerable.Range(0, 10).Select(i => $"other_{i}")], ("ut_value", 109)),
        new("many names", [.. Enumerable.Range(0, 4).Select(i => Object($"many{i}", Many($"mn{i}", 200, 120 + i)))],
            [.. Enumerable.Range(0, 4).Select(i => ($"mn{i}_value", 120 + i))]),
        new("many objects", [.. Enumerable.Range(0, 5).Select(i => Object($"more{i}", Many($"mo{i}", 2, 130 + i)))],
            [.. Enumerable.Range(0, 5).Select(i => ($"mo{i}_value", 130 + i))])
        {
            IsKept = false,
        },
        new("names bound late", [.. Enumerable.Range(0, 2).Select(i => Object($"late{i}", Many($"la{i}", 2100, 140 + i)))],
            [.. Enumerable.Range(0, 2).Select(i => ($"la{i}_value", 140 + i))])
        {
            IsKept = false,
        },
    ];

    /// <summary>An object of assembly.</summary>
    public static ElfObject Object(string name, string source) => Assembler.X64(source.Replace("; ", "\n"), name + ".o");

    /// <summary>A function: the stack is aligned for calls.</summary>
    public static string Returns(string name, string body, string before = "", string after = "") =>
        $".text\n.globl {name}\n.type {name},@function\n{name}:\n{before}\nsubq $8, %rsp\n{body}\naddq $8, %rsp\nret\n{after}\n.size {name}, .-{name}\n";

    private static LinkSample Of(string name, string source, params (string Function, int Value)[] values) =>
        new(name, [Object(name, source)], values);

    private static LinkSample Using(string name, string source, string[] uses, params (string Function, int Value)[] values) =>
        Of(name, source, values) with { Uses = uses };

    /// <summary>A function whose resolver chooses one that returns a number.</summary>
    private static string Ifunc(string name, int value) =>
        $".text\n.type {name},@gnu_indirect_function\n{name}: leaq {name}_body(%rip), %rax\nret\n{name}_body: movl ${value}, %eax\nret\n";

    /// <summary>A function in a COMDAT group of its own.</summary>
    private static string Group(string name, int value) =>
        $".section .text.{name},\"axG\",@progbits,{name},comdat\n.weak {name}\n.type {name},@function\n{name}: movl ${value}, %eax\nret\n";

    /// <summary>A function that adds up variables of many names: one is a number, the others are 0.</summary>
    private static string Many(string prefix, int count, int value)
    {
        var source = new StringBuilder(Returns($"{prefix}_value", $"movl {prefix}_{count - 1}(%rip), %eax; addl {prefix}_0(%rip), %eax"));
        _ = source.Append(".data\n");
        for (int i = 0; i < count; i++)
        {
            _ = source.Append($".globl {prefix}_{i}\n{prefix}_{i}: .long {(i == count - 1 ? value : 0)}\n");
        }

        return source.ToString();
    }

    private static ElfBuilder WithoutSymbols()
    {
        ElfBuilder elf = new();
        _ = elf.AddWords(".data", 1, 2, 3);
        return elf.Lie(elf.SymbolTable, header => header with { Type = ElfConstants.SHT_PROGBITS, Flags = 0, Link = 0, Info = 0 });
    }
}
