namespace ElfLoader.Tests.Arch.Arm;

/// <summary>How a linker's answer relates to ours.</summary>
internal enum ArmMatrixReason
{
    /// <summary>The same bytes.</summary>
    Equal,

    /// <summary>Both refuse the value.</summary>
    BothRefuse,

    /// <summary>Both need a veneer.</summary>
    BothTakeAVeneer,

    /// <summary>The same but for where the linker put the slot.</summary>
    SlotOfLinker,

    /// <summary>The linker does not know the type, or crashes; the model has our bytes.</summary>
    NotSupported,

    /// <summary>A branch of the old types that we exchange like R_ARM_CALL; linkers use a veneer to the same function.</summary>
    Exchanged,

    /// <summary>The linker uses a veneer a little before the limit; the model has our bytes.</summary>
    VeneerBeforeTheLimit,

    /// <summary>The linker makes no veneer to a section's symbol, a label, or for an old type, where we do.</summary>
    NoVeneer,

    /// <summary>A branch to something between instructions: linkers cut the distance, we refuse it.</summary>
    LandsBeside,

    /// <summary>(S | T) + A, of which lld clears bit 0 where T does not count.</summary>
    AddendAddedToThumbBit,

    /// <summary>lld sign-extends the addend from one bit below its highest.</summary>
    AddendCutShort,

    /// <summary>GNU ld does not count the addend when it looks whether a branch reaches, and lands beside the veneer.</summary>
    AddendNotPartOfTarget,

    /// <summary>GNU ld shifts the eight bits of ADD or SUB left instead of rotating them right.</summary>
    RotationMisread,

    /// <summary>The direction of the offset is not written, or not read.</summary>
    DirectionIgnored,

    /// <summary>GNU ld takes negative numbers for numbers too great.</summary>
    NegativeRefused,

    /// <summary>What does not fit is cut.</summary>
    NotRangeChecked,

    /// <summary>GNU ld's static base is 0 for these types.</summary>
    StaticBaseIsZero,

    /// <summary>GNU ld reads or writes the field at the wrong place.</summary>
    FieldMisplaced,

    /// <summary>GNU ld sets T in the magnitude of a distance, also of a negative one.</summary>
    ThumbBitAfterSign,

    /// <summary>GNU ld takes a section's symbol for a function in A32, and makes BL of BLX.</summary>
    SectionIsArm,

    /// <summary>Undefined weak symbols are 0 for the linker where the ABI says the place, or the branch becomes NOP.</summary>
    WeakIsZero,

    /// <summary>
    /// lld takes R_ARM_PREL31 to a weak symbol for a branch, keeps BLX and forgets the addend of R_ARM_THM_PC8; GNU ld cuts the
    /// distance to 0.
    /// </summary>
    WeakElsewhere,

    /// <summary>The ABI names no T for the address of a PLT entry.</summary>
    NoThumbBit,

    /// <summary>None of these.</summary>
    Unexplained,
}
