namespace ElfLoader.Relocations;

/// <summary>The letters of a psABI relocation formula, bound to one place.</summary>
/// <remarks>
/// Only the letters that the rule's <see cref="Expression"/> names are read. A mutable structure, so that the
/// relocation loop fills one in place rather than building one for each relocation.
/// </remarks>
public record struct Operands
{
    /// <summary>
    /// Address of the symbol, Thumb bit removed; for a thread-local symbol its address in the TLS template.
    /// </summary>
    public ulong S { get; set; }

    /// <summary>Addend, from the RELA record or, for REL, from the bytes as the compiler left them.</summary>
    public long A { get; set; }

    /// <summary>Address of the place as running code sees it, not where this process writes it.</summary>
    public ulong P { get; set; }

    /// <summary>1 when the symbol is a Thumb function, else 0 (AAELF32).</summary>
    public ulong T { get; set; }

    /// <summary>
    /// Whether the symbol is a function, so that T says which instruction set it is in; of other symbols T says nothing,
    /// and a branch to them stays in the instruction set it is written for (AAELF32).
    /// </summary>
    public bool IsFunction { get; set; }

    /// <summary>Offset of the symbol's slot from <see cref="Got"/>, in bytes.</summary>
    public ulong G { get; set; }

    /// <summary>Address of the GOT.</summary>
    public ulong Got { get; set; }

    /// <summary>Address that a call of the symbol jumps to: S itself, or the symbol's stub.</summary>
    public ulong L { get; set; }

    /// <summary>Size of the symbol (<c>st_size</c>), in bytes.</summary>
    public ulong Z { get; set; }

    /// <summary>Static base B(S) of the segment that defines the symbol (AAELF32).</summary>
    public ulong B { get; set; }

    /// <summary>Address that the thread pointer has in terms of the TLS template.</summary>
    public ulong Tp { get; set; }

    /// <summary>Address of the start of the TLS template.</summary>
    public ulong TlsBlock { get; set; }
}
