using ElfLoader.Memory;

namespace ElfLoader.Inspection.Operands;

/// <summary>The operands of all instructions with an encoding, as LLVM's <c>MCInst</c> has them.</summary>
internal sealed class OperandForm
{
    private readonly string[] _operands;

    /// <summary>Describes an encoding.</summary>
    /// <param name="pattern">Its bits, the highest first: 0, 1, and anything else for bits that vary; blanks do not count.</param>
    /// <param name="operands">Its operands, words of <see cref="ArmOperandWords"/>.</param>
    internal OperandForm(string pattern, string operands)
    {
        uint mask = 0;
        uint value = 0;
        int bits = 0;
        foreach (char bit in pattern)
        {
            if (bit is not ' ')
            {
                mask = (mask << 1) | (bit is '0' or '1' ? 1u : 0u);
                value = (value << 1) | (bit is '1' ? 1u : 0u);
                bits++;
            }
        }

        if (bits is not (16 or 32))
        {
            throw new ArgumentException($"'{pattern}' has {CountText.Of(bits, "bit")}", nameof(pattern));
        }

        (Mask, Value) = (mask, value);
        _operands = operands.Split(' ', StringSplitOptions.RemoveEmptyEntries);
    }

    /// <summary>The bits that do not vary.</summary>
    private uint Mask { get; }

    /// <summary>What they are.</summary>
    private uint Value { get; }

    /// <summary>The operands of an instruction, from the first form that it has; null where it has none.</summary>
    internal static List<MachineOperand>? Find(ReadOnlySpan<OperandForm> forms, uint word, bool isThumb = false)
    {
        foreach (OperandForm form in forms)
        {
            if ((word & form.Mask) == form.Value)
            {
                List<MachineOperand> operands = [];
                foreach (string operand in form._operands)
                {
                    ArmOperandWords.Add(operands, operand, word, isThumb);
                }

                return operands;
            }
        }

        return null;
    }
}
