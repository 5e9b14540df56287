namespace ElfLoader.Inspection.Operands;

/// <summary>An instruction.</summary>
/// <param name="Length">Its size in bytes.</param>
/// <param name="Text">How it is written.</param>
/// <param name="Operands">Its operands, in number and order those of LLVM's <c>MCInst</c>.</param>
public sealed record DecodedInstruction(int Length, string Text, IReadOnlyList<MachineOperand> Operands);
