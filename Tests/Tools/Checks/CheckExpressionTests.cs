using ElfLoader.Inspection.Checks;
using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Tools.Checks;

/// <summary>What expressions mean, and what is said of those that mean nothing.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class CheckExpressionTests
{
    private const string Source = """
        .text
        .globl f
        .type f, @function
        f: callq g
        .size f, .-f
        .globl h
        .type h, @function
        h: movq d(%rip), %rax
        .size h, .-h
        .globl g
        .type g, @function
        g: retq
        .size g, .-g
        .data
        .globl d
        .type d, @object
        d: .quad 0x1122334455667788, g
        .size d, .-d
        .globl i
        .type i, @object
        i: .byte 0x06
        .size i, .-i
        .bss
        .globl z
        .type z, @object
        z: .zero 8
        .size z, .-z
        """;

    /// <summary>Expressions and their values, that LLVM's own checker computes alike.</summary>
    private static readonly (string Expression, string Value)[] Values =
    [
        ("10", "10"),
        ("0x1F", "31"),
        ("017", "15"),
        ("0xffffffffffffffff", "18446744073709551615"),
        ("1+2", "3"),
        ("1-2", "0xffffffffffffffff"),
        ("6&3", "2"),
        ("4|3", "7"),
        ("1<<4", "16"),
        ("0x8000000000000000>>63", "1"),
        // no precedence: from left to right
        ("1+2<<3", "24"),
        ("1|2&4", "0"),
        ("7&3+4", "7"),
        ("10-2-3", "5"),
        ("10-(2-3)", "11"),
        ("((((1))))", "1"),
        // slices bind closest
        ("0xabcd[15:8]", "0xab"),
        ("0x1+0xabcd[7:0]", "0xce"),
        ("(0x1+0xabcd)[7:0]", "0xce"),
        ("0xabcd[3:3]", "1"),
        // loads take all that follows
        ("*{8}d", "0x1122334455667788"),
        ("*{4}d", "0x55667788"),
        ("*{2}d", "0x7788"),
        ("*{1}d", "0x88"),
        ("*{1}d+1", "0x77"),
        ("*{1}d + 1", "0x77"),
        ("(*{1}d)+1", "0x89"),
        ("(*{4}d)[15:8]", "0x77"),
        ("*{8}d + 8", "g"),
        ("*{8}(d + 8)", "g"),
        ("*{4}z", "0"),
        ("g - f", "12"),
        ("f[1:0]", "0"),
        ("next_pc(f)", "f + 5"),
        ("decode_operand(f, 0)", "g - next_pc(f)"),
        ("decode_operand(h, 4)", "d - next_pc(h)"),
        ("next_pc(h)[3:0]", "12"),
    ];

    private static readonly string[] BeyondLlvm =
    [
        "1 + 2 = 3", "( 1 << 4 ) = 16", "4 + g = g + 4", " 0xabcd [15:8] = 171", "0x12345678[31:8][7:0] = 0x56",
        "0xffffffffffffffff[63:0] = 0xffffffffffffffff", "1 << 64 = 0", "1>>64 = 0", "*{3}d = 0x667788", "*{7}d = 0x22334455667788",
        "decode_operand(h - 5, 0) = g - f - 5", "next_pc(f + 5) = g", "*{8}0 = 0",
        "section_addr(t.o, .text) = f", "section_addr(folder/t.o, .data) = d", "section_addr(t.o,.text#2) = f",
    ];

    private static readonly (string Expression, int Column, string Problem)[] Problems =
    [
        ("1 = ", 5, "expected '(', '*', a symbol or a number, found the end of the expression"),
        ("1", 2, "expected an operator or '=', found the end of the expression"),
        ("f == 1", 4, "expected '(', '*', a symbol or a number, found '='"),
        ("1 = 2 3", 7, "expected an operator or the end of the expression, found '3'"),
        ("(1 + 2 = 3", 8, "expected an operator or ')', found '='"),
        ("1 + = 3", 5, "expected '(', '*', a symbol or a number, found '='"),
        ("-1 = 3", 1, "expected '(', '*', a symbol or a number, found '-'"),
        ("~1 = 3", 1, "expected '(', '*', a symbol or a number, found '~'"),
        ("1 < 2 = 1", 3, "expected an operator or '=', found '<'"),
        ("*4 d = 1", 2, "expected '{' and the number of bytes to load, found '4'"),
        ("*{9}d = 1", 3, "expected a number of bytes, from 1 to 8, found 9"),
        ("*{4d = 1", 3, "expected a number, found '4d': 'd' is no digit to base 10"),
        ("*{4 d = 1", 5, "expected '}', found 'd'"),
        ("09 = 1", 1, "expected a number, found '09': '9' is no digit to base 8"),
        ("0x = 1", 1, "expected digits after '0x'"),
        ("0x10000000000000000 = 1", 1, "expected a number of at most 64 bits, found '0x10000000000000000'"),
        ("f[3] = 1", 4, "expected ':' and the number of the lowest bit, found ']'"),
        ("f[3:4] = 1", 3, "expected the higher bit first, found [3:4]"),
        ("f[64:4] = 1", 3, "expected the number of the highest bit, from 0 to 63, found 64"),
        ("f[31:0 = 1", 8, "expected ']', found '='"),
        ("next_pc(5) = 1", 9, "expected a symbol, found '5'"),
        ("next_pc(f = 1", 11, "expected ')', found '='"),
        ("decode_operand(f) = 1", 17, "expected '+' and a number, or ',' and the operand's index, found ')'"),
        ("decode_operand(f, x) = 1", 19, "expected a number, found 'x'"),
        ("stub_addr(t.o) = 1", 19, "expected ',' after the name of an object, found the end of the expression"),
        ("stub_addr(, f) = 1", 11, "expected the name of an object, found ','"),
        ("section_addr(t.o, = 1", 22, "expected ')' after the name of a section, found the end of the expression"),
        ("block_addr(t.o) = 1", 1, "expected an operator after 'block_addr', which is no function: those are decode_operand, next_pc, stub_addr, got_addr and section_addr"),
        ("1 = nowhere", 5, "there is no symbol 'nowhere'"),
        ("1 + .Lx = 3", 5, "there is no symbol '.Lx': assemblers keep labels that start with .L out of the symbol table"),
        ("decode_operand(h, 0) = 1", 1, "operand 0 of 'mov rax, [0x402000]' is not an immediate, but a register"),
        ("decode_operand(f, 1) = 1", 1, "there is no operand 1: 'call 0x40100c' has 1, 0: the number 7 (distance)"),
        ("1 + decode_operand(i, 0) = 1", 5, "there is no instruction at 0x402010, 'i'"),
        ("*{8}1 = 1", 1, "there are no 8 bytes at 0x1: no section of the image is there"),
        ("section_addr(u.o, .text) = 1", 1, "no object 'u.o' is linked; there are t.o"),
        ("section_addr(t.o, .rodata) = 1", 1, "t.o has no section '.rodata' in the image"),
        ("stub_addr(t.o, g) = 1", 1, "t.o has no stub for 'g': its branches reach it, if there are any"),
        ("got_addr(t.o/.text, g) = 1", 1, "t.o has no slot for 'g' in its global offset table"),
        ("_GLOBAL_OFFSET_TABLE_ = 1", 1, "no object uses a global offset table, so there is no '_GLOBAL_OFFSET_TABLE_'"),
    ];

    private static IEnumerable<string> Equations => Values.Select(row => $"{row.Expression} = {row.Value}").Concat(BeyondLlvm);

    private static IEnumerable<TestCaseData> ProblemRows =>
        Problems.Select(row => new TestCaseData(row.Expression, row.Column, row.Problem) { TestName = $"Problem({row.Expression})" });

    [TestCaseSource(nameof(Equations))]
    public void ExpressionsHaveTheirValues(string equation)
    {
        CheckResult result = Check(equation);

        Assert.That(result.Outcome, Is.EqualTo(CheckOutcome.Passed), $"{result.Problem} {result.Left} {result.Right}");
    }

    [Test]
    public void LlvmComputesTheSame()
    {
        using var folder = new TemporaryFolder();
        string source = folder.File("t.s");
        File.WriteAllText(source, $"{Source}\n");
        _ = Command.Check("llvm-mc-19", ["-triple=x86_64-linux-gnu", "-filetype=obj", source, "-o", folder.File("t.o")]);
        string checks = folder.File("t.checks");
        File.WriteAllLines(checks, Values.Select(row => $"# rtdyld-check: {row.Expression} = {row.Value}"));

        CommandResult result = Command.Run("llvm-rtdyld-19", ["-triple=x86_64-linux-gnu", "-verify", $"-check={checks}", folder.File("t.o")]);

        Assert.That(result.Status, Is.Zero, result.Error);
    }

    [TestCaseSource(nameof(ProblemRows))]
    public void ProblemsAreToldWithTheirPlace(string equation, int column, string problem)
    {
        CheckResult result = Check(equation);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Outcome, Is.EqualTo(CheckOutcome.Error));
            Assert.That(result.Problem, Is.EqualTo(problem));
            Assert.That(result.Position, Is.EqualTo(new CheckPosition(7, 10 + column)));
        }
    }

    [TestCase("(", ")")]
    [TestCase("*{1}", "")]
    public void NestingHasAnEnd(string open, string close)
    {
        CheckResult result = Check($"{string.Concat(Enumerable.Repeat(open, 100_000))}1{string.Concat(Enumerable.Repeat(close, 100_000))} = 1");

        Assert.That(result.Problem, Does.Contain("nested more than 200 deep"));
    }

    [Test]
    public void ChainsHaveNone() =>
        Assert.That(Check($"{string.Concat(Enumerable.Repeat("1+", 1_000_000))}1 = 1000001").Outcome, Is.EqualTo(CheckOutcome.Passed));

    private static CheckResult Check(string equation)
    {
        using var checker = new ImageChecker(new ImageLinker().Link([Assembler.X64(Source, "t.o")]));
        return checker.Check(new CheckRule("t.s", equation, new CheckPosition(7, 11)));
    }
}
