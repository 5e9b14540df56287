using System.Text.RegularExpressions;

namespace ElfLoader.Linking;

/// <summary>
/// Names that compilers refer to by themselves, for what has no instructions, and that are in a library of their own: libgcc.a.
/// A driver such as <c>gcc</c> links to it without being asked, so people who have never heard of it miss its symbols here.
/// </summary>
internal static partial class CompilerRuntime
{
    /// <summary>Whether libgcc.a of some machine has a symbol of this name, and no other library is meant to have.</summary>
    internal static bool Has(string name) => Names().IsMatch(name);

    /// <summary>What to tell whoever misses the symbol, to follow its name; empty where the library does not have it.</summary>
    internal static string Advice(string name) =>
        Has(name) ? ", which is in libgcc.a, the compiler's own library ('gcc -print-libgcc-file-name' tells where that is)" : "";

    // GCC Internals, "The GCC low-level runtime library": operations, followed by the modes of operands and results, and their
    // number; decimal floating point; split stacks. Then what is x86's, Arm's (Run-time ABI, and before it), and AArch64's.
    [GeneratedRegex(
        """
        ^(
        __(abs|add|ashl|ashr|bswap|clrsb|clz|cmp|ctz|div|divmod|eq|extend|ffs|fix|fixuns|float|floatun|floatuns|ge|gt|le|lshr|lt
           |mod|mul|ne|neg|parity|popcount|powi|sub|trunc|ucmp|udiv|udivmod|umod|unord)
          v?([hbsdxt][fc]|[qhsdt]i|[sdt]d){1,2}[234]?
        |__(udiv_w_sdiv|popcount_tab|eprintf|gcc_bcmp|clear_cache|enable_execute_stack|speculation_barrier)
        |__(bid|dpd)\w+|__binary\d+_to_(bid|dpd)\w+|__dfp_\w+|isinfd(32|64|128)
        |__sync_\w+_(1|2|4|8|16)|__sync_synchronize
        |__(generic_)?morestack\w*|__generic_(find|release)stack|__splitstack_\w+|__stack_split_initialize
        |__cpu_(model|features2|indicator_init)|__(avx|sse)_(res|sav)ms64\w+|__sfp_handle_exceptions
        |__aeabi_(?!mem|atexit|errno|read_tp|unwind|assert|localeconv|ctype|std|vec_|portable)[a-z]\w*
        |__gnu_(h2f|f2h|d2h|thumb1_case|ldivmod_helper|saturate|(ss|us)?(add|sub|mul|div|neg|ashl)|u?div|ashr|lshr|cmp|(sat)?fract)\w*
        |_(interwork_)?(r\d+_)?call_via_\w+|_arm_return\w*
        |__aarch64_(cas|swp|ldadd|ldclr|ldeor|ldset)\d+_\w+|__aarch64_have_lse_atomics
        )$
        """,
        RegexOptions.ExplicitCapture | RegexOptions.IgnorePatternWhitespace | RegexOptions.CultureInvariant)]
    private static partial Regex Names();
}
