using System.Buffers.Binary;
using ElfLoader.Relocations;
using static ElfLoader.Arch.X64.X64Relocations;

namespace ElfLoader.Arch.X64;

/// <summary>Rewrites of code that reaches its symbol through a GOT slot, though it could do without.</summary>
/// <remarks>
/// System V ABI, AMD64 Architecture Processor Supplement, "Linker Optimization". A load from the slot becomes a lea or
/// an immediate operand, an indirect call or jump a direct one. The types GOTPCRELX and REX_GOTPCRELX only promise that
/// the place is the operand of some instruction without or with a REX prefix, not of which: opcode and operands are
/// looked at, and what is not known stays. Declining is always right, for the slot exists anyway.
/// </remarks>
internal static class X64Relaxation
{
    /// <summary>The distance from the end of the instruction, if the field is its last operand.</summary>
    private const int PcBias = -4;

    /// <inheritdoc cref="Architecture.TryRelax"/>
    public static Relaxation TryRelax(
        RelocationRule rule,
        Span<byte> section,
        int offset,
        in Operands operands,
        RelaxationTraits traits,
        RelocationRule? following,
        int followingOffset)
    {
        // Another addend reads beside the slot (GNU as keeps these types for sym@GOTPCREL(%rip)+4).
        if (operands.A is not PcBias || !RipInstruction.TryRead(rule.Type, section, offset, out RipInstruction instruction))
        {
            return Relaxation.Declined;
        }

        switch (rule.Type)
        {
            case R_X86_64_GOTPCRELX or R_X86_64_REX_GOTPCRELX or R_X86_64_CODE_4_GOTPCRELX:
                return new Relaxation(
                    traits.HasFlag(RelaxationTraits.BindsDirectly) && TryBypassSlot(instruction, section, operands, traits));
            case R_X86_64_GOTTPOFF or R_X86_64_CODE_4_GOTTPOFF:
                return new Relaxation(
                    traits.HasFlag(RelaxationTraits.StaticTls) && TryUseOffset(instruction, section, operands));
            case R_X86_64_PC32:
                return new Relaxation(
                    traits.HasFlag(RelaxationTraits.Absolute) && TryLoadNumber(instruction, section, (long)operands.S));
            default:
                return traits.HasFlag(RelaxationTraits.StaticTls) && following is not null
                    ? TlsSequence.TryRelax(rule, section, offset, operands, following, followingOffset)
                    : Relaxation.Declined;
        }
    }

    private static bool TryBypassSlot(
        RipInstruction instruction, Span<byte> section, in Operands operands, RelaxationTraits traits)
    {
        long distance = (long)(operands.S + (ulong)operands.A - operands.P);
        switch (instruction.Opcode)
        {
            case RipInstruction.Indirect:
                return TryBranch(instruction, section, distance);

            // An absolute symbol is a number: a distance to it would be wrong as soon as the image moved.
            case RipInstruction.Load when !traits.HasFlag(RelaxationTraits.Absolute) && distance == (int)distance:
                section[instruction.Field - 2] = 0x8d;
                BinaryPrimitives.WriteInt32LittleEndian(section[instruction.Field..], (int)distance);
                return true;

            default:
                return (traits & (RelaxationTraits.Absolute | RelaxationTraits.FixedAddress)) is not 0
                    && TryUseImmediate(instruction, section, (long)operands.S);
        }
    }

    /// <summary>call *slot -> addr32 call target; jmp *slot -> jmp target; nop.</summary>
    private static bool TryBranch(RipInstruction instruction, Span<byte> section, long distance)
    {
        // With an operand-size prefix, AMD's processors truncate the target of a direct branch to 16 bits.
        if (instruction.PrefixSize > 0 || instruction.IsHalfword)
        {
            return false;
        }

        Span<byte> code = section.Slice(instruction.Field - 2, 6);
        switch (instruction.ModRm)
        {
            // The prefix fills the byte that the direct call is shorter by.
            case 0x15 when distance == (int)distance:
                code[0] = 0x67;
                code[1] = 0xe8;
                BinaryPrimitives.WriteInt32LittleEndian(code[2..], (int)distance);
                return true;

            // The field moves to the front by one byte, so the distance grows by one.
            case 0x25 when distance + 1 == (int)(distance + 1):
                code[0] = 0xe9;
                BinaryPrimitives.WriteInt32LittleEndian(code[1..], (int)(distance + 1));
                code[5] = 0x90;
                return true;
            default:
                return false;
        }
    }

    /// <summary>mov, test and the eight binary operations with memory -> the same with an immediate.</summary>
    private static bool TryUseImmediate(RipInstruction instruction, Span<byte> section, long value)
    {
        // 64-bit instructions extend the sign; 32-bit ones take the slot's lower half, whatever its sign.
        bool fits = value == (int)value || (!instruction.IsWide && value == (uint)value);
        if (!fits || instruction.IsHalfword)
        {
            return false;
        }

        switch (instruction.Opcode)
        {
            case RipInstruction.Load:
                instruction.WriteImmediate(section, 0xc7, 0, (int)value);
                return true;
            case RipInstruction.Test:
                instruction.WriteImmediate(section, 0xf7, 0, (int)value);
                return true;
            case byte opcode when (opcode & 0xc7) is RipInstruction.Add:
                instruction.WriteImmediate(section, 0x81, opcode & 0x38, (int)value);
                return true;
            default:
                return false;
        }
    }

    /// <summary>lea number(%rip), %reg -> mov $number, %reg.</summary>
    private static bool TryLoadNumber(RipInstruction instruction, Span<byte> section, long value)
    {
        if (instruction.Opcode is not RipInstruction.LoadAddress || !instruction.IsWide || value != (int)value)
        {
            return false;
        }

        instruction.WriteImmediate(section, 0xc7, 0, (int)value);
        return true;
    }

    /// <summary>Initial exec to local exec: mov slot, %reg -> mov $offset, %reg; add slot, %reg -> lea or add.</summary>
    private static bool TryUseOffset(RipInstruction instruction, Span<byte> section, in Operands operands)
    {
        long value = (long)(operands.S - operands.Tp);
        if (value != (int)value || !instruction.IsWide)
        {
            return false;
        }

        switch (instruction.Opcode)
        {
            case RipInstruction.Load:
                instruction.WriteImmediate(section, 0xc7, 0, (int)value);
                return true;

            // The psABI prints lea, which for %rsp and %r12 is a byte longer than there is room for.
            case RipInstruction.Add when instruction.CanBeSimpleBase:
                instruction.WriteLea(section, (int)value);
                return true;
            case RipInstruction.Add:
                instruction.WriteImmediate(section, 0x81, 0, (int)value);
                return true;
            default:
                return false;
        }
    }
}
