using ElfLoader.Arch.Arm;
using ElfLoader.Relocations;
using static ElfLoader.Arch.Arm.ArmRelocationTypes;
using Machine = ElfLoader.Arch.Arm.Arm;

namespace ElfLoader.Tests.Arch.Arm;

/// <summary>Which veneers branches get, and their code, which is llvm-mc's for the instructions in the comments.</summary>
public sealed class ArmStubsTests
{
    private const uint V4T = 2;
    private const uint V5T = 3;
    private const uint V6 = 6;
    private const uint V6T2 = 8;
    private const uint V7 = 10;
    private const uint V6M = 11;
    private const uint V7M = 13;
    private const uint V8A = 14;
    private const uint V8MBase = 16;

    private const string Bl = "feffffeb";
    private const string B = "feffffea";
    private const string Beq = "feffff0a";
    private const string Bleq = "feffff0b";
    private const string ThumbBl = "fff7feff";
    private const string ThumbB = "fff7febf";
    private const string ThumbBeq = "3ff4feaf";

    private const ulong Near = 0x10_0000;
    private const ulong Far = 0x1000_0000;

    // type, place, architecture, target, Thumb target -> veneer; at address 0
    [TestCase(R_ARM_CALL, Bl, V7, Near, false, null)]
    [TestCase(R_ARM_CALL, Bl, V7, Near, true, null)]
    [TestCase(R_ARM_CALL, Bl, V7, Far, false, "arm-movw")]
    [TestCase(R_ARM_CALL, Bl, V7, Far, true, "arm-movw")]
    [TestCase(R_ARM_CALL, Bl, V8A, Far, true, "arm-movw")]
    [TestCase(R_ARM_CALL, Bl, V6T2, Far, true, "arm-movw")]
    [TestCase(R_ARM_CALL, Bl, V6, Far, true, "arm-ldr")]
    [TestCase(R_ARM_CALL, Bl, V5T, Near, true, null)]
    [TestCase(R_ARM_CALL, Bl, V5T, Far, true, "arm-ldr")]
    [TestCase(R_ARM_CALL, Bl, V4T, Near, true, "arm-ldr-bx")]
    [TestCase(R_ARM_CALL, Bl, V4T, Near, false, null)]
    [TestCase(R_ARM_CALL, Bl, V4T, Far, false, "arm-ldr")]
    [TestCase(R_ARM_CALL, Bleq, V7, Near, true, "arm-movw")]
    [TestCase(R_ARM_JUMP24, B, V7, Near, true, "arm-movw")]
    [TestCase(R_ARM_JUMP24, Beq, V5T, Near, true, "arm-ldr")]
    [TestCase(R_ARM_JUMP24, B, V7, 0x0200_0004UL, false, null, Description = "the farthest")]
    [TestCase(R_ARM_JUMP24, B, V7, 0x0200_0008UL, false, "arm-movw")]
    [TestCase(R_ARM_JUMP24, Bleq, V7, Far, false, "arm-movw")]
    [TestCase(R_ARM_PC24, Bl, V5T, Near, true, null)]
    [TestCase(R_ARM_PLT32, B, V5T, Near, true, "arm-ldr")]
    [TestCase(R_ARM_THM_CALL, ThumbBl, V7, Near, false, null)]
    [TestCase(R_ARM_THM_CALL, ThumbBl, V7, Far, true, "thumb-movw")]
    [TestCase(R_ARM_THM_CALL, ThumbBl, V7, Far, false, "thumb-movw")]
    [TestCase(R_ARM_THM_CALL, ThumbBl, V7, 0x0100_0002UL, true, null, Description = "the farthest")]
    [TestCase(R_ARM_THM_CALL, ThumbBl, V7, 0x0100_0004UL, true, "thumb-movw")]
    [TestCase(R_ARM_THM_CALL, ThumbBl, V6, 0x0040_0002UL, true, null, Description = "the farthest before Thumb-2")]
    [TestCase(R_ARM_THM_CALL, ThumbBl, V6, 0x0040_0004UL, true, "thumb-ldr")]
    [TestCase(R_ARM_THM_CALL, ThumbBl, V5T, Far, false, "thumb-ldr")]
    [TestCase(R_ARM_THM_CALL, ThumbBl, V4T, Near, false, "thumb-ldr")]
    [TestCase(R_ARM_THM_CALL, ThumbBl, V4T, Far, true, "thumb-ldr-bx")]
    [TestCase(R_ARM_THM_CALL, ThumbBl, V6M, 0x0100_0002UL, true, null)]
    [TestCase(R_ARM_THM_CALL, ThumbBl, V6M, Far, true, "thumb-push")]
    [TestCase(R_ARM_THM_CALL, ThumbBl, V6M, Near, false, null, Description = "no A32: an error, not a veneer")]
    [TestCase(R_ARM_THM_CALL, ThumbBl, V7M, Far, true, "thumb-movw")]
    [TestCase(R_ARM_THM_CALL, ThumbBl, V8MBase, Far, true, "thumb-movw")]
    [TestCase(R_ARM_THM_JUMP24, ThumbB, V7, Near, false, "thumb-movw")]
    [TestCase(R_ARM_THM_JUMP24, ThumbB, V7, Far, true, "thumb-movw")]
    [TestCase(R_ARM_THM_JUMP24, ThumbB, V8MBase, Far, true, "thumb-movw")]
    [TestCase(R_ARM_THM_JUMP19, ThumbBeq, V7, 0x10_0002UL, true, null, Description = "the farthest")]
    [TestCase(R_ARM_THM_JUMP19, ThumbBeq, V7, 0x10_0004UL, true, "thumb-movw")]
    [TestCase(R_ARM_THM_JUMP19, ThumbBeq, V7, 0x1000UL, false, "thumb-movw")]
    [TestCase(R_ARM_THM_JUMP11, "fee7", V7, Far, true, null, Description = "never")]
    [TestCase(R_ARM_REL32, "00000000", V7, Far, true, null)]
    [TestCase(R_ARM_PLT32_ABS, "00000000", V7, Far, true, null)]
    public void BranchGetsTheVeneerItNeeds(uint type, string code, uint architecture, ulong target, bool isThumb, string? kind)
    {
        Machine machine = Make(architecture, isPositionIndependent: false);
        byte[] place = Convert.FromHexString(code);
        RelocationRule rule = machine.Relocations[type]!;
        var operands = new Operands
        {
            S = target,
            L = target,
            T = isThumb ? 1UL : 0,
            IsFunction = true,
            A = rule.ReadAddend(place),
        };

        StubShape? stub = machine.StubFor(rule, place, 0, operands);

        Assert.That(stub?.Kind, Is.EqualTo(kind));
        if (stub is not null)
        {
            // A veneer is something the branch can reach.
            operands.S = operands.L = 0x400;
            operands.T = stub.IsThumb ? 1UL : 0;
            Assert.That(machine.StubFor(rule, place, 0, operands), Is.Null);
            Assert.That(machine.Relocations.Apply(rule, place, operands, out _), Is.EqualTo(RelocationOutcome.Applied));
        }
    }

    [TestCase(R_ARM_CALL, V7, "arm-movw-pic")]
    [TestCase(R_ARM_CALL, V5T, "arm-ldr-pic")]
    [TestCase(R_ARM_CALL, V4T, "arm-ldr-pic")]
    [TestCase(R_ARM_THM_CALL, V7, "thumb-movw-pic")]
    [TestCase(R_ARM_THM_CALL, V7M, "thumb-movw-pic")]
    [TestCase(R_ARM_THM_CALL, V6M, "thumb-push-pic")]
    [TestCase(R_ARM_THM_CALL, V5T, "thumb-ldr-pic")]
    [TestCase(R_ARM_THM_CALL, V4T, "thumb-ldr-pic")]
    public void VeneersHoldDistancesWhereAsked(uint type, uint architecture, string kind)
    {
        Machine machine = Make(architecture, isPositionIndependent: true);
        byte[] place = Convert.FromHexString(type is R_ARM_CALL ? Bl : ThumbBl);
        var operands = new Operands { S = Far, L = Far, T = 1, IsFunction = true };

        Assert.That(machine.StubFor(machine.Relocations[type]!, place, 0, operands)?.Kind, Is.EqualTo(kind));
    }

    // At 0x10000, to 0x12345678 | T; a distance of 0x12335678 - origin + T.
#pragma warning disable format // columns
    [TestCase(V6,  false, false, false, "04f01fe5" + "78563412",                            Description = "ldr pc, [pc, #-4]")]
    [TestCase(V4T, false, false, true,  "00c09fe5" + "1cff2fe1" + "79563412",               Description = "ldr ip, [pc]; bx ip")]
    [TestCase(V7,  false, false, true,  "79c605e3" + "34c241e3" + "1cff2fe1",               Description = "movw ip, #0x5679; movt ip, #0x1234; bx ip")]
    [TestCase(V5T, true,  false, true,  "04c09fe5" + "0cc08fe0" + "1cff2fe1" + "6d563312",  Description = "ldr ip, [pc, #4]; add ip, pc, ip; bx ip")]
    [TestCase(V7,  true,  false, false, "68c605e3" + "33c241e3" + "0fc08ce0" + "1cff2fe1",  Description = "movw; movt; add ip, ip, pc; bx ip")]
    [TestCase(V7,  false, true,  true,  "45f2796c" + "c1f2342c" + "6047" + "c046",          Description = "movw ip, #0x5679; movt ip, #0x1234; bx ip; nop")]
    [TestCase(V7,  true,  true,  true,  "45f26d6c" + "c1f2332c" + "fc44" + "6047",          Description = "movw; movt; add ip, pc; bx ip")]
    [TestCase(V6M, false, true,  true,  "03b4" + "0148" + "0190" + "01bd" + "79563412",     Description = "push {r0, r1}; ldr r0, [pc, #4]; str r0, [sp, #4]; pop {r0, pc}")]
    [TestCase(V6M, true,  true,  true,  "01b4" + "0248" + "8446" + "01bc" + "e744" + "c046" + "6d563312", Description = "push {r0}; ldr r0, [pc, #8]; mov ip, r0; pop {r0}; add pc, ip; nop")]
    [TestCase(V6,  false, true,  true,  "7847" + "fde7" + "04f01fe5" + "79563412",          Description = "bx pc; b .-2; ldr pc, [pc, #-4]")]
    [TestCase(V4T, false, true,  true,  "7847" + "fde7" + "00c09fe5" + "1cff2fe1" + "79563412", Description = "bx pc; b .-2; ldr ip, [pc]; bx ip")]
    [TestCase(V5T, true,  true,  false, "7847" + "fde7" + "04c09fe5" + "0cc08fe0" + "1cff2fe1" + "68563312", Description = "bx pc; b .-2; ldr ip, [pc, #4]; add ip, pc, ip; bx ip")]
#pragma warning restore format
    public void VeneerIsTheCodeOfAnAssembler(
        uint architecture, bool isPositionIndependent, bool fromThumb, bool toThumb, string expected)
    {
        Machine machine = Make(architecture, isPositionIndependent);
        StubShape shape = Veneer(machine, fromThumb, toThumb);
        byte[] code = new byte[shape.Size];

        Assert.That(machine.TryWriteStub(shape, code, 0x10000, 0x1234_5678 | (toThumb ? 1UL : 0)), Is.True);
        Assert.That(Convert.ToHexStringLower(code), Is.EqualTo(expected));
    }

    [TestCase(V7, "04c09fe5" + "0cc08fe0" + "00f09ce5" + "f40f0000", Description = "ldr ip, [pc, #4]; add ip, pc, ip; ldr pc, [ip]")]
    [TestCase(V4T, "08c09fe5" + "0cc08fe0" + "00c09ce5" + "1cff2fe1" + "f40f0000", Description = "the same, bx ip")]
    [TestCase(V7M, "40f6f47c" + "c0f2000c" + "fc44" + "dcf800f0" + "c046", Description = "movw; movt; add ip, pc; ldr.w pc, [ip]; nop")]
    [TestCase(V6M, "03b4" + "0248" + "7844" + "0068" + "0190" + "01bd" + "f80f0000", Description = "push {r0, r1}; ldr r0, [pc, #8]; add r0, pc; ...")]
    public void StubJumpsThroughItsSlot(uint architecture, string expected)
    {
        Machine machine = Make(architecture, isPositionIndependent: false);
        byte[] code = new byte[machine.Stub.Size];

        Assert.That(machine.Stub.UsesSlot, Is.True);
        Assert.That(machine.TryWriteStub(machine.Stub, code, 0x10000, 0x11000), Is.True);
        Assert.That(Convert.ToHexStringLower(code), Is.EqualTo(expected));
    }

    // P = 0x1000: a branch goes to the next instruction, a distance is zero, all else is zero.
    [TestCase(R_ARM_CALL, "feffffeb", "ffffffeb")]
    [TestCase(R_ARM_CALL, "fefffffa", "ffffffeb", Description = "blx would change the instruction set")]
    [TestCase(R_ARM_JUMP24, "feffff0a", "ffffff0a")]
    [TestCase(R_ARM_THM_CALL, "fff7feff", "00f000f8")]
    [TestCase(R_ARM_THM_CALL, "fff7feef", "00f000f8")]
    [TestCase(R_ARM_THM_JUMP24, "fff7febf", "00f000b8")]
    [TestCase(R_ARM_THM_JUMP19, "3ff4feaf", "00f00080")]
    [TestCase(R_ARM_THM_JUMP11, "fee7", "ffe7")]
    [TestCase(R_ARM_THM_JUMP8, "fed0", "ffd0")]
    [TestCase(R_ARM_REL32, "08000000", "08000000")]
    [TestCase(R_ARM_PREL31, "08000080", "08000080")]
    [TestCase(R_ARM_MOVW_PREL_NC, "08c000e3", "08c000e3")]
    [TestCase(R_ARM_ABS32, "08000000", "08000000")]
    [TestCase(R_ARM_MOVT_ABS, "08c040e3", "00c040e3")]
    public void UndefinedWeakSymbolIsAsTheAbiSays(uint type, string before, string after)
    {
        RelocationRule rule = Machine.Default.Relocations[type]!;
        byte[] place = Convert.FromHexString(before);
        var operands = new Operands { P = 0x1000, A = rule.ReadAddend(place) };

        Machine.Default.BindUndefinedWeak(rule, ref operands);

        Assert.That(
            Machine.Default.Relocations.Apply(rule, place, operands, out _), Is.EqualTo(RelocationOutcome.Applied));
        Assert.That(Convert.ToHexStringLower(place), Is.EqualTo(after));
    }

    [TestCase(1u, '\0', true, false, false, false, Description = "v4")]
    [TestCase(V4T, '\0', true, false, false, false)]
    [TestCase(V5T, '\0', true, true, false, false)]
    [TestCase(V6, '\0', true, true, false, false)]
    [TestCase(9u, '\0', true, true, false, false, Description = "v6K")]
    [TestCase(V6T2, '\0', true, true, true, true)]
    [TestCase(V7, 'A', true, true, true, true)]
    [TestCase(V7, 'M', false, false, true, true)]
    [TestCase(V6M, 'M', false, false, true, false)]
    [TestCase(V7M, 'M', false, false, true, true)]
    [TestCase(V8A, 'A', true, true, true, true)]
    [TestCase(V8MBase, 'M', false, false, true, true)]
    [TestCase(21u, 'M', false, false, true, true, Description = "v8.1-M.mainline")]
    public void BuildAttributesNameAnArchitecture(uint number, char profile, bool arm, bool blx, bool wide, bool movw) =>
        Assert.That(
            ArmArchitecture.FromBuildAttributes(number, profile), Is.EqualTo(new ArmArchitecture(arm, blx, wide, movw)));

    [Test]
    public void ArchitectureOfAnImageIsWhatItsObjectsNeedTogether()
    {
        ArmArchitecture old = ArmArchitecture.FromBuildAttributes(V4T, '\0');

        Assert.That(old.Merge(ArmArchitecture.V7A), Is.EqualTo(ArmArchitecture.V7A));
        Assert.That(ArmArchitecture.V7A.Merge(old), Is.EqualTo(ArmArchitecture.V7A));
    }

    internal static Machine Make(uint architecture, bool isPositionIndependent) => new(new ArmOptions
    {
        Architecture = ArmArchitecture.FromBuildAttributes(architecture, architecture is V7 or V8A ? 'A' : '\0'),
        PositionIndependent = isPositionIndependent,
    });

    internal static StubShape Veneer(Machine machine, bool fromThumb, bool toThumb)
    {
        byte[] place = Convert.FromHexString(fromThumb ? ThumbBl : Bl);
        var operands = new Operands { S = Far, L = Far, T = toThumb ? 1UL : 0, IsFunction = true };
        return machine.StubFor(machine.Relocations[fromThumb ? R_ARM_THM_CALL : R_ARM_CALL]!, place, 0, operands)!;
    }
}
