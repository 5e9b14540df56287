using System.Buffers.Binary;
using Gee.External.Capstone;
using Gee.External.Capstone.Arm;

namespace ElfLoader.Inspection.Operands;

/// <summary>Decodes A32 and T32 instructions one by one.</summary>
/// <remarks>Not thread-safe.</remarks>
public sealed class ArmDecoder : IDisposable
{
    /// <summary>Most bytes that an instruction has.</summary>
    public const int MaximumLength = 4;

    private CapstoneArmDisassembler? _arm;
    private CapstoneArmDisassembler? _thumb;

    /// <summary>Decodes the instruction at the start of some bytes.</summary>
    /// <param name="code">The bytes.</param>
    /// <param name="address">Their address.</param>
    /// <param name="isThumb">Whether they are T32 code.</param>
    /// <returns>The instruction, or null if there is none.</returns>
    /// <exception cref="LinkException">The disassembler's native library is not there.</exception>
    public DecodedInstruction? Decode(ReadOnlySpan<byte> code, ulong address, bool isThumb)
    {
        int length = isThumb ? 2 : 4;
        if (code.Length < length)
        {
            return null;
        }

        uint word = isThumb ? BinaryPrimitives.ReadUInt16LittleEndian(code) : BinaryPrimitives.ReadUInt32LittleEndian(code);
        if (isThumb && word >= 0xe800) // 0b11101 and above are the first halfword of two
        {
            length = 4;
            if (code.Length < length)
            {
                return null;
            }

            word = (word << 16) | BinaryPrimitives.ReadUInt16LittleEndian(code[2..]);
        }

        List<MachineOperand>? operands = !isThumb ? OfA32(word)
            : length is 2 ? OperandForm.Find(T32Forms.Narrow, word, isThumb: true)
            : OfT32(word);
        return operands is not null && Disassemble(code[..length], address, isThumb) is { } text
            ? new DecodedInstruction(length, text, operands)
            : null;
    }

    /// <summary>Gives the disassemblers back.</summary>
    public void Dispose()
    {
        _arm?.Dispose();
        _thumb?.Dispose();
    }

    private static List<MachineOperand>? OfA32(uint word) => (word >> 28, (word >> 24) & 15) switch
    {
        (15, 2 or 3) => OperandForm.Find(VectorForms.Vectors, word),
        (15, 4) when (word & 1u << 20) is 0 => VectorStructures.Of(word),
        (15, >= 12 and < 15) => OperandForm.Find(VectorForms.FloatingAlways, word),
        (15, _) => OperandForm.Find(A32Forms.Unconditional, word),
        (_, >= 12 and < 15) => OperandForm.Find(VectorForms.Floating, word),
        _ => OperandForm.Find(A32Forms.Conditional, word),
    };

    /// <summary>Floating-point and vector instructions are those of A32, but for their highest bits.</summary>
    private static List<MachineOperand>? OfT32(uint word) => (word >> 24) switch
    {
        0xef or 0xff => OfA32(0xf200_0000 | (word >> 4 & 0x0100_0000) | (word & 0x00ff_ffff)),
        0xf9 when (word & 1u << 20) is 0 => OfA32(0xf400_0000 | (word & 0x00ff_ffff)),
        0xec or 0xed or 0xee => OfA32(word),
        0xfc or 0xfd => OperandForm.Find(VectorForms.Floating, (word & 0x0fff_ffff) | 0xe000_0000),
        0xfe => OperandForm.Find(VectorForms.FloatingAlways, word),
        _ => OperandForm.Find(T32Forms.Wide, word, isThumb: true),
    };

    private string? Disassemble(ReadOnlySpan<byte> code, ulong address, bool isThumb)
    {
        try
        {
            CapstoneArmDisassembler disassembler = isThumb
                ? _thumb ??= CapstoneDisassembler.CreateArmDisassembler(ArmDisassembleMode.Thumb | ArmDisassembleMode.V8)
                : _arm ??= CapstoneDisassembler.CreateArmDisassembler(ArmDisassembleMode.Arm | ArmDisassembleMode.V8);
            ArmInstruction[] found = disassembler.Disassemble(code.ToArray(), (long)address, 1);
            return found is [{ } instruction, ..] && instruction.Bytes.Length == code.Length
                ? $"{instruction.Mnemonic} {instruction.Operand}".TrimEnd()
                : null;
        }
        catch (Exception exception) when (exception is DllNotFoundException or BadImageFormatException or TypeInitializationException)
        {
            throw new LinkException(
                exception,
                [new LinkError(LinkErrorCode.Unsupported, new LinkLocation("Capstone"), $"no disassembler: {exception.Message}")]);
        }
    }
}
