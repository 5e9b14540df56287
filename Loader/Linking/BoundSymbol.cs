namespace ElfLoader.Linking;

/// <summary>What the relocation passes must know of a symbol beside its value.</summary>
[Flags]
internal enum SymbolTraits : ushort
{
    /// <summary>Nothing is known yet, or the null symbol.</summary>
    None = 0,

    /// <summary>Defined in the unit that is being linked.</summary>
    Internal = 1,

    /// <summary>Defined elsewhere: by another unit, the host, the caller.</summary>
    External = 2,

    /// <summary>Its value is a number, not an address.</summary>
    Absolute = 4,

    /// <summary>Weak and without a definition: its value is zero.</summary>
    UndefinedWeak = 8,

    /// <summary>Has no definition, and needs one.</summary>
    Missing = 16,

    /// <summary>Lies in a section that was not loaded, because another object's copy of the group prevails.</summary>
    Discarded = 32,

    /// <summary>Thread-local.</summary>
    Tls = 64,

    /// <summary>Its address is what a resolver function returns (STT_GNU_IFUNC); its value is its stub.</summary>
    Ifunc = 128,

    /// <summary>Known to be code, so that a stub may stand for it.</summary>
    Function = 256,

    /// <summary>Known to be data, or of unknown kind: a stub must never stand for it.</summary>
    Data = 512,

    /// <summary>The object's own global offset table (<c>_GLOBAL_OFFSET_TABLE_</c>).</summary>
    GotBase = 1024,

    /// <summary>A function in Thumb code: bit 0 of its address is set where it is called or stored (AAELF32).</summary>
    Thumb = 2048,

    /// <summary>Defined in the unit, but seen at an entry that was there before and may be out of reach.</summary>
    Redirected = 4096,
}

/// <summary>A symbol of one object, as its relocations see it.</summary>
internal struct BoundSymbol
{
    /// <summary>S: the address, or for a thread-local symbol its address in terms of the TLS template.</summary>
    internal ulong Value;

    /// <summary>Index into <see cref="LinkSymbols"/>, or -1 for a local symbol.</summary>
    internal int Global;

    /// <summary>What kind of symbol it is.</summary>
    internal SymbolTraits Traits;

    /// <summary>Whether any of the traits is present.</summary>
    internal readonly bool Is(SymbolTraits traits) => (Traits & traits) != 0;
}
