using ElfLoader.Tests.EndToEnd;

namespace ElfLoader.Tests.Tools;

/// <summary>Filters of <c>explain</c> that nothing passes are told, not silent.</summary>
[Category("EndToEnd")]
[Parallelizable(ParallelScope.Children)]
public sealed class ExplainFilterTests
{
    private static readonly ToolPrograms Programs = new();

    [OneTimeSetUp]
    public void Compile()
    {
        const string source = "int callee(int); int caller(int a) { return callee(a) + callee(a + 1); }";
        _ = Programs.Compile("x64", source, "-fno-asynchronous-unwind-tables", "-fno-pic");
        _ = Programs.Compile("arm", source, "--target=armv7-linux-gnueabihf");
    }

    [OneTimeTearDown]
    public void Remove() => Programs.Dispose();

    [TestCase("x64.o", "--type X", 2, "error: --type: there is no relocation type 'X': the machine's begin with R_X86_64_")]
    [TestCase("x64.o", "--type R_X86_64_PLT2", 2, "error: --type: there is no relocation type 'R_X86_64_PLT2': did you mean 'R_X86_64_PLT32'?")]
    [TestCase("x64.o", "--type r_x86_64_plt32", 2, "error: --type: there is no relocation type 'r_x86_64_plt32': did you mean 'R_X86_64_PLT32'?")]
    [TestCase("x64.o", "--type plt32", 2, "error: --type: there is no relocation type 'plt32': did you mean 'R_X86_64_PLT32'?")]
    [TestCase("x64.o", "--type R_ARM_CALL", 2, "error: --type: there is no relocation type 'R_ARM_CALL': the machine's begin with R_X86_64_")]
    [TestCase("arm.o", "--type R_X86_64_PC32", 2, "error: --type: there is no relocation type 'R_X86_64_PC32': the machine's begin with R_ARM_")]
    [TestCase("x64.o", "--type R_X86_64_GOTTPOFF", 0, "warning: --type: no place has a relocation of type 'R_X86_64_GOTTPOFF'")]
    [TestCase("x64.o", "--symbol calle", 0, "warning: --symbol: no place refers to 'calle'; did you mean 'callee'?")]
    [TestCase("x64.o", "--symbol nobody*", 0, "warning: --symbol: no place refers to 'nobody*'")]
    [TestCase("x64.o", "--section .txt", 0, "warning: --section: no place is in a section '.txt'; did you mean '.text'?")]
    [TestCase("x64.o", "--type R_X86_64_P* --symbol callee --section .text", 0, "")]
    [TestCase("arm.o", "--type R_ARM_CALL --type R_ARM_C*", 0, "")]
    public void WhatNothingPassesIsTold(string file, string filters, int status, string expected)
    {
        CommandResult result = ElfloadCommand.Invoke(["explain", Programs.Path(file), "--allow-undefined", .. filters.Split(' ')]);

        Assert.That((result.Status, result.Error), Is.EqualTo((status, expected is "" ? "" : $"elfload: {expected}\n")));
    }

    [Test]
    public void TheSummaryOfAnObjectNamesWhatOthersMustDefine()
    {
        string many = Programs.Compile("many", string.Concat(Enumerable.Range(0, 11).Select(i => $"int f{i}(void); int g{i}(void) {{ return f{i}() + 1; }}\n")));

        string few = ElfloadCommand.Invoke("inspect", Programs.Path("x64.o")).Output;
        string cut = ElfloadCommand.Invoke("inspect", many).Output;

        Assert.That(few, Does.StartWith("x64.o: object for x86-64, 64-bit\n").And.Contain("\n  undefined: callee\n"));
        Assert.That(cut, Does.Contain("\n  undefined: f0, f1, f2, f3, f4, f5, f6, f7 and 3 more\n"));
    }
}
