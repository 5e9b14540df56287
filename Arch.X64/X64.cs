using System.Buffers.Binary;
using ElfLoader.Relocations;
using static ElfLoader.Arch.X64.X64Relocations;

namespace ElfLoader.Arch.X64;

/// <summary>x86-64 under the System V ABI, AMD64 Architecture Processor Supplement, LP64.</summary>
public sealed class X64 : Architecture
{
    private const ushort EM_X86_64 = 62;

    /// <summary>Offset of the displacement in a stub, whose base is the byte after it.</summary>
    private const int StubDisplacement = 6;

    private X64()
    {
    }

    /// <summary>The architecture.</summary>
    public static X64 Instance { get; } = new();

    /// <inheritdoc/>
    public override string Name => "x86_64";

    /// <inheritdoc/>
    public override ushort Machine => EM_X86_64;

    /// <inheritdoc/>
    public override int AddressBits => 64;

    /// <inheritdoc/>
    public override RelocationTable Relocations => Table;

    /// <inheritdoc/>
    public override TlsVariant Tls => TlsVariant.Two;

    /// <summary>int3.</summary>
    public override byte CodePadding => 0xcc;

    /// <summary>endbr64; sub $8, %rsp: as crti.o, it leaves the stack aligned to 16 for calls.</summary>
    public override ReadOnlySpan<byte> FragmentPrologue => [0xf3, 0x0f, 0x1e, 0xfa, 0x48, 0x83, 0xec, 0x08];

    /// <summary>add $8, %rsp; ret.</summary>
    public override ReadOnlySpan<byte> FragmentEpilogue => [0x48, 0x83, 0xc4, 0x08, 0xc3];

    /// <summary>nop.</summary>
    public override byte FragmentFiller => 0x90;

    /// <summary>
    /// A jump through a slot, as in the psABI's PLT but bound at load time. It begins with endbr64, because its
    /// address may be taken and called in a process with indirect branch tracking.
    /// </summary>
    public override StubShape Stub { get; } = new("plt", Size: 16, Alignment: 16, UsesSlot: true);

    /// <summary>
    /// A jump to anywhere that holds its target: <c>movabs $target, %r11; notrack jmp *%r11</c>. The psABI lets calls
    /// clobber %r11.
    /// </summary>
    private static readonly StubShape FarJump = new("far-jump", Size: 16, Alignment: 16, UsesSlot: false);

    private static ReadOnlySpan<byte> FarJumpCode =>
    [
        0x49, 0xbb, 0, 0, 0, 0, 0, 0, 0, 0,
        0x3e, 0x41, 0xff, 0xe3,
        0xcc, 0xcc,
    ];

    /// <summary>What every stub is made of: <c>endbr64; jmp *slot(%rip)</c>, padded with int3.</summary>
    private static ReadOnlySpan<byte> StubCode =>
    [
        0xf3, 0x0f, 0x1e, 0xfa,
        0xff, 0x25, 0, 0, 0, 0,
        0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc,
    ];

    /// <inheritdoc/>
    public override bool TryWriteStub(StubShape shape, Span<byte> stub, ulong address, ulong target)
    {
        ArgumentNullException.ThrowIfNull(shape);
        if (!shape.UsesSlot)
        {
            FarJumpCode.CopyTo(stub);
            BinaryPrimitives.WriteUInt64LittleEndian(stub[2..], target);
            return true;
        }

        // A distance may wrap around the address space, as the processor's own addition does.
        long distance = (long)(target - (address + StubDisplacement + sizeof(int)));
        if (distance != (int)distance)
        {
            return false;
        }

        StubCode.CopyTo(stub);
        BinaryPrimitives.WriteInt32LittleEndian(stub[StubDisplacement..], (int)distance);
        return true;
    }

    /// <inheritdoc/>
    /// <remarks>
    /// Assemblers before binutils 2.31 emit R_X86_64_PC32 for calls and jumps, too. Only the opcode tells them from an
    /// address: e8 call, e9 jmp, 0f 80 to 0f 8f jcc, whatever prefix comes first. The second operand of
    /// <c>81 e8</c> (sub) and <c>69 e8</c> (imul), whose ModRM byte looks like such an opcode, is no branch.
    /// </remarks>
    public override bool IsBranchPlace(RelocationRule rule, ReadOnlySpan<byte> section, int offset)
    {
        ArgumentNullException.ThrowIfNull(rule);
        if (rule.Type is not (R_X86_64_PC32 or R_X86_64_PC32_BND))
        {
            return rule.IsBranch;
        }

        if (offset < 1 || offset > section.Length)
        {
            return false;
        }

        byte before = offset >= 2 ? section[offset - 2] : (byte)0;
        return section[offset - 1] switch
        {
            0xe8 or 0xe9 => before is not (0x81 or 0x69),
            >= 0x80 and <= 0x8f => before is 0x0f,
            _ => false,
        };
    }

    /// <summary>A stub where nothing but a jump through a register reaches, for code whose addresses are known.</summary>
    public override StubShape? StubFor(
        RelocationRule rule, ReadOnlySpan<byte> section, int offset, in Operands operands) =>
        base.StubFor(rule, section, offset, operands) is null ? null : FarJump;

    /// <summary>The end of the 32-bit field, which is the end of the instruction.</summary>
    public override long BranchOrigin(RelocationRule rule) => sizeof(int);

    /// <inheritdoc/>
    public override Relaxation TryRelax(
        RelocationRule rule,
        Span<byte> section,
        int offset,
        in Operands operands,
        RelaxationTraits traits,
        RelocationRule? following,
        int followingOffset)
    {
        ArgumentNullException.ThrowIfNull(rule);
        return X64Relaxation.TryRelax(rule, section, offset, operands, traits, following, followingOffset);
    }
}
