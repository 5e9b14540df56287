using System.Globalization;

namespace ElfLoader.Inspection.Operands;

/// <summary>What an operand is.</summary>
public enum MachineOperandKind
{
    /// <summary>A register, or the absence of one.</summary>
    Register,

    /// <summary>A number.</summary>
    Immediate,
}

/// <summary>An operand of an instruction, as LLVM's <c>MCInst</c> has it.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Value">The number, where it is one.</param>
/// <param name="Role">What it is for, where it is no plain operand: <c>base</c>, <c>scale</c>, <c>condition</c>.</param>
public readonly record struct MachineOperand(MachineOperandKind Kind, long Value = 0, string? Role = null)
{
    /// <summary>A register.</summary>
    public static MachineOperand Register(string? role = null) => new(MachineOperandKind.Register, Role: role);

    /// <summary>A number.</summary>
    public static MachineOperand Immediate(long value, string? role = null) => new(MachineOperandKind.Immediate, value, role);

    /// <summary>For people.</summary>
    public override string ToString()
    {
        string role = Role is null ? "" : $" ({Role})";
        return Kind is MachineOperandKind.Register
            ? $"a register{role}"
            : string.Create(CultureInfo.InvariantCulture, $"the number {Value}{role}");
    }
}
