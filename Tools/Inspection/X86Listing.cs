using ElfLoader.Elf;
using Iced.Intel;
using static ElfLoader.Arch.X64.X64Relocations;

namespace ElfLoader.Inspection;

/// <summary>Disassembles x86 code in Intel's notation. Not thread-safe.</summary>
internal sealed class X86Listing : ISymbolResolver
{
    private readonly CodeAnnotations _annotations;
    private readonly int _bits;
    private readonly bool _showsAddresses;
    private readonly IntelFormatter _formatter;
    private ConstantOffsets _constants;

    /// <param name="annotations">What to say beside the instructions.</param>
    /// <param name="bits">32 or 64.</param>
    /// <param name="showsAddresses">Whether operands show addresses beside names.</param>
    internal X86Listing(CodeAnnotations annotations, int bits, bool showsAddresses = false)
    {
        _annotations = annotations;
        _bits = bits;
        _showsAddresses = showsAddresses;
        _formatter = new IntelFormatter(this);
        _formatter.Options.HexPrefix = "0x";
        _formatter.Options.HexSuffix = "";
        _formatter.Options.UppercaseHex = false;
        _formatter.Options.SpaceAfterOperandSeparator = true;
        _formatter.Options.SmallHexNumbersInDecimal = true;
        _formatter.Options.BranchLeadingZeros = false;
        _formatter.Options.ShowBranchSize = false;
        _formatter.Options.RipRelativeAddresses = false;
    }

    /// <summary>The lines.</summary>
    /// <param name="code">The bytes.</param>
    /// <param name="start">Address of the first: lines are located by addresses.</param>
    internal IEnumerable<CodeLine> Lines(ReadOnlyMemory<byte> code, ulong start = 0)
    {
        byte[] bytes = code.ToArray();
        var decoder = Decoder.Create(_bits, new ByteArrayCodeReader(bytes));
        decoder.IP = start;
        var output = new StringOutput();
        while (decoder.IP - start < (ulong)bytes.Length)
        {
            decoder.Decode(out Instruction instruction);
            ulong address = instruction.IP;
            int offset = (int)(address - start);
            int length = Math.Clamp(instruction.Length, 1, bytes.Length - offset);
            ReadOnlyMemory<byte> own = code.Slice(offset, length);
            string text;
            if (instruction.IsInvalid)
            {
                text = "(bad)";
            }
            else
            {
                _constants = decoder.GetConstantOffsets(instruction);
                _formatter.Format(instruction, output);
                text = output.ToStringAndReset();
            }

            yield return new CodeLine(
                address, own, text, _annotations.DescribeAll(address, length), _annotations.LabelsAt(address));
        }
    }

    /// <summary>Names what an operand refers to: by the relocation at its place, else by the symbols of the section.</summary>
    bool ISymbolResolver.TryGetSymbol(
        in Instruction instruction,
        int operand,
        int instructionOperand,
        ulong address,
        int addressSize,
        out SymbolResult symbol)
    {
        bool isMemory = instructionOperand >= 0 && instruction.GetOpKind(instructionOperand) is OpKind.Memory;
        bool hasField = isMemory ? _constants.HasDisplacement : _constants.HasImmediate;
        ulong field = instruction.IP + (ulong)(isMemory ? _constants.DisplacementOffset : _constants.ImmediateOffset);
        if (hasField)
        {
            foreach (ref readonly RelocationRecord relocation in _annotations.RelocationsIn(field, 1))
            {
                symbol = new SymbolResult(address, TargetOf(relocation, instruction.NextIP));
                return true;
            }
        }

        bool isBranch = !isMemory && instructionOperand >= 0
            && instruction.GetOpKind(instructionOperand) is OpKind.NearBranch16 or OpKind.NearBranch32 or OpKind.NearBranch64;
        if ((isBranch || (isMemory && instruction.IsIPRelativeMemoryOperand))
            && _annotations.TryFindSymbol(address, out string name, out ulong start))
        {
            string distance = address == start ? "" : $"+0x{address - start:x}";
            symbol = _showsAddresses
                ? new SymbolResult(address, $"{name}{distance} (0x{address:x})")
                : new SymbolResult(start, name);
            return true;
        }

        symbol = default;
        return false;
    }

    /// <summary>The target, without what the addend takes back because the processor counts from the next instruction.</summary>
    private string TargetOf(in RelocationRecord relocation, ulong next)
    {
        string name = _annotations.Describe(relocation).Split(' ')[0];
        string suffix = relocation.Type switch
        {
            R_X86_64_64 or R_X86_64_32 or R_X86_64_32S or R_X86_64_16 or R_X86_64_8
                or R_X86_64_PC64 or R_X86_64_PC32 or R_X86_64_PC16 or R_X86_64_PC8
                or R_X86_64_PLT32 or R_X86_64_PC32_BND or R_X86_64_PLT32_BND => "",
            _ => $"@{name.Replace("R_X86_64_", "", StringComparison.Ordinal)}",
        };
        bool isRelative = name.Contains("PC", StringComparison.Ordinal) || name.Contains("PLT32", StringComparison.Ordinal)
            || name.Contains("GOTTPOFF", StringComparison.Ordinal) || name is "R_X86_64_TLSGD" or "R_X86_64_TLSLD";
        long addend = isRelative
            ? unchecked(relocation.Addend + (long)(next - relocation.Offset))
            : relocation.Addend;
        return _annotations.TargetOf(relocation, addend) + suffix;
    }
}
