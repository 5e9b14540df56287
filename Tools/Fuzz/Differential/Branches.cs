using System.Buffers.Binary;
using ElfLoader.Arch.Arm;
using ElfLoader.Relocations;

namespace ElfLoader.Fuzz.Differential;

/// <summary>Where branches of Arm lead, in our image and in the other linker's.</summary>
/// <param name="theirs">The other linker's image.</param>
internal sealed class Branches(OutputImage theirs)
{
    /// <summary>Whether a branch of GNU ld's misses a stub that leads to the symbol by its addend.</summary>
    internal bool IsBesideStub(string type, RelocationRule rule, Operands operands, ReadOnlySpan<byte> code)
    {
        if (type is not "PC24" && operands.A == -Arm.Default.BranchOrigin(rule))
        {
            return false;
        }

        ulong landing = Landing(rule, operands, code, out bool isThumbBlx);
        bool entersThumb = type.StartsWith("THM", StringComparison.Ordinal) && !isThumbBlx;
        return GnuArm.StubsMeant(type, operands, landing, isThumbBlx).Any(
            stub => ReadStub(stub) is { IsEmpty: false } bytes && Veneer(bytes, entersThumb, stub) == operands.S);
    }

    private static ulong Landing(RelocationRule rule, in Operands operands, ReadOnlySpan<byte> code, out bool isThumbBlx)
    {
        bool isThumb = rule.Name.Contains("THM", StringComparison.Ordinal);
        isThumbBlx = isThumb && rule.Name.EndsWith("CALL", StringComparison.Ordinal) && (code[3] & 0x10) is 0;
        ulong origin = operands.P + (ulong)Arm.Default.BranchOrigin(rule);
        return (uint)((isThumbBlx ? origin & ~3UL : origin) + (ulong)rule.Field.Read(code)) & ~1U;
    }

    private ReadOnlySpan<byte> ReadStub(ulong address)
    {
        foreach (int size in (int[])[16, 12, 10, 8])
        {
            if (theirs.Read(address, size) is { IsEmpty: false } bytes)
            {
                return bytes;
            }
        }

        return theirs.Read(address, 4);
    }

    /// <summary>Where a branch of Arm ends, through a stub or not, the Thumb bit removed.</summary>
    internal (ulong Target, bool IsVeneer)? Destination(
        RelocationRule rule, in Operands operands, ReadOnlySpan<byte> code, LinkedImage? image)
    {
        bool isThumb = rule.Name.Contains("THM", StringComparison.Ordinal);
        ulong landing = Landing(rule, operands, code, out bool isThumbBlx);
        if (image is not null)
        {
            ImageStub? stub = image.Stubs.FirstOrDefault(stub => stub.Address == landing);
            return stub is null ? (landing, false) : (stub.Target & ~1UL, true);
        }

        bool entersThumb = isThumb ? !isThumbBlx : (code[3] & 0xf0) is 0xf0;
        ReadOnlySpan<byte> bytes = ReadStub(landing);
        return bytes.IsEmpty ? (landing, false) : Veneer(bytes, entersThumb, landing) is { } target ? (target, true) : (landing, false);
    }

    /// <summary>
    /// Where stubs lead. lld's: MOVW, MOVT, BX of ip; or a branch, where that reaches. GNU ld's: a word behind the load of it, in
    /// Thumb after a change to A32.
    /// </summary>
    private static ulong? Veneer(ReadOnlySpan<byte> code, bool isThumb, ulong address)
    {
        RelocationTable rules = Arm.Default.Relocations;
        if (isThumb)
        {
            if (BinaryPrimitives.ReadUInt32LittleEndian(code) is 0x46c0_4778 or 0xe7fd_4778) // bx pc; nop or b .-2
            {
                return code.Length >= 8 ? Veneer(code[4..], isThumb: false, address + 4) : null;
            }

            ushort first = BinaryPrimitives.ReadUInt16LittleEndian(code);
            if (code.Length >= 10 && (first & 0xfbf0) is 0xf240 && (code[3] & 0xf) is 0xc && BinaryPrimitives.ReadUInt16LittleEndian(code[8..]) is 0x4760)
            {
                Field movw = rules[ArmRelocationTypes.R_ARM_THM_MOVW_ABS_NC]!.Field;
                return ((uint)(ushort)movw.Read(code) | ((uint)(ushort)movw.Read(code[4..]) << 16)) & ~1U;
            }

            return (first & 0xf800) is 0xf000 && (code[3] & 0xd0) is 0x90
                ? (uint)(address + 4 + (ulong)rules[ArmRelocationTypes.R_ARM_THM_JUMP24]!.Field.Read(code))
                : null;
        }

        uint word = BinaryPrimitives.ReadUInt32LittleEndian(code);
        if (word is 0xe51f_f004 && code.Length >= 8)
        {
            return BinaryPrimitives.ReadUInt32LittleEndian(code[4..]) & ~1U; // ldr pc, [pc, #-4]
        }

        if (word is 0xe59f_c000 && code.Length >= 12 && BinaryPrimitives.ReadUInt32LittleEndian(code[4..]) is 0xe12f_ff1c)
        {
            return BinaryPrimitives.ReadUInt32LittleEndian(code[8..]) & ~1U; // ldr ip, [pc]; bx ip
        }

        if (code.Length >= 12 && (word & 0xfff0_f000) is 0xe300_c000)
        {
            Field movw = rules[ArmRelocationTypes.R_ARM_MOVW_ABS_NC]!.Field;
            return ((uint)(ushort)movw.Read(code) | ((uint)(ushort)movw.Read(code[4..]) << 16)) & ~1U;
        }

        return (word & 0xff00_0000) is 0xea00_0000
            ? (uint)(address + 8 + (ulong)rules[ArmRelocationTypes.R_ARM_JUMP24]!.Field.Read(code))
            : null;
    }
}
