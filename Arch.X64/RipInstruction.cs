using System.Buffers.Binary;
using static ElfLoader.Arch.X64.X64Relocations;

namespace ElfLoader.Arch.X64;

/// <summary>
/// An instruction whose last bytes are an operand <c>disp32(%rip)</c>, as far as relaxations need to know it.
/// </summary>
/// <param name="Field">Offset of the displacement in the section.</param>
/// <param name="PrefixSize">Bytes of REX or REX2 prefix: 0, 1 or 2.</param>
/// <param name="Prefix">The last prefix byte: WRXB in REX, M0 R4 X4 B4 WRXB in REX2; zero without prefix.</param>
/// <param name="Opcode">The byte before the ModRM byte.</param>
/// <param name="ModRm">The byte before the field.</param>
/// <param name="IsHalfword">Whether a prefix that changes the size of operands seems to stand in front.</param>
internal readonly record struct RipInstruction(
    int Field, int PrefixSize, byte Prefix, byte Opcode, byte ModRm, bool IsHalfword)
{
    /// <summary>add mem, reg; with another operation in bits 5 to 3, or, adc, sbb, and, sub, xor, cmp.</summary>
    public const byte Add = 0x03;

    /// <summary>test reg, mem.</summary>
    public const byte Test = 0x85;

    /// <summary>mov mem, reg.</summary>
    public const byte Load = 0x8b;

    /// <summary>lea mem, reg.</summary>
    public const byte LoadAddress = 0x8d;

    /// <summary>call *mem, jmp *mem and others, told apart by the ModRM byte.</summary>
    public const byte Indirect = 0xff;

    private const byte WBit = 0x08;
    private const byte RexR = 0x04;
    private const byte Rex2R = 0x44;
    private const byte OperandSizePrefix = 0x66;
    private const byte Rex2 = 0xd5;

    /// <summary>Whether operands have 64 bits.</summary>
    public bool IsWide => (Prefix & WBit) is not 0;

    /// <summary>Whether the register may be the base of <c>disp32(%reg)</c> without further bytes.</summary>
    public bool CanBeSimpleBase => PrefixSize is 1 && Register is not 4;

    private int Register => (ModRm >> 3) & 7;

    /// <summary>The upper bits of the register's number, in the places of R.</summary>
    private int RegisterBits => Prefix & (PrefixSize is 1 ? RexR : Rex2R);

    /// <summary>Reads the instruction at a place, if it has the prefix that the relocation type says.</summary>
    public static bool TryRead(uint type, ReadOnlySpan<byte> section, int offset, out RipInstruction instruction)
    {
        int prefixSize = type switch
        {
            R_X86_64_GOTPCRELX => 0,
            R_X86_64_CODE_4_GOTPCRELX or R_X86_64_CODE_4_GOTTPOFF => 2,
            _ => 1,
        };
        int start = offset - prefixSize - 2;
        instruction = default;
        if (start < 0 || offset > section.Length - sizeof(int))
        {
            return false;
        }

        byte modRm = section[offset - 1];
        byte prefix = prefixSize > 0 ? section[offset - 3] : (byte)0;
        bool known = prefixSize switch
        {
            0 => true,

            // LLVM 19 gives the types for REX to REX2, too; its second byte may look like REX.
            1 => (prefix & 0xf0) is 0x40 && (start is 0 || section[start - 1] is not Rex2),
            _ => section[start] is Rex2 && prefix < 0x80, // opcode map 0
        };

        // mod = 0, r/m = 5: relative to the instruction pointer.
        if (!known || (modRm & 0xc7) is not 0x05)
        {
            return false;
        }

        instruction = new RipInstruction(
            offset, prefixSize, prefix, section[offset - 2], modRm, FollowsOperandSizePrefix(section, start));
        return true;
    }

    /// <summary>Rewrites the instruction to <c>opcode $value, %reg</c>: the register moves from ModRM.reg to r/m.</summary>
    /// <param name="section">The section.</param>
    /// <param name="opcode">An opcode with a 32-bit immediate.</param>
    /// <param name="extension">Its bits 5 to 3 of ModRM, in place.</param>
    /// <param name="value">The immediate.</param>
    public void WriteImmediate(Span<byte> section, byte opcode, int extension, int value)
    {
        WritePrefix(section, RegisterBits >> 2);
        section[Field - 2] = opcode;
        section[Field - 1] = (byte)(0xc0 | extension | Register);
        BinaryPrimitives.WriteInt32LittleEndian(section[Field..], value);
    }

    /// <summary>Rewrites the instruction to <c>lea value(%reg), %reg</c>.</summary>
    public void WriteLea(Span<byte> section, int value)
    {
        WritePrefix(section, RegisterBits | (RegisterBits >> 2));
        section[Field - 2] = 0x8d;
        section[Field - 1] = (byte)(0x80 | (Register << 3) | Register);
        BinaryPrimitives.WriteInt32LittleEndian(section[Field..], value);
    }

    /// <summary>
    /// 0x66 in front, perhaps with a REX prefix between (as in TLS sequences). The byte may as well belong to another
    /// instruction; then a relaxation is missed.
    /// </summary>
    private static bool FollowsOperandSizePrefix(ReadOnlySpan<byte> section, int start) =>
        start >= 1
        && (section[start - 1] is OperandSizePrefix
            || (start >= 2 && (section[start - 1] & 0xf0) is 0x40 && section[start - 2] is OperandSizePrefix));

    private void WritePrefix(Span<byte> section, int registerBits)
    {
        if (PrefixSize > 0)
        {
            int fixedBits = PrefixSize is 1 ? 0x40 : 0;
            section[Field - 3] = (byte)(fixedBits | (Prefix & WBit) | registerBits);
        }
    }
}
