using static ElfLoader.Arch.X64.X64Relocations;

namespace ElfLoader.Arch.X64;

/// <summary>How an instruction uses the symbol that it refers to.</summary>
public enum SymbolUse
{
    /// <summary>It takes the address, or nobody can tell.</summary>
    Address,

    /// <summary>It calls it, or jumps to it.</summary>
    Branch,

    /// <summary>It reads or writes what lies there.</summary>
    Memory,
}

/// <summary>Tells by the bytes before a place in code how the instruction uses its symbol.</summary>
public static class X64References
{
    /// <summary>How the instruction with a relocation in it uses the symbol.</summary>
    /// <param name="type">The relocation's type.</param>
    /// <param name="code">A section of instructions.</param>
    /// <param name="offset">Where the place is in it.</param>
    public static SymbolUse UseAt(uint type, ReadOnlySpan<byte> code, ulong offset)
    {
        if (type is R_X86_64_PLT32 or R_X86_64_PC8)
        {
            return SymbolUse.Branch;
        }

        if (offset < 2 || offset > (ulong)code.Length)
        {
            return offset is 1 && type is R_X86_64_PC32 && IsCall(code[0]) ? SymbolUse.Branch : SymbolUse.Address;
        }

        (byte before, byte last) = (code[(int)offset - 2], code[(int)offset - 1]);
        bool isRelative = (last & 0xc7) is 0x05; // ModRM with mod = 0, r/m = 5: relative to the instruction pointer
        return type switch
        {
            R_X86_64_PC32 when isRelative => before is RipInstruction.LoadAddress ? SymbolUse.Address : SymbolUse.Memory,
            R_X86_64_PC32 => IsCall(last) || (before is 0x0f && (last & 0xf0) is 0x80) ? SymbolUse.Branch : SymbolUse.Address, // jcc
            R_X86_64_GOTPCREL or R_X86_64_GOTPCRELX => before is RipInstruction.Indirect && last is 0x15 or 0x25
                ? SymbolUse.Branch
                : SymbolUse.Address,
            _ => SymbolUse.Address,
        };
    }

    private static bool IsCall(byte opcode) => opcode is 0xe8 or 0xe9; // call, jmp
}
