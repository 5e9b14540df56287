using Iced.Intel;

namespace ElfLoader.Inspection.Operands;

/// <summary>Decodes x86-64 instructions one by one.</summary>
public static class X86Decoder
{
    /// <summary>Most bytes that an instruction has.</summary>
    public const int MaximumLength = 15;

    /// <summary>Decodes the instruction at the start of some bytes.</summary>
    /// <param name="code">The bytes.</param>
    /// <param name="address">Their address.</param>
    /// <returns>The instruction, or null if there is none.</returns>
    public static DecodedInstruction? Decode(ReadOnlySpan<byte> code, ulong address)
    {
        byte[] bytes = code[..Math.Min(code.Length, MaximumLength)].ToArray();
        var decoder = Decoder.Create(64, new ByteArrayCodeReader(bytes), address);
        decoder.Decode(out Instruction instruction);
        if (instruction.IsInvalid)
        {
            return null;
        }

        var formatter = new IntelFormatter();
        formatter.Options.HexPrefix = "0x";
        formatter.Options.HexSuffix = "";
        formatter.Options.UppercaseHex = false;
        formatter.Options.SpaceAfterOperandSeparator = true;
        formatter.Options.SmallHexNumbersInDecimal = true;
        formatter.Options.BranchLeadingZeros = false;
        formatter.Options.ShowBranchSize = false;
        var output = new StringOutput();
        formatter.Format(instruction, output);
        return new DecodedInstruction(instruction.Length, output.ToString(), X86Operands.Of(instruction));
    }
}
