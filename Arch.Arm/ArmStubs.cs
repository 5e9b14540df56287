using ElfLoader.Relocations;

namespace ElfLoader.Arch.Arm;

/// <summary>The code of the jumps that reach any address, for one processor.</summary>
/// <remarks>
/// Only ip changes (AAPCS32, "Use of IP by the linker"). Where a load of PC does not change the instruction set (before
/// Armv5T), BX does. Thumb code before Thumb-2 can hardly use ip, so it changes to A32 first, by <c>bx pc</c>, which
/// needs a multiple of four; where there is no A32 (v6-M), it saves r0 and r1 on the stack for a moment.
/// </remarks>
internal sealed class ArmStubs
{
    // ldr pc, [pc, #-4]; .word target
    private static readonly ArmStub ArmLoad = new("arm-ldr", "04f01fe5 00000000", word: 4);
    // ldr ip, [pc]; bx ip; .word target
    private static readonly ArmStub ArmLoadBx = new("arm-ldr-bx", "00c09fe5 1cff2fe1 00000000", word: 8);
    // movw ip, #lo; movt ip, #hi; bx ip
    private static readonly ArmStub ArmMovw = new("arm-movw", "00c000e3 00c040e3 1cff2fe1") { Movw = 0 };
    // ldr ip, [pc, #4]; add ip, pc, ip; bx ip; .word target - .
    private static readonly ArmStub ArmLoadPic = new("arm-ldr-pic", "04c09fe5 0cc08fe0 1cff2fe1 00000000", word: 12) { Origin = 12 };
    // movw; movt; add ip, ip, pc; bx ip
    private static readonly ArmStub ArmMovwPic = new("arm-movw-pic", "00c000e3 00c040e3 0fc08ce0 1cff2fe1") { Movw = 0, Origin = 16 };

    // movw ip, #lo; movt ip, #hi; bx ip; nop
    private static readonly ArmStub ThumbMovw = new("thumb-movw", "40f2000c c0f2000c 6047 c046", isThumb: true) { Movw = 0 };
    // movw; movt; add ip, pc; bx ip
    private static readonly ArmStub ThumbMovwPic = new("thumb-movw-pic", "40f2000c c0f2000c fc44 6047", isThumb: true) { Movw = 0, Origin = 12 };
    // push {r0, r1}; ldr r0, [pc, #4]; str r0, [sp, #4]; pop {r0, pc}; .word target
    private static readonly ArmStub ThumbPush = new("thumb-push", "03b4 0148 0190 01bd 00000000", isThumb: true, word: 8);
    // push {r0}; ldr r0, [pc, #8]; mov ip, r0; pop {r0}; add pc, ip; nop; .word target - .
    private static readonly ArmStub ThumbPushPic = new("thumb-push-pic", "01b4 0248 8446 01bc e744 c046 00000000", isThumb: true, word: 12) { Origin = 12 };
    // bx pc; b .-2; then arm-ldr
    private static readonly ArmStub ThumbToArmLoad = new("thumb-ldr", "7847 fde7 04f01fe5 00000000", isThumb: true, word: 8, armFrom: 4);
    // bx pc; b .-2; then arm-ldr-bx
    private static readonly ArmStub ThumbToArmLoadBx = new("thumb-ldr-bx", "7847 fde7 00c09fe5 1cff2fe1 00000000", isThumb: true, word: 12, armFrom: 4);
    // bx pc; b .-2; then arm-ldr-pic
    private static readonly ArmStub ThumbToArmPic = new("thumb-ldr-pic", "7847 fde7 04c09fe5 0cc08fe0 1cff2fe1 00000000", isThumb: true, word: 16, armFrom: 4) { Origin = 16 };

    // ldr ip, [pc, #4]; add ip, pc, ip; ldr pc, [ip]; .word slot - .
    private static readonly ArmStub ArmSlot = new("plt", "04c09fe5 0cc08fe0 00f09ce5 00000000", usesSlot: true, word: 12) { Origin = 12 };
    // ldr ip, [pc, #8]; add ip, pc, ip; ldr ip, [ip]; bx ip; .word slot - (. - 4)
    private static readonly ArmStub ArmSlotBx = new("plt", "08c09fe5 0cc08fe0 00c09ce5 1cff2fe1 00000000", usesSlot: true, word: 16) { Origin = 12 };
    // movw; movt; add ip, pc; ldr.w pc, [ip]; nop
    private static readonly ArmStub ThumbSlot = new("plt", "40f2000c c0f2000c fc44 dcf800f0 c046", isThumb: true, usesSlot: true) { Movw = 0, Origin = 12 };
    // push {r0, r1}; ldr r0, [pc, #8]; add r0, pc; ldr r0, [r0]; str r0, [sp, #4]; pop {r0, pc}; .word slot - (. - 4)
    private static readonly ArmStub ThumbPushSlot = new("plt", "03b4 0248 7844 0068 0190 01bd 00000000", isThumb: true, usesSlot: true, word: 12) { Origin = 8 };

    // add r0, lr, r0; ldr r1, [r0, #4]; bx r1
    private static readonly ArmStub CallDescriptor = new("tls-call", "00008ee0 041090e5 11ff2fe1");

    private static readonly ArmStub[] All =
    [
        ArmLoad, ArmLoadBx, ArmMovw, ArmLoadPic, ArmMovwPic, ThumbMovw, ThumbMovwPic, ThumbPush, ThumbPushPic,
        ThumbToArmLoad, ThumbToArmLoadBx, ThumbToArmPic, ArmSlot, ArmSlotBx, ThumbSlot, ThumbPushSlot, CallDescriptor,
    ];

    private readonly ArmArchitecture _architecture;
    private readonly bool _isPositionIndependent;

    /// <summary>The jumps for a processor.</summary>
    public ArmStubs(ArmArchitecture architecture, bool isPositionIndependent)
    {
        _architecture = architecture;
        _isPositionIndependent = isPositionIndependent;
    }

    /// <summary>The function that calls through a TLS descriptor.</summary>
    public static StubShape TlsCall => CallDescriptor.Shape;

    /// <summary>The jump through a slot.</summary>
    public StubShape ThroughSlot => (_architecture switch
    {
        { HasArm: true, HasBlx: true } => ArmSlot,
        { HasArm: true } => ArmSlotBx,
        { HasMovw: true } => ThumbSlot,
        _ => ThumbPushSlot,
    }).Shape;

    /// <summary>The jump from one instruction set to one; null where the processor has not got both.</summary>
    public StubShape? Veneer(bool fromThumb, bool toThumb)
    {
        if (!_architecture.HasArm && !(fromThumb && toThumb))
        {
            return null;
        }

        return (fromThumb ? FromThumb(toThumb) : FromArm(toThumb)).Shape;
    }

    /// <summary>Writes the code of a shape of any processor.</summary>
    public static void Write(StubShape shape, Span<byte> code, uint address, uint target)
    {
        ArmStub stub = Array.Find(All, candidate => ReferenceEquals(candidate.Shape, shape))
            ?? throw new ArgumentException($"{shape.Kind} is no stub of this architecture", nameof(shape));
        stub.Write(code, address, target);
    }

    private ArmStub FromArm(bool toThumb) => _architecture switch
    {
        { HasMovw: true } => _isPositionIndependent ? ArmMovwPic : ArmMovw,
        _ when _isPositionIndependent => ArmLoadPic,
        { HasBlx: false } when toThumb => ArmLoadBx,
        _ => ArmLoad,
    };

    private ArmStub FromThumb(bool toThumb) => _architecture switch
    {
        { HasMovw: true } => _isPositionIndependent ? ThumbMovwPic : ThumbMovw,
        { HasArm: false } => _isPositionIndependent ? ThumbPushPic : ThumbPush,
        _ when _isPositionIndependent => ThumbToArmPic,
        { HasBlx: false } when toThumb => ThumbToArmLoadBx,
        _ => ThumbToArmLoad,
    };
}
