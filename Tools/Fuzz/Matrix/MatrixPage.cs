using System.Globalization;
using System.Text;
using ElfLoader.Relocations;

namespace ElfLoader.Fuzz.Matrix;

/// <summary>The page <c>docs/relocations.md</c>.</summary>
internal sealed class MatrixPage
{
    private const string Introduction = """
        # Relocation types, and what others make of them

        This page is written by `dotnet run --project Tools/Fuzz -- matrix`: it is what the tools did, not what is said of them.

        For each type there is code or data of the kind that the type is for, with several addends, with targets in A32 and
        Thumb, functions and data, and with values inside of the limits, at both limits, and one step beyond them ("beyond").
        The linkers put everything at the same addresses as we do; RuntimeDyld (`llvm-rtdyld`) and JITLink (`llvm-jitlink`) are
        asked for the bytes at each place, and cannot be told that an outside address is a Thumb function, so they are asked
        about other targets only. Versions: LLVM 19, GNU ld 2.40.

        | word | meaning |
        | --- | --- |
        | right | the bytes that the ABI asks for; a slot of the tool's own holds the symbol's address |
        | refused | an error message |
        | stub | through code that the tool adds; "stub, or another place" where only the branch was looked at |
        | cut | written though it does not fit, without a word |
        | accepted, ignored | the type has no code of its own here, or its value is the tool's own business: the place was changed, or left |
        | B(S) is 0, wrong sign, T misplaced, … | a mistake that is worked out to the byte: `Tools/Fuzz/Differential/Reason.cs` |
        | crashes | the process died |
        | differs | other bytes than ours; the reasons that are known are tested in `Tests/Arch.Arm` and `Tests/Arch.X64` |

        The ABI's column is printed from our tables, which tests hold against `fixtures/relocations/x86_64.csv` and `arm.csv`,
        written down from the psABI and AAELF32; the letters are those of [the architecture page](architecture.md). What counts from the
        static base B(S) has its symbols in a segment that starts there: for us `--static-base` says so, for ld.lld that is always so, and GNU
        ld takes B(S) for 0 but for the groups, where it is the start of the symbol's section.

        """;

    private readonly StringBuilder _x64 = new();
    private readonly StringBuilder _arm = new();

    /// <summary>Types that were asked about.</summary>
    internal int Types { get; private set; }

    /// <summary>Cases in all.</summary>
    internal int Cases { get; private set; }

    /// <summary>Adds a type's row.</summary>
    /// <param name="type">The type.</param>
    /// <param name="cells">Ours, lld's, GNU ld's, RuntimeDyld's, JITLink's; none where no assembler knows the type, null where there is no code for it.</param>
    internal void Add(MatrixType type, IReadOnlyList<Cell>? cells)
    {
        Types++;
        Cases += type.Section.Places.Count;
        RelocationRule rule = type.Rule;
        string abi = rule.Use switch
        {
            RelocationUse.Dynamic => "for dynamic loaders",
            RelocationUse.Refused => "withdrawn or private",
            RelocationUse.Marker => "changes nothing",
            _ => $"`{rule.Expression.ToString().Replace("|", "\\|", StringComparison.Ordinal)}`, {rule.Field.Size} bytes, {Overflows(rule)}",
        };
        string answers = cells is null
            ? " in `fixtures/relocations` | | | | |"
            : cells.Count is 0
            ? $" {(rule.Use is RelocationUse.Static or RelocationUse.Marker ? "not asked: LLVM's assembler has no such type" : "refused")} | | | | |"
            : string.Concat(cells.Select(cell => $" {cell} |"));
        _ = (type.IsArm ? _arm : _x64).AppendLine(CultureInfo.InvariantCulture, $"| {rule.Type} | {type.Name} | {abi} |{answers}");
    }

    /// <summary>The page.</summary>
    internal string Text()
    {
        const string head = "| | type | ABI | ElfLoader | ld.lld | GNU ld | RuntimeDyld | JITLink |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n";
        return $"{Introduction}\n## x86-64 (`R_X86_64_…`)\n\n{head}{_x64}\n## 32-bit Arm (`R_ARM_…`)\n\n{head}{_arm}";
    }

    private static string Overflows(RelocationRule rule) => rule.Overflow switch
    {
        Overflow.Wraps => "not checked",
        Overflow.Signed => "signed",
        Overflow.Unsigned => "unsigned",
        Overflow.Either => "signed or unsigned",
        _ => "what can be encoded",
    };
}
