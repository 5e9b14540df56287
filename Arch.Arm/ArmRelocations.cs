using System.Runtime.CompilerServices;
using ElfLoader.Relocations;
using static ElfLoader.Arch.Arm.ArmFields;
using static ElfLoader.Arch.Arm.ArmRelocationTypes;
using static ElfLoader.Relocations.Expression;

namespace ElfLoader.Arch.Arm;

/// <summary>The relocation types of 32-bit Arm.</summary>
/// <remarks>
/// ELF for the Arm Architecture (AAELF32), "Relocation". Instructions are 32 bits long and hold only part of an address,
/// cut in the most various ways: branches have 24 bits of distance, MOVW and MOVT a half of the value each, loads twelve
/// bits and a direction, ADD and SUB eight bits and a rotation. There are two instruction sets, Arm (A32) and Thumb (T32,
/// of 16-bit and 32-bit instructions); bit 0 of a function's address, T, says which one it is in. Objects use REL records:
/// the addend is what the instruction holds before, which includes the distance of PC from it, so it must be read once,
/// from the object's own bytes. Some types mean what a platform decides (<see cref="ArmOptions"/>), and some fields depend
/// on the processor, so that there is one table for each choice of options.
/// </remarks>
public static class ArmRelocations
{
    private const string Obsolete = "has been withdrawn from the ABI";
    private const string Private = "is private to a platform, and this object does not say to which";
    private const string Fdpic = "is for FDPIC code, which is not supported: compile without -mfdpic";

    private static readonly Field Nothing = Field.None;
    private static readonly Field Word8 = BitField.Byte;
    private static readonly Field Word16 = BitField.Half;
    private static readonly Field Word32 = BitField.Word;

    /// <summary>Every type of AAELF32, and GNU's; one row per type, in AAELF32's columns.</summary>
    /// <remarks>
    /// L stands where AAELF32 has S and lets a linker put a veneer in between. GOT(S) is <c>G + GOT</c>; GOT_ORG is GOT.
    /// MOVT's addend is the 16-bit literal itself, not shifted ("Addends and PC-bias compensation"): its addend column
    /// names MOVW. Types that are for dynamic linkers, or withdrawn, have a row so that an object that contains one can
    /// be told so by name.
    /// </remarks>
    /// <param name="options">What the platform decides, and the processor.</param>
    public static RelocationTable Create(ArmOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArmArchitecture architecture = options.Architecture;
        var branches = new ArmBranches(architecture);
        Field thumbCall = architecture.HasWideBranches ? ThumbCall : NarrowThumbCall;
        Expression relative = ((S + A) | T) - P;
        Expression target1 = options.Target1 is Target1Meaning.Relative ? relative : (S + A) | T;
        (Expression target2, GotSlot target2Slot) = options.Target2 switch
        {
            Target2Meaning.Relative => (relative, GotSlot.None),
            Target2Meaning.Absolute => ((S + A) | T, GotSlot.None),
            _ => (G + GOT + A - P, GotSlot.Address),
        };
        RelocationRule v4bx = options.RewritesBx
            ? new(R_ARM_V4BX, None, new BxRewrite())
            : new(R_ARM_V4BX, None, Nothing) { Use = RelocationUse.Marker };
        return new RelocationTable(
            addressBits: 32,
#pragma warning disable format // columns
            //  type                         operation             field                    overflow            slot
            new(R_ARM_NONE,                  None,                 Nothing) { Use = RelocationUse.Marker },
            new(R_ARM_PC24,                  ((L + A) | T) - P,    Branch,                  Overflow.Signed) { Form = branches.Call },
            new(R_ARM_ABS32,                 (S + A) | T,          Word32),
            new(R_ARM_REL32,                 ((S + A) | T) - P,    Word32),
            new(R_ARM_LDR_PC_G0,             S + A - P,            LoadGroup(0),            Overflow.Encodable),
            new(R_ARM_ABS16,                 S + A,                Word16,                  Overflow.Either),
            new(R_ARM_ABS12,                 S + A,                Load,                    Overflow.Encodable),
            new(R_ARM_THM_ABS5,              S + A,                ThumbLoad5,              Overflow.Unsigned),
            new(R_ARM_ABS8,                  S + A,                Word8,                   Overflow.Either),
            new(R_ARM_SBREL32,               ((S + A) | T) - B,    Word32),
            new(R_ARM_THM_CALL,              ((L + A) | T) - P,    thumbCall,               Overflow.Signed) { Form = branches.ThumbCall },
            new(R_ARM_THM_PC8,               S + A - Pa,           ThumbLiteral8,           Overflow.Unsigned) { Addend = new BiasedAddend(ThumbLiteral8) },
            new(R_ARM_BREL_ADJ,              B + A,                Word32) { Use = RelocationUse.Dynamic },
            new(R_ARM_TLS_DESC,              None,                 Word32) { Use = RelocationUse.Dynamic },
            Refused(R_ARM_THM_SWI8,          Obsolete),
            Refused(R_ARM_XPC25,             Obsolete),
            Refused(R_ARM_THM_XPC22,         Obsolete),
            new(R_ARM_TLS_DTPMOD32,          None,                 Word32) { Use = RelocationUse.Dynamic },
            new(R_ARM_TLS_DTPOFF32,          S + A - TLSBLOCK,     Word32) { Use = RelocationUse.Dynamic },
            new(R_ARM_TLS_TPOFF32,           S + A - TP,           Word32) { Use = RelocationUse.Dynamic },
            new(R_ARM_COPY,                  None,                 Nothing) { Use = RelocationUse.Dynamic },
            new(R_ARM_GLOB_DAT,              (S + A) | T,          Word32) { Use = RelocationUse.Dynamic },
            new(R_ARM_JUMP_SLOT,             (S + A) | T,          Word32) { Use = RelocationUse.Dynamic },
            new(R_ARM_RELATIVE,              B + A,                Word32) { Use = RelocationUse.Dynamic },
            new(R_ARM_GOTOFF32,              ((S + A) | T) - GOT,  Word32),
            new(R_ARM_BASE_PREL,             GOT + A - P,          Word32),
            new(R_ARM_GOT_BREL,              G + A,                Word32,                  Overflow.Wraps,     GotSlot.Address),
            new(R_ARM_PLT32,                 ((L + A) | T) - P,    Branch,                  Overflow.Signed) { Form = branches.Call },
            new(R_ARM_CALL,                  ((L + A) | T) - P,    Branch,                  Overflow.Signed) { Form = branches.Call },
            new(R_ARM_JUMP24,                ((L + A) | T) - P,    Branch,                  Overflow.Signed) { Form = ArmBranches.Jump },
            new(R_ARM_THM_JUMP24,            ((L + A) | T) - P,    ThumbBranch,             Overflow.Signed) { Form = ArmBranches.ThumbJump },
            new(R_ARM_BASE_ABS,              B + A,                Word32),
            Refused(R_ARM_ALU_PCREL_7_0,     Obsolete),
            Refused(R_ARM_ALU_PCREL_15_8,    Obsolete),
            Refused(R_ARM_ALU_PCREL_23_15,   Obsolete),
            new(R_ARM_LDR_SBREL_11_0_NC,     S + A - B,            LoadBits),
            new(R_ARM_ALU_SBREL_19_12_NC,    S + A - B,            new AluByte(12)),
            new(R_ARM_ALU_SBREL_27_20_CK,    S + A - B,            new AluByte(20),         Overflow.Unsigned),
            new(R_ARM_TARGET1,               target1,              Word32),
            new(R_ARM_SBREL31,               ((S + A) | T) - B,    Word31,                  Overflow.Signed),
            v4bx,
            new(R_ARM_TARGET2,               target2,              Word32,                  Overflow.Wraps,     target2Slot),
            new(R_ARM_PREL31,                ((S + A) | T) - P,    Word31,                  Overflow.Signed),
            new(R_ARM_MOVW_ABS_NC,           (S + A) | T,          Movw),
            new(R_ARM_MOVT_ABS,              S + A,                Movt) { Addend = Movw },
            new(R_ARM_MOVW_PREL_NC,          ((S + A) | T) - P,    Movw),
            new(R_ARM_MOVT_PREL,             S + A - P,            Movt) { Addend = Movw },
            new(R_ARM_THM_MOVW_ABS_NC,       (S + A) | T,          ThumbMovw),
            new(R_ARM_THM_MOVT_ABS,          S + A,                ThumbMovt) { Addend = ThumbMovw },
            new(R_ARM_THM_MOVW_PREL_NC,      ((S + A) | T) - P,    ThumbMovw),
            new(R_ARM_THM_MOVT_PREL,         S + A - P,            ThumbMovt) { Addend = ThumbMovw },
            new(R_ARM_THM_JUMP19,            ((L + A) | T) - P,    ThumbConditional,        Overflow.Signed) { Form = ArmBranches.ThumbJump },
            new(R_ARM_THM_JUMP6,             S + A - P,            ThumbJump6,              Overflow.Unsigned) { Addend = new BiasedAddend(ThumbJump6) },
            new(R_ARM_THM_ALU_PREL_11_0,     ((S + A) | T) - Pa,   ThumbAdr,                Overflow.Encodable),
            new(R_ARM_THM_PC12,              S + A - Pa,           ThumbLiteral12,          Overflow.Encodable),
            new(R_ARM_ABS32_NOI,             S + A,                Word32),
            new(R_ARM_REL32_NOI,             S + A - P,            Word32),
            new(R_ARM_ALU_PC_G0_NC,          ((S + A) | T) - P,    Alu(0, isLast: false),   Overflow.Encodable),
            new(R_ARM_ALU_PC_G0,             ((S + A) | T) - P,    Alu(0, isLast: true),    Overflow.Encodable),
            new(R_ARM_ALU_PC_G1_NC,          ((S + A) | T) - P,    Alu(1, isLast: false),   Overflow.Encodable),
            new(R_ARM_ALU_PC_G1,             ((S + A) | T) - P,    Alu(1, isLast: true),    Overflow.Encodable),
            new(R_ARM_ALU_PC_G2,             ((S + A) | T) - P,    Alu(2, isLast: true),    Overflow.Encodable),
            new(R_ARM_LDR_PC_G1,             S + A - P,            LoadGroup(1),            Overflow.Encodable),
            new(R_ARM_LDR_PC_G2,             S + A - P,            LoadGroup(2),            Overflow.Encodable),
            new(R_ARM_LDRS_PC_G0,            S + A - P,            LoadSignedGroup(0),      Overflow.Encodable),
            new(R_ARM_LDRS_PC_G1,            S + A - P,            LoadSignedGroup(1),      Overflow.Encodable),
            new(R_ARM_LDRS_PC_G2,            S + A - P,            LoadSignedGroup(2),      Overflow.Encodable),
            new(R_ARM_LDC_PC_G0,             S + A - P,            LoadCoprocessorGroup(0), Overflow.Encodable),
            new(R_ARM_LDC_PC_G1,             S + A - P,            LoadCoprocessorGroup(1), Overflow.Encodable),
            new(R_ARM_LDC_PC_G2,             S + A - P,            LoadCoprocessorGroup(2), Overflow.Encodable),
            new(R_ARM_ALU_SB_G0_NC,          ((S + A) | T) - B,    Alu(0, isLast: false),   Overflow.Encodable),
            new(R_ARM_ALU_SB_G0,             ((S + A) | T) - B,    Alu(0, isLast: true),    Overflow.Encodable),
            new(R_ARM_ALU_SB_G1_NC,          ((S + A) | T) - B,    Alu(1, isLast: false),   Overflow.Encodable),
            new(R_ARM_ALU_SB_G1,             ((S + A) | T) - B,    Alu(1, isLast: true),    Overflow.Encodable),
            new(R_ARM_ALU_SB_G2,             ((S + A) | T) - B,    Alu(2, isLast: true),    Overflow.Encodable),
            new(R_ARM_LDR_SB_G0,             S + A - B,            LoadGroup(0),            Overflow.Encodable),
            new(R_ARM_LDR_SB_G1,             S + A - B,            LoadGroup(1),            Overflow.Encodable),
            new(R_ARM_LDR_SB_G2,             S + A - B,            LoadGroup(2),            Overflow.Encodable),
            new(R_ARM_LDRS_SB_G0,            S + A - B,            LoadSignedGroup(0),      Overflow.Encodable),
            new(R_ARM_LDRS_SB_G1,            S + A - B,            LoadSignedGroup(1),      Overflow.Encodable),
            new(R_ARM_LDRS_SB_G2,            S + A - B,            LoadSignedGroup(2),      Overflow.Encodable),
            new(R_ARM_LDC_SB_G0,             S + A - B,            LoadCoprocessorGroup(0), Overflow.Encodable),
            new(R_ARM_LDC_SB_G1,             S + A - B,            LoadCoprocessorGroup(1), Overflow.Encodable),
            new(R_ARM_LDC_SB_G2,             S + A - B,            LoadCoprocessorGroup(2), Overflow.Encodable),
            new(R_ARM_MOVW_BREL_NC,          ((S + A) | T) - B,    Movw),
            new(R_ARM_MOVT_BREL,             S + A - B,            Movt) { Addend = Movw },
            new(R_ARM_MOVW_BREL,             ((S + A) | T) - B,    Movw,                    Overflow.Either),
            new(R_ARM_THM_MOVW_BREL_NC,      ((S + A) | T) - B,    ThumbMovw),
            new(R_ARM_THM_MOVT_BREL,         S + A - B,            ThumbMovt) { Addend = ThumbMovw },
            new(R_ARM_THM_MOVW_BREL,         ((S + A) | T) - B,    ThumbMovw,               Overflow.Either),
            new(R_ARM_TLS_GOTDESC,           G + GOT + A - P,      Word32,                  Overflow.Wraps,     GotSlot.TlsDescriptor) { Addend = new DescriptorAddend() },
            new(R_ARM_TLS_CALL,              ((L + A) | T) - P,    Branch,                  Overflow.Signed) { Addend = new FixedAddend(-8), Form = branches.Call, CallsTlsDescriptor = true },
            new(R_ARM_TLS_DESCSEQ,           None,                 Nothing) { Use = RelocationUse.Marker },
            new(R_ARM_THM_TLS_CALL,          ((L + A) | T) - P,    thumbCall,               Overflow.Signed) { Addend = new FixedAddend(-4), Form = branches.ThumbCall, CallsTlsDescriptor = true },
            new(R_ARM_PLT32_ABS,             L + A,                Word32),
            new(R_ARM_GOT_ABS,               G + GOT + A,          Word32,                  Overflow.Wraps,     GotSlot.Address),
            new(R_ARM_GOT_PREL,              G + GOT + A - P,      Word32,                  Overflow.Wraps,     GotSlot.Address),
            new(R_ARM_GOT_BREL12,            G + A,                Load,                    Overflow.Encodable, GotSlot.Address),
            new(R_ARM_GOTOFF12,              S + A - GOT,          Load,                    Overflow.Encodable),
            new(R_ARM_GOTRELAX,              None,                 Nothing) { Use = RelocationUse.Marker },
            new(R_ARM_GNU_VTENTRY,           None,                 Nothing) { Use = RelocationUse.Marker },
            new(R_ARM_GNU_VTINHERIT,         None,                 Nothing) { Use = RelocationUse.Marker },
            new(R_ARM_THM_JUMP11,            S + A - P,            ThumbJump11,             Overflow.Signed),
            new(R_ARM_THM_JUMP8,             S + A - P,            ThumbJump8,              Overflow.Signed),
            new(R_ARM_TLS_GD32,              G + GOT + A - P,      Word32,                  Overflow.Wraps,     GotSlot.TlsIndex),
            new(R_ARM_TLS_LDM32,             G + GOT + A - P,      Word32,                  Overflow.Wraps,     GotSlot.TlsModule),
            new(R_ARM_TLS_LDO32,             S + A - TLSBLOCK,     Word32),
            new(R_ARM_TLS_IE32,              G + GOT + A - P,      Word32,                  Overflow.Wraps,     GotSlot.TpOffset),
            new(R_ARM_TLS_LE32,              S + A - TP,           Word32),
            new(R_ARM_TLS_LDO12,             S + A - TLSBLOCK,     Load,                    Overflow.Encodable),
            new(R_ARM_TLS_LE12,              S + A - TP,           Load,                    Overflow.Encodable),
            new(R_ARM_TLS_IE12GP,            G + A,                Load,                    Overflow.Encodable, GotSlot.TpOffset),
            Refused(R_ARM_PRIVATE_0,         Private),
            Refused(R_ARM_PRIVATE_1,         Private),
            Refused(R_ARM_PRIVATE_2,         Private),
            Refused(R_ARM_PRIVATE_3,         Private),
            Refused(R_ARM_PRIVATE_4,         Private),
            Refused(R_ARM_PRIVATE_5,         Private),
            Refused(R_ARM_PRIVATE_6,         Private),
            Refused(R_ARM_PRIVATE_7,         Private),
            Refused(R_ARM_PRIVATE_8,         Private),
            Refused(R_ARM_PRIVATE_9,         Private),
            Refused(R_ARM_PRIVATE_10,        Private),
            Refused(R_ARM_PRIVATE_11,        Private),
            Refused(R_ARM_PRIVATE_12,        Private),
            Refused(R_ARM_PRIVATE_13,        Private),
            Refused(R_ARM_PRIVATE_14,        Private),
            Refused(R_ARM_PRIVATE_15,        Private),
            Refused(R_ARM_ME_TOO,            Obsolete),
            new(R_ARM_THM_TLS_DESCSEQ16,     None,                 Nothing) { Use = RelocationUse.Marker },
            new(R_ARM_THM_TLS_DESCSEQ32,     None,                 Nothing) { Use = RelocationUse.Marker },
            new(R_ARM_THM_GOT_BREL12,        G + A,                ThumbLoad12,             Overflow.Unsigned,  GotSlot.Address),
            new(R_ARM_THM_ALU_ABS_G0_NC,     (S + A) | T,          ThumbByte(0)) { Addend = ThumbImmediate8 },
            new(R_ARM_THM_ALU_ABS_G1_NC,     S + A,                ThumbByte(1)) { Addend = ThumbImmediate8 },
            new(R_ARM_THM_ALU_ABS_G2_NC,     S + A,                ThumbByte(2)) { Addend = ThumbImmediate8 },
            new(R_ARM_THM_ALU_ABS_G3,        S + A,                ThumbByte(3)) { Addend = ThumbImmediate8 },
            new(R_ARM_THM_BF16,              ((S + A) | T) - P,    BranchFuture(17),        Overflow.Signed) { Form = ArmBranches.Announced },
            new(R_ARM_THM_BF12,              ((S + A) | T) - P,    BranchFuture(13),        Overflow.Signed) { Form = ArmBranches.Announced },
            new(R_ARM_THM_BF18,              ((S + A) | T) - P,    BranchFuture(19),        Overflow.Signed) { Form = ArmBranches.Announced },
            new(R_ARM_IRELATIVE,             B + A,                Word32) { Use = RelocationUse.Dynamic },
            Refused(R_ARM_GOTFUNCDESC,       Fdpic),
            Refused(R_ARM_GOTOFFFUNCDESC,    Fdpic),
            Refused(R_ARM_FUNCDESC,          Fdpic),
            Refused(R_ARM_FUNCDESC_VALUE,    Fdpic),
            Refused(R_ARM_TLS_GD32_FDPIC,    Fdpic),
            Refused(R_ARM_TLS_LDM32_FDPIC,   Fdpic),
            Refused(R_ARM_TLS_IE32_FDPIC,    Fdpic),
            Refused(R_ARM_RXPC25,            Obsolete),
            Refused(R_ARM_RSBREL32,          Obsolete),
            Refused(R_ARM_THM_RPC22,         Obsolete),
            Refused(R_ARM_RREL32,            Obsolete),
            Refused(R_ARM_RABS22,            Obsolete),
            Refused(R_ARM_RPC24,             Obsolete),
            Refused(R_ARM_RBASE,             Obsolete));
#pragma warning restore format
    }

    private static RelocationRule Refused(
        uint type, string why, [CallerArgumentExpression(nameof(type))] string name = "") =>
        new(type, None, Nothing, Name: name) { Use = RelocationUse.Refused, Refusal = why };
}
