namespace ElfLoader.Arch.Arm;

/// <summary>
/// The numbers of the relocation types (ELF for the Arm Architecture, "Relocation codes table"), as they stand in the low
/// byte of <c>r_info</c>.
/// </summary>
public static class ArmRelocationTypes
{
    /// <summary>Nothing: keeps the symbol's section alive.</summary>
    public const uint R_ARM_NONE = 0;
    /// <summary>Deprecated: operand of B, BL or BLX.</summary>
    public const uint R_ARM_PC24 = 1;
    /// <summary>Address in a word.</summary>
    public const uint R_ARM_ABS32 = 2;
    /// <summary>Distance in a word.</summary>
    public const uint R_ARM_REL32 = 3;
    /// <summary>Distance in a load, without ADD or SUB before it.</summary>
    public const uint R_ARM_LDR_PC_G0 = 4;
    /// <summary>Address in a halfword.</summary>
    public const uint R_ARM_ABS16 = 5;
    /// <summary>Address in a load.</summary>
    public const uint R_ARM_ABS12 = 6;
    /// <summary>Address in a 16-bit Thumb load.</summary>
    public const uint R_ARM_THM_ABS5 = 7;
    /// <summary>Address in a byte.</summary>
    public const uint R_ARM_ABS8 = 8;
    /// <summary>Distance from the static base, in a word.</summary>
    public const uint R_ARM_SBREL32 = 9;
    /// <summary>Operand of BL or BLX in Thumb.</summary>
    public const uint R_ARM_THM_CALL = 10;
    /// <summary>Distance in a 16-bit Thumb load or ADR.</summary>
    public const uint R_ARM_THM_PC8 = 11;
    /// <summary>Change of the static base (dynamic).</summary>
    public const uint R_ARM_BREL_ADJ = 12;
    /// <summary>TLS descriptor (dynamic).</summary>
    public const uint R_ARM_TLS_DESC = 13;
    /// <summary>Obsolete: number of SVC in Thumb.</summary>
    public const uint R_ARM_THM_SWI8 = 14;
    /// <summary>Obsolete: operand of BLX.</summary>
    public const uint R_ARM_XPC25 = 15;
    /// <summary>Obsolete: operand of BLX in Thumb.</summary>
    public const uint R_ARM_THM_XPC22 = 16;
    /// <summary>Number of the TLS module (dynamic).</summary>
    public const uint R_ARM_TLS_DTPMOD32 = 17;
    /// <summary>Offset in the TLS block (dynamic).</summary>
    public const uint R_ARM_TLS_DTPOFF32 = 18;
    /// <summary>Offset from the thread pointer (dynamic).</summary>
    public const uint R_ARM_TLS_TPOFF32 = 19;
    /// <summary>Copy of a shared object's variable (dynamic).</summary>
    public const uint R_ARM_COPY = 20;
    /// <summary>Address in a GOT slot (dynamic).</summary>
    public const uint R_ARM_GLOB_DAT = 21;
    /// <summary>Address in a PLT's slot (dynamic).</summary>
    public const uint R_ARM_JUMP_SLOT = 22;
    /// <summary>Address of something in the same module (dynamic).</summary>
    public const uint R_ARM_RELATIVE = 23;
    /// <summary>Distance from the GOT, in a word.</summary>
    public const uint R_ARM_GOTOFF32 = 24;
    /// <summary>Distance to the GOT, in a word.</summary>
    public const uint R_ARM_BASE_PREL = 25;
    /// <summary>Offset of the symbol's slot from the GOT, in a word.</summary>
    public const uint R_ARM_GOT_BREL = 26;
    /// <summary>Deprecated: operand of B or BL.</summary>
    public const uint R_ARM_PLT32 = 27;
    /// <summary>Operand of BL or BLX that is always executed.</summary>
    public const uint R_ARM_CALL = 28;
    /// <summary>Operand of B, or of BL with a condition.</summary>
    public const uint R_ARM_JUMP24 = 29;
    /// <summary>Operand of B.W in Thumb.</summary>
    public const uint R_ARM_THM_JUMP24 = 30;
    /// <summary>Static base, in a word.</summary>
    public const uint R_ARM_BASE_ABS = 31;
    /// <summary>Obsolete: bits 7 to 0 of a distance.</summary>
    public const uint R_ARM_ALU_PCREL_7_0 = 32;
    /// <summary>Obsolete: bits 15 to 8 of a distance.</summary>
    public const uint R_ARM_ALU_PCREL_15_8 = 33;
    /// <summary>Obsolete: bits 23 to 16 of a distance.</summary>
    public const uint R_ARM_ALU_PCREL_23_15 = 34;
    /// <summary>Deprecated: bits 11 to 0 of a distance from the static base, in a load.</summary>
    public const uint R_ARM_LDR_SBREL_11_0_NC = 35;
    /// <summary>Deprecated: bits 19 to 12 of a distance from the static base, in ADD.</summary>
    public const uint R_ARM_ALU_SBREL_19_12_NC = 36;
    /// <summary>Deprecated: bits 27 to 20 of a distance from the static base, in ADD.</summary>
    public const uint R_ARM_ALU_SBREL_27_20_CK = 37;
    /// <summary>Address or distance in a word, as the platform says: entries of .init_array.</summary>
    public const uint R_ARM_TARGET1 = 38;
    /// <summary>Deprecated: distance from the static base in 31 bits.</summary>
    public const uint R_ARM_SBREL31 = 39;
    /// <summary>Marks a BX that Armv4 does not have.</summary>
    public const uint R_ARM_V4BX = 40;
    /// <summary>Reference to an exception's type, as the platform says.</summary>
    public const uint R_ARM_TARGET2 = 41;
    /// <summary>Distance in 31 bits: tables of exception handling.</summary>
    public const uint R_ARM_PREL31 = 42;
    /// <summary>Lower half of an address, in MOVW.</summary>
    public const uint R_ARM_MOVW_ABS_NC = 43;
    /// <summary>Upper half of an address, in MOVT.</summary>
    public const uint R_ARM_MOVT_ABS = 44;
    /// <summary>Lower half of a distance, in MOVW.</summary>
    public const uint R_ARM_MOVW_PREL_NC = 45;
    /// <summary>Upper half of a distance, in MOVT.</summary>
    public const uint R_ARM_MOVT_PREL = 46;
    /// <summary>Lower half of an address, in MOVW in Thumb.</summary>
    public const uint R_ARM_THM_MOVW_ABS_NC = 47;
    /// <summary>Upper half of an address, in MOVT in Thumb.</summary>
    public const uint R_ARM_THM_MOVT_ABS = 48;
    /// <summary>Lower half of a distance, in MOVW in Thumb.</summary>
    public const uint R_ARM_THM_MOVW_PREL_NC = 49;
    /// <summary>Upper half of a distance, in MOVT in Thumb.</summary>
    public const uint R_ARM_THM_MOVT_PREL = 50;
    /// <summary>Operand of B.W with a condition in Thumb.</summary>
    public const uint R_ARM_THM_JUMP19 = 51;
    /// <summary>Operand of CBZ or CBNZ.</summary>
    public const uint R_ARM_THM_JUMP6 = 52;
    /// <summary>Distance in ADR.W.</summary>
    public const uint R_ARM_THM_ALU_PREL_11_0 = 53;
    /// <summary>Distance in a 32-bit Thumb load.</summary>
    public const uint R_ARM_THM_PC12 = 54;
    /// <summary>Address without the Thumb bit, in a word.</summary>
    public const uint R_ARM_ABS32_NOI = 55;
    /// <summary>Distance without the Thumb bit, in a word.</summary>
    public const uint R_ARM_REL32_NOI = 56;
    /// <summary>The first eight bits of a distance, in ADD or SUB.</summary>
    public const uint R_ARM_ALU_PC_G0_NC = 57;
    /// <summary>The first eight bits of a distance, in ADD or SUB, which must be the last.</summary>
    public const uint R_ARM_ALU_PC_G0 = 58;
    /// <summary>The second eight bits of a distance, in ADD or SUB.</summary>
    public const uint R_ARM_ALU_PC_G1_NC = 59;
    /// <summary>The second eight bits of a distance, in ADD or SUB, which must be the last.</summary>
    public const uint R_ARM_ALU_PC_G1 = 60;
    /// <summary>The third eight bits of a distance, in ADD or SUB, which must be the last.</summary>
    public const uint R_ARM_ALU_PC_G2 = 61;
    /// <summary>What one ADD or SUB leaves of a distance, in a load.</summary>
    public const uint R_ARM_LDR_PC_G1 = 62;
    /// <summary>What two ADD or SUB leaves of a distance, in a load.</summary>
    public const uint R_ARM_LDR_PC_G2 = 63;
    /// <summary>A whole distance, in a load of a signed byte, halfword or doubleword.</summary>
    public const uint R_ARM_LDRS_PC_G0 = 64;
    /// <summary>What one ADD or SUB leaves of a distance, in a load of a signed byte, halfword or doubleword.</summary>
    public const uint R_ARM_LDRS_PC_G1 = 65;
    /// <summary>What two ADD or SUB leaves of a distance, in a load of a signed byte, halfword or doubleword.</summary>
    public const uint R_ARM_LDRS_PC_G2 = 66;
    /// <summary>A whole distance, in a coprocessor's load.</summary>
    public const uint R_ARM_LDC_PC_G0 = 67;
    /// <summary>What one ADD or SUB leaves of a distance, in a coprocessor's load.</summary>
    public const uint R_ARM_LDC_PC_G1 = 68;
    /// <summary>What two ADD or SUB leaves of a distance, in a coprocessor's load.</summary>
    public const uint R_ARM_LDC_PC_G2 = 69;
    /// <summary>The first eight bits of a distance from the static base, in ADD or SUB.</summary>
    public const uint R_ARM_ALU_SB_G0_NC = 70;
    /// <summary>The first eight bits of a distance from the static base, in ADD or SUB, which must be the last.</summary>
    public const uint R_ARM_ALU_SB_G0 = 71;
    /// <summary>The second eight bits of a distance from the static base, in ADD or SUB.</summary>
    public const uint R_ARM_ALU_SB_G1_NC = 72;
    /// <summary>The second eight bits of a distance from the static base, in ADD or SUB, which must be the last.</summary>
    public const uint R_ARM_ALU_SB_G1 = 73;
    /// <summary>The third eight bits of a distance from the static base, in ADD or SUB, which must be the last.</summary>
    public const uint R_ARM_ALU_SB_G2 = 74;
    /// <summary>A whole distance from the static base, in a load.</summary>
    public const uint R_ARM_LDR_SB_G0 = 75;
    /// <summary>What one ADD or SUB leaves of a distance from the static base, in a load.</summary>
    public const uint R_ARM_LDR_SB_G1 = 76;
    /// <summary>What two ADD or SUB leaves of a distance from the static base, in a load.</summary>
    public const uint R_ARM_LDR_SB_G2 = 77;
    /// <summary>A whole distance from the static base, in a load of a signed byte, halfword or doubleword.</summary>
    public const uint R_ARM_LDRS_SB_G0 = 78;
    /// <summary>What one ADD or SUB leaves of a distance from the static base, in a load of a signed byte, halfword or doubleword.</summary>
    public const uint R_ARM_LDRS_SB_G1 = 79;
    /// <summary>What two ADD or SUB leaves of a distance from the static base, in a load of a signed byte, halfword or doubleword.</summary>
    public const uint R_ARM_LDRS_SB_G2 = 80;
    /// <summary>A whole distance from the static base, in a coprocessor's load.</summary>
    public const uint R_ARM_LDC_SB_G0 = 81;
    /// <summary>What one ADD or SUB leaves of a distance from the static base, in a coprocessor's load.</summary>
    public const uint R_ARM_LDC_SB_G1 = 82;
    /// <summary>What two ADD or SUB leaves of a distance from the static base, in a coprocessor's load.</summary>
    public const uint R_ARM_LDC_SB_G2 = 83;
    /// <summary>Lower half of a distance from the static base, in MOVW.</summary>
    public const uint R_ARM_MOVW_BREL_NC = 84;
    /// <summary>Upper half of a distance from the static base, in MOVT.</summary>
    public const uint R_ARM_MOVT_BREL = 85;
    /// <summary>Lower half of a distance from the static base, in MOVW; the upper half must be zero.</summary>
    public const uint R_ARM_MOVW_BREL = 86;
    /// <summary>Lower half of a distance from the static base, in MOVW in Thumb.</summary>
    public const uint R_ARM_THM_MOVW_BREL_NC = 87;
    /// <summary>Upper half of a distance from the static base, in MOVT in Thumb.</summary>
    public const uint R_ARM_THM_MOVT_BREL = 88;
    /// <summary>Lower half of a distance from the static base, in MOVW in Thumb; the upper half must be zero.</summary>
    public const uint R_ARM_THM_MOVW_BREL = 89;
    /// <summary>Distance to a TLS descriptor, in a word.</summary>
    public const uint R_ARM_TLS_GOTDESC = 90;
    /// <summary>Operand of BL to the function that calls through a TLS descriptor.</summary>
    public const uint R_ARM_TLS_CALL = 91;
    /// <summary>Marks an instruction that uses a TLS descriptor.</summary>
    public const uint R_ARM_TLS_DESCSEQ = 92;
    /// <summary>Operand of BL in Thumb to the function that calls through a TLS descriptor.</summary>
    public const uint R_ARM_THM_TLS_CALL = 93;
    /// <summary>Address that a call of the symbol jumps to, in a word.</summary>
    public const uint R_ARM_PLT32_ABS = 94;
    /// <summary>Address of the symbol's GOT slot, in a word.</summary>
    public const uint R_ARM_GOT_ABS = 95;
    /// <summary>Distance to the symbol's GOT slot, in a word.</summary>
    public const uint R_ARM_GOT_PREL = 96;
    /// <summary>Offset of the symbol's slot from the GOT, in a load.</summary>
    public const uint R_ARM_GOT_BREL12 = 97;
    /// <summary>Distance from the GOT, in a load.</summary>
    public const uint R_ARM_GOTOFF12 = 98;
    /// <summary>Reserved for relaxation of the GOT.</summary>
    public const uint R_ARM_GOTRELAX = 99;
    /// <summary>GNU's note of a virtual table's use.</summary>
    public const uint R_ARM_GNU_VTENTRY = 100;
    /// <summary>GNU's note of a virtual table's parent.</summary>
    public const uint R_ARM_GNU_VTINHERIT = 101;
    /// <summary>Operand of a 16-bit B in Thumb.</summary>
    public const uint R_ARM_THM_JUMP11 = 102;
    /// <summary>Operand of a 16-bit B with a condition in Thumb.</summary>
    public const uint R_ARM_THM_JUMP8 = 103;
    /// <summary>Distance to a TLS index of the symbol (general dynamic).</summary>
    public const uint R_ARM_TLS_GD32 = 104;
    /// <summary>Distance to a TLS index of the module (local dynamic).</summary>
    public const uint R_ARM_TLS_LDM32 = 105;
    /// <summary>Offset in the TLS block, in a word.</summary>
    public const uint R_ARM_TLS_LDO32 = 106;
    /// <summary>Distance to a slot with the offset from the thread pointer (initial exec).</summary>
    public const uint R_ARM_TLS_IE32 = 107;
    /// <summary>Offset from the thread pointer, in a word (local exec).</summary>
    public const uint R_ARM_TLS_LE32 = 108;
    /// <summary>Offset in the TLS block, in a load.</summary>
    public const uint R_ARM_TLS_LDO12 = 109;
    /// <summary>Offset from the thread pointer, in a load.</summary>
    public const uint R_ARM_TLS_LE12 = 110;
    /// <summary>Offset from the GOT of a slot with the offset from the thread pointer, in a load.</summary>
    public const uint R_ARM_TLS_IE12GP = 111;
    /// <summary>Private to a platform.</summary>
    public const uint R_ARM_PRIVATE_0 = 112;
    /// <summary>Private to a platform.</summary>
    public const uint R_ARM_PRIVATE_1 = 113;
    /// <summary>Private to a platform.</summary>
    public const uint R_ARM_PRIVATE_2 = 114;
    /// <summary>Private to a platform.</summary>
    public const uint R_ARM_PRIVATE_3 = 115;
    /// <summary>Private to a platform.</summary>
    public const uint R_ARM_PRIVATE_4 = 116;
    /// <summary>Private to a platform.</summary>
    public const uint R_ARM_PRIVATE_5 = 117;
    /// <summary>Private to a platform.</summary>
    public const uint R_ARM_PRIVATE_6 = 118;
    /// <summary>Private to a platform.</summary>
    public const uint R_ARM_PRIVATE_7 = 119;
    /// <summary>Private to a platform.</summary>
    public const uint R_ARM_PRIVATE_8 = 120;
    /// <summary>Private to a platform.</summary>
    public const uint R_ARM_PRIVATE_9 = 121;
    /// <summary>Private to a platform.</summary>
    public const uint R_ARM_PRIVATE_10 = 122;
    /// <summary>Private to a platform.</summary>
    public const uint R_ARM_PRIVATE_11 = 123;
    /// <summary>Private to a platform.</summary>
    public const uint R_ARM_PRIVATE_12 = 124;
    /// <summary>Private to a platform.</summary>
    public const uint R_ARM_PRIVATE_13 = 125;
    /// <summary>Private to a platform.</summary>
    public const uint R_ARM_PRIVATE_14 = 126;
    /// <summary>Private to a platform.</summary>
    public const uint R_ARM_PRIVATE_15 = 127;
    /// <summary>Obsolete.</summary>
    public const uint R_ARM_ME_TOO = 128;
    /// <summary>Marks a 16-bit Thumb instruction that uses a TLS descriptor.</summary>
    public const uint R_ARM_THM_TLS_DESCSEQ16 = 129;
    /// <summary>Marks a 32-bit Thumb instruction that uses a TLS descriptor.</summary>
    public const uint R_ARM_THM_TLS_DESCSEQ32 = 130;
    /// <summary>Offset of the symbol's slot from the GOT, in a 32-bit Thumb load.</summary>
    public const uint R_ARM_THM_GOT_BREL12 = 131;
    /// <summary>Byte 0 of an address, in a 16-bit MOVS or ADDS.</summary>
    public const uint R_ARM_THM_ALU_ABS_G0_NC = 132;
    /// <summary>Byte 1 of an address, in a 16-bit MOVS or ADDS.</summary>
    public const uint R_ARM_THM_ALU_ABS_G1_NC = 133;
    /// <summary>Byte 2 of an address, in a 16-bit MOVS or ADDS.</summary>
    public const uint R_ARM_THM_ALU_ABS_G2_NC = 134;
    /// <summary>Byte 3 of an address, in a 16-bit MOVS or ADDS.</summary>
    public const uint R_ARM_THM_ALU_ABS_G3 = 135;
    /// <summary>Operand of BF.</summary>
    public const uint R_ARM_THM_BF16 = 136;
    /// <summary>Operand of BFCSEL.</summary>
    public const uint R_ARM_THM_BF12 = 137;
    /// <summary>Operand of BFL.</summary>
    public const uint R_ARM_THM_BF18 = 138;
    /// <summary>Address that a resolver returns (dynamic).</summary>
    public const uint R_ARM_IRELATIVE = 160;
    /// <summary>FDPIC: offset of a function descriptor's slot.</summary>
    public const uint R_ARM_GOTFUNCDESC = 161;
    /// <summary>FDPIC: offset of a function descriptor.</summary>
    public const uint R_ARM_GOTOFFFUNCDESC = 162;
    /// <summary>FDPIC: address of a function descriptor.</summary>
    public const uint R_ARM_FUNCDESC = 163;
    /// <summary>FDPIC: a function descriptor.</summary>
    public const uint R_ARM_FUNCDESC_VALUE = 164;
    /// <summary>FDPIC: offset of a TLS index of the symbol.</summary>
    public const uint R_ARM_TLS_GD32_FDPIC = 165;
    /// <summary>FDPIC: offset of a TLS index of the module.</summary>
    public const uint R_ARM_TLS_LDM32_FDPIC = 166;
    /// <summary>FDPIC: offset of a slot with the offset from the thread pointer.</summary>
    public const uint R_ARM_TLS_IE32_FDPIC = 167;
    /// <summary>Obsolete.</summary>
    public const uint R_ARM_RXPC25 = 249;
    /// <summary>Obsolete.</summary>
    public const uint R_ARM_RSBREL32 = 250;
    /// <summary>Obsolete.</summary>
    public const uint R_ARM_THM_RPC22 = 251;
    /// <summary>Obsolete.</summary>
    public const uint R_ARM_RREL32 = 252;
    /// <summary>Obsolete.</summary>
    public const uint R_ARM_RABS22 = 253;
    /// <summary>Obsolete.</summary>
    public const uint R_ARM_RPC24 = 254;
    /// <summary>Obsolete.</summary>
    public const uint R_ARM_RBASE = 255;
}
