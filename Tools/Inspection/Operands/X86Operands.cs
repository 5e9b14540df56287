using Iced.Intel;
using static ElfLoader.Inspection.Operands.MachineOperand;

namespace ElfLoader.Inspection.Operands;

/// <summary>
/// Numbers the operands of x86-64 instructions as LLVM does: what is written, then what is read, and a register that is
/// both once for each. A reference to memory is five operands: base, scale, index, displacement, segment.
/// </summary>
internal sealed class X86Operands
{
    private readonly List<MachineOperand> _operands = [];
    private readonly Instruction _instruction;
    private readonly OpCodeInfo _opCode;

    private X86Operands(in Instruction instruction)
    {
        _instruction = instruction;
        _opCode = instruction.OpCode;
    }

    /// <summary>The operands.</summary>
    internal static IReadOnlyList<MachineOperand> Of(in Instruction instruction)
    {
        var operands = new X86Operands(instruction);
        operands.AddAll();
        return operands._operands;
    }

    private void AddAll()
    {
        if (_instruction.Mnemonic is Mnemonic.Xchg or Mnemonic.Xadd)
        {
            AddExchange();
            return;
        }

        var factory = new InstructionInfoFactory();
        InstructionInfo info = factory.GetInfo(WithDifferentRegisters(_instruction));
        for (int i = 0; i < OperandCount; i++)
        {
            Add(i, info.GetOpAccess(i));
        }

        if (_instruction.RoundingControl is not RoundingControl.None)
        {
            _operands.Add(Immediate((int)_instruction.RoundingControl - (int)RoundingControl.RoundToNearest, "rounding"));
        }

        if (_instruction.ConditionCode is not ConditionCode.None && HasCondition)
        {
            _operands.Add(Immediate((int)_instruction.ConditionCode - 1, "condition"));
        }
    }

    /// <summary>An instruction that gives the same number whatever the register holds, like xor, is said to read nothing.</summary>
    private static Instruction WithDifferentRegisters(Instruction instruction)
    {
        if (instruction is { OpCount: >= 2, Op0Kind: OpKind.Register, Op1Kind: OpKind.Register }
            && instruction.Op0Register == instruction.Op1Register)
        {
            Register register = instruction.Op1Register;
            instruction.Op1Register = register.GetNumber() is 0 ? register + 1 : register - 1;
        }

        return instruction;
    }

    /// <summary>The register that selects elements follows the result, and what the others keep comes before it.</summary>
    private void AddMask(int index)
    {
        if (index is 0 && _instruction.HasOpMask)
        {
            _operands.Add(Register("mask"));
        }
    }

    /// <summary>Both operands are written, and both are read.</summary>
    private void AddExchange()
    {
        int registers = 0;
        for (int i = 0; i < _instruction.OpCount; i++)
        {
            registers += _instruction.GetOpKind(i) is OpKind.Register && !IsImplicit(_opCode.GetOpKind(i)) ? 1 : 0;
        }

        bool isMemory = _instruction.Op0Kind is OpKind.Memory;
        for (int i = 0; i < 2 * registers; i++)
        {
            _operands.Add(Register());
        }

        if (isMemory)
        {
            AddMemory();
        }
    }

    /// <summary>How many operands count: that of xlat is always there, and the second one of nop is never used.</summary>
    private int OperandCount => _instruction.Mnemonic switch
    {
        Mnemonic.Xlatb => 0,
        Mnemonic.Nop or Mnemonic.Reservednop => Math.Min(_instruction.OpCount, 1),
        _ => _instruction.OpCount,
    };

    private bool HasCondition => _instruction.IsJccShortOrNear
        || _instruction.Mnemonic.ToString().StartsWith("Cmov", StringComparison.Ordinal)
        || _instruction.Mnemonic.ToString().StartsWith("Set", StringComparison.Ordinal);

    private void Add(int index, OpAccess access)
    {
        switch (_instruction.GetOpKind(index))
        {
            case OpKind.Register:
                if (!IsImplicit(_opCode.GetOpKind(index)))
                {
                    if (index is 0 && IsTied(access))
                    {
                        _operands.Add(Register("written"));
                    }

                    _operands.Add(Register());
                }

                AddMask(index);
                break;
            case OpKind.NearBranch16 or OpKind.NearBranch32 or OpKind.NearBranch64:
                _operands.Add(Immediate(unchecked((long)(_instruction.NearBranchTarget - _instruction.NextIP)), "distance"));
                break;
            case OpKind.Memory:
                AddMemory();
                AddMask(index);
                break;
            case OpKind.MemoryESDI or OpKind.MemoryESEDI or OpKind.MemoryESRDI:
                _operands.Add(Register("destination"));
                break;
            case OpKind.MemorySegSI or OpKind.MemorySegESI or OpKind.MemorySegRSI:
                _operands.Add(Register("source"));
                _operands.Add(Register("segment"));
                break;
            case OpKind.MemorySegDI or OpKind.MemorySegEDI or OpKind.MemorySegRDI:
                break; // that of maskmovq is always there
            default:
                if (_opCode.GetOpKind(index) is not OpCodeOperandKind.imm8_const_1)
                {
                    _operands.Add(Immediate(ImmediateOf(index)));
                }

                break;
        }
    }

    /// <summary>Whether the number is one of eight bits with a sign; other numbers of eight bits have none.</summary>
    private bool IsByteOperation => _instruction.Mnemonic is Mnemonic.Mov or Mnemonic.Add or Mnemonic.Or or Mnemonic.Adc or Mnemonic.Sbb
        or Mnemonic.And or Mnemonic.Sub or Mnemonic.Xor or Mnemonic.Cmp or Mnemonic.Test;

    /// <summary>Whether the result takes the place of an operand, which LLVM names twice.</summary>
    private bool IsTied(OpAccess access) =>
        _instruction.Mnemonic is Mnemonic.Insertq or Mnemonic.Rdsspd or Mnemonic.Rdsspq
        || (_instruction.Mnemonic is not (Mnemonic.Cmpxchg or Mnemonic.Lar or Mnemonic.Lsl or Mnemonic.Bsf or Mnemonic.Bsr)
        && _opCode.GetOpKind(0) is not (OpCodeOperandKind.st0 or OpCodeOperandKind.sti_opcode)
        && access is OpAccess.ReadWrite or OpAccess.ReadCondWrite or OpAccess.CondWrite);

    private long ImmediateOf(int index) => _instruction.GetOpKind(index) switch
    {
        OpKind.Immediate8 when IsByteOperation => (sbyte)_instruction.Immediate8,
        OpKind.Immediate8_2nd when _instruction.Mnemonic is Mnemonic.Enter => (sbyte)_instruction.Immediate8_2nd,
        OpKind.Immediate16 when _instruction.Code is
            Code.Enterq_imm16_imm8 or Code.Retnq_imm16 or Code.Retfd_imm16 or Code.Retfq_imm16 => (short)_instruction.Immediate16,
        _ => unchecked((long)_instruction.GetImmediate(index)),
    };

    private void AddMemory()
    {
        if (_opCode.GetOpKind(0) is OpCodeOperandKind.mem_offs || (_opCode.OpCount > 1 && _opCode.GetOpKind(1) is OpCodeOperandKind.mem_offs))
        {
            _operands.Add(Immediate(unchecked((long)_instruction.MemoryDisplacement64), "address"));
            _operands.Add(Register("segment"));
            return;
        }

        long displacement = _instruction.IsIPRelativeMemoryOperand
            ? unchecked((long)(_instruction.IPRelativeMemoryAddress - _instruction.NextIP))
            : unchecked((long)_instruction.MemoryDisplacement64);
        _operands.Add(Register("base"));
        _operands.Add(Immediate(_instruction.MemoryIndexScale, "scale"));
        _operands.Add(Register("index"));
        _operands.Add(Immediate(displacement, "displacement"));
        _operands.Add(Register("segment"));
    }

    private static bool IsImplicit(OpCodeOperandKind kind) => kind is
        OpCodeOperandKind.al or OpCodeOperandKind.ax or OpCodeOperandKind.eax or OpCodeOperandKind.rax
        or OpCodeOperandKind.cl or OpCodeOperandKind.dx or OpCodeOperandKind.st0
        or OpCodeOperandKind.es or OpCodeOperandKind.cs or OpCodeOperandKind.ss or OpCodeOperandKind.ds
        or OpCodeOperandKind.fs or OpCodeOperandKind.gs;
}
