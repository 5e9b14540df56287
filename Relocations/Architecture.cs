namespace ElfLoader.Relocations;

/// <summary>Where a machine keeps thread-local storage, seen from the thread pointer (ELF Handling for TLS).</summary>
public enum TlsVariant
{
    /// <summary>Above the thread pointer, after a small control block (ARM).</summary>
    One = 1,

    /// <summary>Below the thread pointer (x86-64).</summary>
    Two = 2,
}

/// <summary>What the loader knows about a symbol when it asks for a relaxation.</summary>
[Flags]
public enum RelaxationTraits
{
    /// <summary>Nothing that permits a rewrite.</summary>
    None = 0,

    /// <summary>S is final: no slot or stub is needed to reach the definition (not IFUNC, not redirectable).</summary>
    BindsDirectly = 1,

    /// <summary>S is an absolute number, which does not move with the image.</summary>
    Absolute = 2,

    /// <summary>
    /// S - TP is a constant for all threads, so that TLS may become local exec; for local dynamic (<see
    /// cref="GotSlot.TlsModule"/>), where S does not count, TLSBLOCK - TP of the module is.
    /// </summary>
    StaticTls = 4,

    /// <summary>S itself is final and never moves, so that it may become an immediate operand.</summary>
    FixedAddress = 8,
}

/// <summary>What became of a request to relax.</summary>
/// <param name="Applied">Whether bytes were rewritten and the relocation is done.</param>
/// <param name="Consumed">How many relocation records after this one the rewritten sequence has swallowed.</param>
public readonly record struct Relaxation(bool Applied, int Consumed = 0)
{
    /// <summary>Nothing was rewritten.</summary>
    public static Relaxation Declined => default;
}

/// <summary>The code of a stub: a jump that reaches any address.</summary>
/// <param name="Kind">Name for maps and reports, such as <c>plt</c>.</param>
/// <param name="Size">Bytes that each stub takes.</param>
/// <param name="Alignment">Alignment of each stub, in bytes.</param>
/// <param name="UsesSlot">
/// Whether it jumps through an address word of its own (in read-only data), rather than holding the address in its code.
/// </param>
public sealed record StubShape(string Kind, int Size, int Alignment, bool UsesSlot)
{
    /// <summary>Whether it is Thumb code.</summary>
    public bool IsThumb { get; init; }

    /// <summary>
    /// The mapping symbols that tell its code from its data, with their offsets (AAELF32, "Mapping symbols"); none on
    /// machines without such symbols.
    /// </summary>
    public IReadOnlyList<(int Offset, string Name)> MappingSymbols { get; init; } = [];
}

/// <summary>All that a machine supplies to the loader: tables, stubs and relaxations; no memory, no ELF file.</summary>
/// <remarks>Implementations are immutable and may be used from any thread.</remarks>
public abstract class Architecture
{
    /// <summary>The name used in link maps and messages, such as <c>x86_64</c>.</summary>
    public abstract string Name { get; }

    /// <summary><c>e_machine</c> of its objects.</summary>
    public abstract ushort Machine { get; }

    /// <summary>Width of an address: 32 or 64.</summary>
    public abstract int AddressBits { get; }

    /// <summary>Every relocation type of the machine's ABI.</summary>
    public abstract RelocationTable Relocations { get; }

    /// <summary>Where thread-local storage lies.</summary>
    public abstract TlsVariant Tls { get; }

    /// <summary>Bytes between the thread pointer and the first TLS block (variant one), before alignment.</summary>
    public virtual int TlsControlBlockSize => 0;

    /// <summary>
    /// The bit of a function's address that says which instruction set its code is in, and is no part of where it lies; 0
    /// where there is one instruction set only.
    /// </summary>
    public virtual ulong ThumbBit => 0;

    /// <summary>The word of a TLS descriptor that holds its resolver: 0 or 1; the other one holds the argument.</summary>
    public virtual int DescriptorResolverWord => 0;

    /// <summary>
    /// The function that places with <see cref="RelocationRule.CallsTlsDescriptor"/> call; null where the machine has no
    /// such relocations.
    /// </summary>
    public virtual StubShape? TlsCall => null;

    /// <summary>Size of an address, in bytes.</summary>
    public int AddressSize => AddressBits / 8;

    /// <summary>The instruction that fills unused code: it must trap.</summary>
    public abstract byte CodePadding { get; }

    /// <summary>
    /// The start of the function that the <c>.init</c> (or <c>.fini</c>) fragments of several objects make together, where
    /// no crti.o supplies it; empty where the machine has none.
    /// </summary>
    public virtual ReadOnlySpan<byte> FragmentPrologue => [];

    /// <summary>The end of that function.</summary>
    public virtual ReadOnlySpan<byte> FragmentEpilogue => [];

    /// <summary>The instruction that fills the space between fragments: it must do nothing.</summary>
    public virtual byte FragmentFiller => 0;

    /// <summary>The stub to put between a place and a target that it cannot reach.</summary>
    public abstract StubShape Stub { get; }

    /// <summary>Writes a stub.</summary>
    /// <param name="shape">One of this architecture's shapes.</param>
    /// <param name="stub">The bytes, <see cref="StubShape.Size"/> of them.</param>
    /// <param name="address">Address of the stub.</param>
    /// <param name="target">Address of the slot it jumps through, where the shape uses one, else of the target.</param>
    /// <returns>False where <paramref name="target"/> is out of its reach.</returns>
    public abstract bool TryWriteStub(StubShape shape, Span<byte> stub, ulong address, ulong target);

    /// <summary>
    /// Gives an undefined weak symbol the address that the ABI has for it at one place; zero for most, which is what
    /// <paramref name="operands"/> hold before.
    /// </summary>
    /// <param name="rule">The rule of the relocation.</param>
    /// <param name="operands">P and A; S, L, T and whether it is a function are set as the ABI says.</param>
    public virtual void BindUndefinedWeak(RelocationRule rule, ref Operands operands)
    {
    }

    /// <summary>
    /// Whether the place is the operand of a jump or call, though its relocation type does not say so (old assemblers
    /// emit R_X86_64_PC32 for calls).
    /// </summary>
    /// <param name="rule">The rule of the relocation.</param>
    /// <param name="section">The section's bytes as the compiler left them.</param>
    /// <param name="offset">Offset of the place in the section; the field lies within it.</param>
    public virtual bool IsBranchPlace(RelocationRule rule, ReadOnlySpan<byte> section, int offset)
    {
        ArgumentNullException.ThrowIfNull(rule);
        return rule.IsBranch;
    }

    /// <summary>
    /// The stub that a branch must go through, because it does not reach its target or cannot enter it in its instruction
    /// set; null if it needs none, or the place is no branch.
    /// </summary>
    /// <param name="rule">The rule of the relocation.</param>
    /// <param name="section">The section's bytes as the compiler left them.</param>
    /// <param name="offset">Offset of the place in the section; the field lies within it.</param>
    /// <param name="operands">S, L, A, P and T.</param>
    public virtual StubShape? StubFor(RelocationRule rule, ReadOnlySpan<byte> section, int offset, in Operands operands) =>
        IsBranchPlace(rule, section, offset) && !rule.Admits(Relocations.Evaluate(rule, operands)) ? Stub : null;

    /// <summary>
    /// Bytes from a branch's place to where the processor counts its distance from: an addend that is the negative of it
    /// means the symbol itself.
    /// </summary>
    /// <param name="rule">The rule of a branch.</param>
    public virtual long BranchOrigin(RelocationRule rule) => 0;

    /// <summary>
    /// Rewrites the instructions at a place to a cheaper form (psABI, "Linker Optimization"), if that is legal and the
    /// new operand fits; else changes nothing. A relaxed relocation must not be applied any more, nor may the records
    /// it has swallowed. Of a rule without <see cref="RelocationRule.MayRelax"/> it is asked only where the value does
    /// not fit: an address that is a number (the 0 of an undefined weak symbol) may become an immediate operand.
    /// </summary>
    /// <remarks>
    /// What is written depends only on the arguments, so a section is relaxed again, for other addresses, by starting
    /// from its original bytes.
    /// </remarks>
    /// <param name="rule">The rule of the relocation.</param>
    /// <param name="section">The section's bytes, in which the place and its neighbours are still as the compiler left them.</param>
    /// <param name="offset">Offset of the place in the section; the field lies within it.</param>
    /// <param name="operands">S, A and P; for thread-local symbols also TP and TLSBLOCK. The slot is not looked at.</param>
    /// <param name="traits">What is known of the symbol.</param>
    /// <param name="following">
    /// The rule of the section's next record, if that may be the call of a TLS sequence: its symbol is
    /// <c>__tls_get_addr</c>, or the same as this record's (TLS descriptors). Null for any other record.
    /// </param>
    /// <param name="followingOffset">Offset of the following record's place.</param>
    public virtual Relaxation TryRelax(
        RelocationRule rule,
        Span<byte> section,
        int offset,
        in Operands operands,
        RelaxationTraits traits,
        RelocationRule? following,
        int followingOffset) => Relaxation.Declined;
}
