using ElfLoader.Relocations;

namespace ElfLoader;

/// <summary>Where the definition of a symbol was found.</summary>
public enum SymbolSource
{
    /// <summary>The relocation has no symbol.</summary>
    None,

    /// <summary>In the object that refers to it.</summary>
    SameObject,

    /// <summary>In another object of the same link.</summary>
    OtherObject,

    /// <summary>In an archive member that the link pulled.</summary>
    ArchiveMember,

    /// <summary>In something that was loaded earlier, into this library or one that it links to.</summary>
    LoadedUnit,

    /// <summary>In the host process, or a shared library opened with its loader.</summary>
    Host,

    /// <summary>The caller defined it: a C# function, an address or a number.</summary>
    Caller,

    /// <summary>The library's <see cref="ObjectLibrary.Resolving"/> event gave it.</summary>
    Callback,

    /// <summary>The linker defines it itself, such as <c>__dso_handle</c> and <c>_GLOBAL_OFFSET_TABLE_</c>.</summary>
    Linker,

    /// <summary>Nothing defines it, and it is weak: its address is 0.</summary>
    UndefinedWeak,

    /// <summary>Nothing defines it, which the options allow.</summary>
    Undefined,

    /// <summary>It is in a section that was dropped, because another object's copy of the group prevails.</summary>
    Dropped,
}

/// <summary>How a relocation was carried out.</summary>
public enum PatchMethod
{
    /// <summary>The formula's value was stored.</summary>
    Direct,

    /// <summary>The formula's value was stored, with the address of a stub for the symbol's.</summary>
    Stub,

    /// <summary>The instructions were rewritten to a form that does without what the relocation asked for.</summary>
    Relaxed,

    /// <summary>The instruction went into the sequence that the relocation before it had rewritten.</summary>
    Sequence,

    /// <summary>The field was cleared, for it describes something that was dropped.</summary>
    Cleared,
}

/// <summary>One patched place: which relocation, by which numbers, and what that made of the bytes.</summary>
public sealed record PatchRecord
{
    /// <summary>Index of the object in the order of linking, that of <see cref="LinkedImage.Objects"/>.</summary>
    public required int ObjectIndex { get; init; }

    /// <summary>Name of the object.</summary>
    public required string Object { get; init; }

    /// <summary>Name of the section.</summary>
    public required string Section { get; init; }

    /// <summary>Index of the section in the object.</summary>
    public required int SectionIndex { get; init; }

    /// <summary>Offset of the place in the section.</summary>
    public required ulong Offset { get; init; }

    /// <summary>
    /// The row of the machine's relocation table that was applied: of types with several forms, the one that counts.
    /// </summary>
    public required RelocationRule Rule { get; init; }

    /// <summary>Name of the symbol, or of the section that it stands for; null if there is none.</summary>
    public required string? Symbol { get; init; }

    /// <summary>Where the symbol was found.</summary>
    public required SymbolSource Source { get; init; }

    /// <summary>Name of the object, member, library or caller that defines the symbol; null if nobody does.</summary>
    public required string? Provider { get; init; }

    /// <summary>The numbers of the formula.</summary>
    public required Operands Operands { get; init; }

    /// <summary>
    /// The formula's result. Where the method is <see cref="PatchMethod.Relaxed"/>, <see cref="PatchMethod.Sequence"/> or
    /// <see cref="PatchMethod.Cleared"/>, something else was stored.
    /// </summary>
    public required long Value { get; init; }

    /// <summary>How it was carried out.</summary>
    public required PatchMethod Method { get; init; }

    /// <summary>The stub that stands for the symbol, if one does.</summary>
    public ImageStub? Stub { get; init; }

    /// <summary>The slot of the object's global offset table that the instruction uses, if it uses one.</summary>
    public ImageGotSlot? Slot { get; init; }

    /// <summary>Offset in the section of the first of <see cref="Before"/> and <see cref="After"/>.</summary>
    public required ulong BytesOffset { get; init; }

    /// <summary>The bytes as the compiler left them: the field, and what else was rewritten.</summary>
    public required ReadOnlyMemory<byte> Before { get; init; }

    /// <summary>The same bytes as the link left them.</summary>
    public required ReadOnlyMemory<byte> After { get; init; }

    /// <summary>Address of the place, as running code sees it: P.</summary>
    public ulong Address => Operands.P;

    /// <summary>The relocation's name in the ABI.</summary>
    public string Relocation => Rule.Name;

    /// <summary>Whether the formula's result is what was stored.</summary>
    public bool IsStored => Method is PatchMethod.Direct or PatchMethod.Stub;

    /// <summary>
    /// How much closer to the nearer end of what its field holds the stored value could be; null where the field takes
    /// any value, or something else was stored.
    /// </summary>
    public ulong? Margin => IsStored && Rule.Overflow is not Overflow.Wraps && Rule.Field.HighBit < 63
        ? Math.Min(unchecked((ulong)(Value - Rule.Minimum)), unchecked((ulong)(Rule.Maximum - Value)))
        : null;

    /// <summary>The formula with its numbers: <c>S + A - P = 0x401030 + -0x4 - 0x401005 = 0x27</c>.</summary>
    public string Computation => $"{Rule.Expression} = {Rule.Expression.Print(Operands)} = {Expression.Number(Value)}";

    /// <summary>Place, relocation and symbol.</summary>
    public override string ToString() => $"{Object}: {Section}+0x{Offset:x}: {Relocation} {(Symbol is null ? "" : CxxNames.Readable(Symbol))}".TrimEnd();
}
