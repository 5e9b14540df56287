using ElfLoader.Relocations;
using static ElfLoader.Arch.Arm.ArmRelocationTypes;

namespace ElfLoader.Arch.Arm;

/// <summary>32-bit Arm, little-endian, under the ABI for the Arm Architecture (EABI version 5).</summary>
public sealed class Arm : Architecture
{
    private const ushort EM_ARM = 40;

    private readonly ArmStubs _stubs;

    /// <summary>The architecture as a platform and a processor have it.</summary>
    public Arm(ArmOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        Options = options;
        Relocations = ArmRelocations.Create(options);
        _stubs = new ArmStubs(options.Architecture, options.PositionIndependent);
    }

    /// <summary>The architecture with the default options: Linux on Armv7-A.</summary>
    public static Arm Default { get; } = new(new ArmOptions());

    /// <summary>What the platform decides, and the processor.</summary>
    public ArmOptions Options { get; }

    /// <inheritdoc/>
    public override string Name => "arm";

    /// <inheritdoc/>
    public override ushort Machine => EM_ARM;

    /// <inheritdoc/>
    public override int AddressBits => 32;

    /// <inheritdoc/>
    public override RelocationTable Relocations { get; }

    /// <inheritdoc/>
    public override TlsVariant Tls => TlsVariant.One;

    /// <inheritdoc/>
    public override int TlsControlBlockSize => 2 * sizeof(uint);

    /// <summary>Undefined in A32 and, as a halfword of a pair, in T32.</summary>
    public override byte CodePadding => 0xff;

    /// <summary>
    /// A jump through a slot, position-independent: in A32 where the processor has it, else in Thumb. The slot holds the
    /// Thumb bit.
    /// </summary>
    public override StubShape Stub => _stubs.ThroughSlot;

    /// <summary>
    /// The function that R_ARM_TLS_CALL calls: it adds the return address to r0, which gives the address of a TLS
    /// descriptor, and jumps to the resolver in the descriptor's second word. A32, and position-independent.
    /// </summary>
    public override StubShape TlsCall => ArmStubs.TlsCall;

    /// <inheritdoc/>
    public override ulong ThumbBit => 1;

    /// <inheritdoc/>
    public override int DescriptorResolverWord => 1;

    /// <inheritdoc/>
    public override bool TryWriteStub(StubShape shape, Span<byte> stub, ulong address, ulong target)
    {
        ArgumentNullException.ThrowIfNull(shape);
        ArmStubs.Write(shape, stub, (uint)address, (uint)target);
        return true;
    }

    /// <inheritdoc/>
    /// <remarks>
    /// A veneer is in the instruction set of its caller, ends in an exchange to that of the target, and reaches any
    /// address. It may use ip (r12) and nothing else (AAPCS32, "Use of IP by the linker"). The target to write into it
    /// has the Thumb bit. 16-bit branches have no veneers: they count as out of range.
    /// </remarks>
    public override StubShape? StubFor(
        RelocationRule rule, ReadOnlySpan<byte> section, int offset, in Operands operands)
    {
        ArgumentNullException.ThrowIfNull(rule);
        if (!rule.IsBranch || rule.Form is null)
        {
            return null;
        }

        RelocationRule form = rule;
        RelocationOutcome outcome = Relocations.Check(ref form, section[offset..], operands, out _);
        return outcome is RelocationOutcome.OutOfRange or RelocationOutcome.WrongInstructionSet
            ? _stubs.Veneer(IsThumb(rule), operands.T is not 0)
            : null;
    }

    /// <summary>PC is two instructions of the usual length ahead.</summary>
    public override long BranchOrigin(RelocationRule rule) => IsThumb(rule) ? 4 : 8;

    /// <summary>
    /// A branch goes to the next instruction, in its own instruction set; a distance is one to the place itself; all else
    /// is zero (AAELF32, "Weak References").
    /// </summary>
    public override void BindUndefinedWeak(RelocationRule rule, ref Operands operands)
    {
        ArgumentNullException.ThrowIfNull(rule);
        bool isBranch = rule.IsBranch && rule.Form is not null;
        bool isShort = rule.Type is R_ARM_THM_JUMP11 or R_ARM_THM_JUMP8 or R_ARM_THM_JUMP6;
        operands.IsFunction = isBranch;
        operands.T = isBranch && IsThumb(rule) ? 1UL : 0;
        bool isRounded = rule.Type is R_ARM_THM_PC8 or R_ARM_THM_PC12 or R_ARM_THM_ALU_PREL_11_0;
        operands.S = !rule.Expression.IsPcRelative || rule.Expression.UsesGot ? 0
            : isBranch || isShort ? operands.P + (ulong)rule.Field.Size
            : isRounded ? operands.P & ~3UL // what these count from
            : operands.P;
        operands.L = operands.S;
    }

    private static bool IsThumb(RelocationRule rule) => rule.Type
        is R_ARM_THM_CALL or R_ARM_THM_JUMP24 or R_ARM_THM_JUMP19 or R_ARM_THM_TLS_CALL
        or R_ARM_THM_JUMP11 or R_ARM_THM_JUMP8 or R_ARM_THM_JUMP6;
}
