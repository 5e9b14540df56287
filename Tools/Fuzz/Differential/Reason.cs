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

    /// <summary>lld sign-extends the addend of a branch from one bit below its highest.</summary>
    AddendCutShort,

    /// <summary>A branch to something between two instructions: lld cuts the distance, we refuse it.</summary>
    LandsBeside,

    /// <summary>lld does not write the bit that says whether the offset is added or subtracted.</summary>
    DirectionNotWritten,

    /// <summary>An undefined weak symbol: 0 for one, for the other what the ABI says.</summary>
    WeakIsZero,

    /// <summary>An offset within the thread-local block became one from the thread pointer, or the other way round.</summary>
    ThreadPointerOffset,

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

    /// <summary>None of these.</summary>
    Unexplained,
}
