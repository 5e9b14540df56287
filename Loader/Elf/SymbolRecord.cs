namespace ElfLoader.Elf;

/// <summary>A symbol, widened to 64 bits (gABI chapter 4, "Symbol Table").</summary>
/// <param name="NameOffset">Offset of the name in the symbols' string table, in bytes.</param>
/// <param name="Info">st_info: binding and type.</param>
/// <param name="Other">st_other: visibility, and bits of the processor's ABI.</param>
/// <param name="Place">Where the symbol is defined.</param>
/// <param name="Section">Index of its section where <paramref name="Place"/> is
/// <see cref="SymbolPlace.Section"/>, else 0; indices too large for st_shndx are resolved.</param>
/// <param name="Value">Offset in the section in bytes, absolute value, or alignment of a common symbol.</param>
/// <param name="Size">Bytes; 0 where unknown.</param>
public readonly record struct SymbolRecord(
    uint NameOffset, byte Info, byte Other, SymbolPlace Place, int Section, ulong Value, ulong Size)
{
    /// <summary>Who sees the symbol.</summary>
    public SymbolBinding Binding => (SymbolBinding)(Info >> 4);

    /// <summary>What the symbol stands for.</summary>
    public SymbolType Type => (SymbolType)(Info & 0xf);

    /// <summary>How a component's other symbols and other components see it.</summary>
    public SymbolVisibility Visibility => (SymbolVisibility)(Other & 3);

    /// <summary>Whether the symbol has a definition here; a common symbol has.</summary>
    public bool IsDefined => Place is not SymbolPlace.Undefined;

    /// <summary>Whether the symbol asks for zeroed room that the linker shares out.</summary>
    public bool IsCommon => Place is SymbolPlace.Common or SymbolPlace.LargeCommon;
}

/// <summary>Where a symbol is defined.</summary>
public enum SymbolPlace : byte
{
    /// <summary>Not in this object.</summary>
    Undefined,

    /// <summary>At an offset in a section.</summary>
    Section,

    /// <summary>The value is final.</summary>
    Absolute,

    /// <summary>Wherever the linker puts zeroed bytes; the value is the alignment.</summary>
    Common,

    /// <summary>As common, in the large data sections (x86-64 psABI).</summary>
    LargeCommon,
}

/// <summary>STB_…: who sees a symbol.</summary>
public enum SymbolBinding : byte
{
    /// <summary>Its object only.</summary>
    Local = ElfConstants.STB_LOCAL,

    /// <summary>All objects.</summary>
    Global = ElfConstants.STB_GLOBAL,

    /// <summary>All objects; it gives way to a global definition.</summary>
    Weak = ElfConstants.STB_WEAK,

    /// <summary>All objects; one definition in the whole process.</summary>
    GnuUnique = ElfConstants.STB_GNU_UNIQUE,
}

/// <summary>STT_…: what a symbol stands for.</summary>
public enum SymbolType : byte
{
    /// <summary>Unspecified.</summary>
    NoType = ElfConstants.STT_NOTYPE,

    /// <summary>Data.</summary>
    Object = ElfConstants.STT_OBJECT,

    /// <summary>Code.</summary>
    Function = ElfConstants.STT_FUNC,

    /// <summary>A section.</summary>
    Section = ElfConstants.STT_SECTION,

    /// <summary>Name of a source file.</summary>
    File = ElfConstants.STT_FILE,

    /// <summary>Common data.</summary>
    Common = ElfConstants.STT_COMMON,

    /// <summary>Thread-local data.</summary>
    Tls = ElfConstants.STT_TLS,

    /// <summary>A function that returns the address.</summary>
    GnuIfunc = ElfConstants.STT_GNU_IFUNC,
}

/// <summary>STV_…: how a symbol is seen from outside of its component.</summary>
public enum SymbolVisibility : byte
{
    /// <summary>As the binding says.</summary>
    Default = ElfConstants.STV_DEFAULT,

    /// <summary>As hidden, and further restricted by the processor's ABI.</summary>
    Internal = ElfConstants.STV_INTERNAL,

    /// <summary>Not at all.</summary>
    Hidden = ElfConstants.STV_HIDDEN,

    /// <summary>Seen, but the component itself uses its own definition.</summary>
    Protected = ElfConstants.STV_PROTECTED,
}

/// <summary>A symbol as the file has it, its fields widened.</summary>
internal readonly record struct RawSymbol(
    uint Name, byte Info, byte Other, ushort Section, ulong Value, ulong Size);
