namespace ElfLoader.Fuzz.Differential;

/// <summary>How another linker's answer at one place relates to ours. The list is closed: what is none of it is a finding.</summary>
internal enum Reason
{
    /// <summary>The same bytes.</summary>
    Equal,

    /// <summary>Both refuse the value.</summary>
    BothRefuse,

    /// <summary>The slots lie at different addresses, and hold the same.</summary>
    OwnSlot,

    /// <summary>Both branches go through stubs of the linker's own, to the same target.</summary>
    OwnVeneer,

    /// <summary>
    /// The other one uses a stub where the branch is in reach, of which both lead to the same target: lld decides before
    /// addresses are final.
    /// </summary>
    VeneerInReach,

    /// <summary>lld's stub goes to the symbol, and the addend is lost.</summary>
    AddendLostInStub,

    /// <summary>lld adds the addend to the address with the Thumb bit in it: (S | T) + A.</summary>
    AddendAddedToThumbBit,

    /// <summary>lld does not write the bit that says whether the offset is added or subtracted.</summary>
    DirectionNotWritten,

    /// <summary>One rewrote an instruction to a cheaper form, the other left the slot.</summary>
    RelaxedByOne,

    /// <summary>The branch does not reach: we go through a stub to the target, lld has none for x86-64 and refuses.</summary>
    StubOutOfReach,

    /// <summary>
    /// Local dynamic thread-local access: lld rewrites the offsets, we the address that they count from; the sum is the same.
    /// </summary>
    LocalDynamicByBlock,

    /// <summary>lld checks R_X86_64_SIZE32 as a signed number, the ABI says that it is zero-extended.</summary>
    SizeIsSigned,

    /// <summary>GNU ld takes values of 8 and 16 bits for bit fields, in which both the sign and the highest bit have room.</summary>
    TakenAsBitField,

    /// <summary>GNU ld refuses to load the address of an undefined weak symbol from the table, which it wants to rewrite.</summary>
    WeakSlotRefused,

    /// <summary>The branch exchanges the instruction set in place; the other linker uses a stub for this old type.</summary>
    Exchanged,

    /// <summary>GNU ld's stub goes to the symbol, and the branch lands beside the stub, by the addend.</summary>
    LandsBesideStub,

    /// <summary>GNU ld looks whether the symbol is in reach, without the addend, makes no stub and refuses.</summary>
    ReachWithoutAddend,

    /// <summary>GNU ld rotates the eight bits of ADD or SUB as if words had 64.</summary>
    RotationMisread,

    /// <summary>GNU ld counts in 64 bits, so that what is near across the end of the address space is far.</summary>
    DistanceNotWrapped,

    /// <summary>GNU ld takes a negative offset for one that is too great.</summary>
    NegativeRefused,

    /// <summary>GNU ld takes numbers for unsigned ones, and leaves the direction of an offset as it was.</summary>
    SignIgnored,

    /// <summary>GNU ld sets T in what it has made of the distance, not in the address.</summary>
    ThumbBitAfterDistance,

    /// <summary>GNU ld checks the distance of Thumb's BLX, and counts it from a multiple of four only then.</summary>
    CheckedBeforeRounding,

    /// <summary>GNU ld cuts off what does not fit.</summary>
    CutToFit,

    /// <summary>GNU ld's static base is 0 for this type.</summary>
    StaticBaseIsZero,

    /// <summary>GNU ld reads or writes the field in the wrong bits.</summary>
    FieldMisplaced,

    /// <summary>None of these.</summary>
    Unexplained,
}
