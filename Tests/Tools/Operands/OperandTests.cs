using System.Globalization;
using ElfLoader.Inspection.Operands;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Tools.Operands;

/// <summary>Operands are numbered as LLVM numbers them: for all code of the fixtures, and all opcodes that can be made.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class OperandTests
{
    [Test]
    public void X86OperandsAreThoseOfLlvm() => Compare("operands-x64.csv", code => X86Decoder.Decode(code, 0));

    [Test]
    public void A32OperandsAreThoseOfLlvm()
    {
        using var decoder = new ArmDecoder();
        Compare("operands-a32.csv", code => decoder.Decode(code, 0, isThumb: false));
    }

    [Test]
    public void T32OperandsAreThoseOfLlvm()
    {
        using var decoder = new ArmDecoder();
        Compare("operands-t32.csv", code => decoder.Decode(code, 0, isThumb: true));
    }

    [TestCase("0f0b", 2)]
    [TestCase("488b0510000000ff", 7)]
    [TestCase("49bb887766554433221190", 10)]
    public void LengthsAreThoseOfX86(string code, int length) =>
        Assert.That(X86Decoder.Decode(Convert.FromHexString(code), 0)!.Length, Is.EqualTo(length));

    [TestCase("0047", true, 2)]
    [TestCase("fff7fefff0", true, 4)]
    [TestCase("feffffeb00", false, 4)]
    public void LengthsAreThoseOfArm(string code, bool isThumb, int length)
    {
        using var decoder = new ArmDecoder();
        Assert.That(decoder.Decode(Convert.FromHexString(code), 0, isThumb)!.Length, Is.EqualTo(length));
    }

    [Test]
    public void WhatIsNoInstructionIsNone()
    {
        using var decoder = new ArmDecoder();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(X86Decoder.Decode([], 0), Is.Null);
            Assert.That(X86Decoder.Decode([0x06], 0), Is.Null);
            Assert.That(X86Decoder.Decode([0x48, 0x8b, 0x05, 0x10], 0), Is.Null);
            Assert.That(decoder.Decode([0xfe, 0xff, 0xff], 0, isThumb: false), Is.Null);
            Assert.That(decoder.Decode([0xff, 0xf7], 0, isThumb: true), Is.Null);
            Assert.That(decoder.Decode([0xff, 0xff, 0xff, 0xff], 0, isThumb: false), Is.Null);
        }
    }

    private static void Compare(string table, Func<byte[], DecodedInstruction?> decode)
    {
        int rows = 0;
        List<string> differences = [];
        foreach (string line in File.ReadLines(Path.Combine(Fixtures.Folder, "checks", table)).Skip(1))
        {
            rows++;
            string[] fields = line.Split(',');
            DecodedInstruction? instruction = decode(Convert.FromHexString(fields[0]));
            string operands = instruction is null ? "none" : string.Join(' ', instruction.Operands.Select(Text));
            if (operands != fields[2])
            {
                differences.Add($"{line}: {operands} ({instruction?.Text})");
            }
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(rows, Is.GreaterThan(500));
            Assert.That(differences, Is.Empty);
        }
    }

    private static string Text(MachineOperand operand) => operand.Kind is MachineOperandKind.Register
        ? "r"
        : string.Create(CultureInfo.InvariantCulture, $"i{operand.Value}");
}
