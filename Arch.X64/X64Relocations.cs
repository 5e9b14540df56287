using ElfLoader.Relocations;
using static ElfLoader.Relocations.Expression;

namespace ElfLoader.Arch.X64;

/// <summary>The relocation types of x86-64.</summary>
/// <remarks>
/// System V ABI, AMD64 Architecture Processor Supplement, "Relocation Types". A compiler leaves a hole in its code or
/// data wherever it needs an address, and a record that says how to fill it: take the symbol's address S, add the
/// record's addend A, for a distance subtract the address of the hole P, and store the result in 1, 2, 4 or 8 bytes.
/// The code model decides which types occur: small code reaches everything by 32-bit distances (PC32, PLT32), position
/// independent code reaches data that may be anywhere through a table of addresses, the GOT (GOTPCREL and its kin, G
/// being the slot's offset in the table), and large code stores 64 bits everywhere. Thread-local symbols are found by
/// their offset in a module's TLS block or from the thread pointer, which also may lie in the GOT. x86-64 uses RELA
/// records only: the bytes at the place never take part.
/// </remarks>
public static class X64Relocations
{
    /// <summary>Nothing: keeps the symbol's section alive.</summary>
    public const uint R_X86_64_NONE = 0;
    /// <summary>Address in a doubleword.</summary>
    public const uint R_X86_64_64 = 1;
    /// <summary>Distance in a word; in old objects also the operand of a call.</summary>
    public const uint R_X86_64_PC32 = 2;
    /// <summary>Offset of the symbol's slot from the GOT.</summary>
    public const uint R_X86_64_GOT32 = 3;
    /// <summary>Distance to what a call of the symbol jumps to.</summary>
    public const uint R_X86_64_PLT32 = 4;
    /// <summary>Copy of a shared object's variable (dynamic).</summary>
    public const uint R_X86_64_COPY = 5;
    /// <summary>Address in a GOT slot (dynamic).</summary>
    public const uint R_X86_64_GLOB_DAT = 6;
    /// <summary>Address in a PLT's slot (dynamic).</summary>
    public const uint R_X86_64_JUMP_SLOT = 7;
    /// <summary>Address of something in the same module (dynamic).</summary>
    public const uint R_X86_64_RELATIVE = 8;
    /// <summary>Distance to the symbol's GOT slot; never relaxed.</summary>
    public const uint R_X86_64_GOTPCREL = 9;
    /// <summary>Address in a word, to be zero-extended.</summary>
    public const uint R_X86_64_32 = 10;
    /// <summary>Address in a word, to be sign-extended.</summary>
    public const uint R_X86_64_32S = 11;
    /// <summary>Address in a halfword.</summary>
    public const uint R_X86_64_16 = 12;
    /// <summary>Distance in a halfword.</summary>
    public const uint R_X86_64_PC16 = 13;
    /// <summary>Address in a byte.</summary>
    public const uint R_X86_64_8 = 14;
    /// <summary>Distance in a byte.</summary>
    public const uint R_X86_64_PC8 = 15;
    /// <summary>Number of the TLS module (dynamic).</summary>
    public const uint R_X86_64_DTPMOD64 = 16;
    /// <summary>Offset in the module's TLS block, in a doubleword.</summary>
    public const uint R_X86_64_DTPOFF64 = 17;
    /// <summary>Offset from the thread pointer, in a doubleword (local exec).</summary>
    public const uint R_X86_64_TPOFF64 = 18;
    /// <summary>Distance to a TLS index of the symbol (general dynamic).</summary>
    public const uint R_X86_64_TLSGD = 19;
    /// <summary>Distance to a TLS index of the module (local dynamic).</summary>
    public const uint R_X86_64_TLSLD = 20;
    /// <summary>Offset in the module's TLS block, in a word.</summary>
    public const uint R_X86_64_DTPOFF32 = 21;
    /// <summary>Distance to a slot with the offset from the thread pointer (initial exec).</summary>
    public const uint R_X86_64_GOTTPOFF = 22;
    /// <summary>Offset from the thread pointer, in a word (local exec).</summary>
    public const uint R_X86_64_TPOFF32 = 23;
    /// <summary>Distance in a doubleword.</summary>
    public const uint R_X86_64_PC64 = 24;
    /// <summary>Distance of the symbol from the GOT.</summary>
    public const uint R_X86_64_GOTOFF64 = 25;
    /// <summary>Distance to the GOT, in a word.</summary>
    public const uint R_X86_64_GOTPC32 = 26;
    /// <summary>Offset of the symbol's slot from the GOT, in a doubleword.</summary>
    public const uint R_X86_64_GOT64 = 27;
    /// <summary>Distance to the symbol's GOT slot, in a doubleword.</summary>
    public const uint R_X86_64_GOTPCREL64 = 28;
    /// <summary>Distance to the GOT, in a doubleword.</summary>
    public const uint R_X86_64_GOTPC64 = 29;
    /// <summary>Deprecated twin of <see cref="R_X86_64_GOT64"/>.</summary>
    public const uint R_X86_64_GOTPLT64 = 30;
    /// <summary>Distance from the GOT to what a call of the symbol jumps to.</summary>
    public const uint R_X86_64_PLTOFF64 = 31;
    /// <summary>Size of the symbol, in a word.</summary>
    public const uint R_X86_64_SIZE32 = 32;
    /// <summary>Size of the symbol, in a doubleword.</summary>
    public const uint R_X86_64_SIZE64 = 33;
    /// <summary>Distance to a TLS descriptor of the symbol.</summary>
    public const uint R_X86_64_GOTPC32_TLSDESC = 34;
    /// <summary>Marks the call through a TLS descriptor.</summary>
    public const uint R_X86_64_TLSDESC_CALL = 35;
    /// <summary>TLS descriptor (dynamic).</summary>
    public const uint R_X86_64_TLSDESC = 36;
    /// <summary>Address that a resolver returns (dynamic).</summary>
    public const uint R_X86_64_IRELATIVE = 37;
    /// <summary><see cref="R_X86_64_RELATIVE"/> of x32 (dynamic).</summary>
    public const uint R_X86_64_RELATIVE64 = 38;
    /// <summary>Obsolete: <see cref="R_X86_64_PC32"/> after a bnd prefix (MPX).</summary>
    public const uint R_X86_64_PC32_BND = 39;
    /// <summary>Obsolete: <see cref="R_X86_64_PLT32"/> after a bnd prefix (MPX).</summary>
    public const uint R_X86_64_PLT32_BND = 40;
    /// <summary>Distance to the symbol's GOT slot in an instruction without REX prefix that may be relaxed.</summary>
    public const uint R_X86_64_GOTPCRELX = 41;
    /// <summary>Distance to the symbol's GOT slot in an instruction with a REX prefix that may be relaxed.</summary>
    public const uint R_X86_64_REX_GOTPCRELX = 42;
    /// <summary><see cref="R_X86_64_GOTPCREL"/> in an APX instruction whose field is its byte 4.</summary>
    public const uint R_X86_64_CODE_4_GOTPCRELX = 43;
    /// <summary><see cref="R_X86_64_GOTTPOFF"/> in an APX instruction whose field is its byte 4.</summary>
    public const uint R_X86_64_CODE_4_GOTTPOFF = 44;
    /// <summary><see cref="R_X86_64_GOTPC32_TLSDESC"/> in an APX instruction whose field is its byte 4.</summary>
    public const uint R_X86_64_CODE_4_GOTPC32_TLSDESC = 45;
    /// <summary><see cref="R_X86_64_GOTPCREL"/> in an APX instruction whose field is its byte 5.</summary>
    public const uint R_X86_64_CODE_5_GOTPCRELX = 46;
    /// <summary><see cref="R_X86_64_GOTTPOFF"/> in an APX instruction whose field is its byte 5.</summary>
    public const uint R_X86_64_CODE_5_GOTTPOFF = 47;
    /// <summary><see cref="R_X86_64_GOTPC32_TLSDESC"/> in an APX instruction whose field is its byte 5.</summary>
    public const uint R_X86_64_CODE_5_GOTPC32_TLSDESC = 48;
    /// <summary><see cref="R_X86_64_GOTPCREL"/> in an APX instruction whose field is its byte 6.</summary>
    public const uint R_X86_64_CODE_6_GOTPCRELX = 49;
    /// <summary><see cref="R_X86_64_GOTTPOFF"/> in an APX instruction whose field is its byte 6.</summary>
    public const uint R_X86_64_CODE_6_GOTTPOFF = 50;
    /// <summary><see cref="R_X86_64_GOTPC32_TLSDESC"/> in an APX instruction whose field is its byte 6.</summary>
    public const uint R_X86_64_CODE_6_GOTPC32_TLSDESC = 51;
    /// <summary>GNU's note of a virtual table's parent.</summary>
    public const uint R_X86_64_GNU_VTINHERIT = 250;
    /// <summary>GNU's note of a virtual table's use.</summary>
    public const uint R_X86_64_GNU_VTENTRY = 251;

    // The psABI's names of the fields.
    private static readonly Field Nothing = Field.None;
    private static readonly Field Word8 = BitField.Byte;
    private static readonly Field Word16 = BitField.Half;
    private static readonly Field Word32 = BitField.Word;
    private static readonly Field Word64 = BitField.Xword;

    /// <summary>Every type of the psABI, and GNU's two notes; one row per type, in the psABI's columns.</summary>
    /// <remarks>
    /// The psABI leaves overflow of 8 and 16 bits open ("these relocations are not conformant to this ABI"); as in
    /// other linkers they take what fits either as a signed or as an unsigned number. Dynamic types have a row so that
    /// an object that contains one can be told so by name.
    /// </remarks>
    public static RelocationTable Table { get; } = new(
        addressBits: 64,
#pragma warning disable format // columns
        //  type                             calculation       field    overflow           slot
        new(R_X86_64_NONE,                   None,             Nothing) { Use = RelocationUse.Marker },
        new(R_X86_64_64,                     S + A,            Word64),
        new(R_X86_64_PC32,                   S + A - P,        Word32,  Overflow.Signed),
        new(R_X86_64_GOT32,                  G + A,            Word32,  Overflow.Signed,   GotSlot.Address),
        new(R_X86_64_PLT32,                  L + A - P,        Word32,  Overflow.Signed),
        new(R_X86_64_COPY,                   None,             Nothing) { Use = RelocationUse.Dynamic },
        new(R_X86_64_GLOB_DAT,               S,                Word64) { Use = RelocationUse.Dynamic },
        new(R_X86_64_JUMP_SLOT,              S,                Word64) { Use = RelocationUse.Dynamic },
        new(R_X86_64_RELATIVE,               B + A,            Word64) { Use = RelocationUse.Dynamic },
        new(R_X86_64_GOTPCREL,               G + GOT + A - P,  Word32,  Overflow.Signed,   GotSlot.Address),
        new(R_X86_64_32,                     S + A,            Word32,  Overflow.Unsigned),
        new(R_X86_64_32S,                    S + A,            Word32,  Overflow.Signed),
        new(R_X86_64_16,                     S + A,            Word16,  Overflow.Either),
        new(R_X86_64_PC16,                   S + A - P,        Word16,  Overflow.Signed),
        new(R_X86_64_8,                      S + A,            Word8,   Overflow.Either),
        new(R_X86_64_PC8,                    S + A - P,        Word8,   Overflow.Signed),
        new(R_X86_64_DTPMOD64,               None,             Word64) { Use = RelocationUse.Dynamic },
        new(R_X86_64_DTPOFF64,               S + A - TLSBLOCK, Word64),
        new(R_X86_64_TPOFF64,                S + A - TP,       Word64),
        new(R_X86_64_TLSGD,                  G + GOT + A - P,  Word32,  Overflow.Signed,   GotSlot.TlsIndex) { MayRelax = true },
        new(R_X86_64_TLSLD,                  G + GOT + A - P,  Word32,  Overflow.Signed,   GotSlot.TlsModule) { MayRelax = true },
        new(R_X86_64_DTPOFF32,               S + A - TLSBLOCK, Word32,  Overflow.Signed),
        new(R_X86_64_GOTTPOFF,               G + GOT + A - P,  Word32,  Overflow.Signed,   GotSlot.TpOffset) { MayRelax = true },
        new(R_X86_64_TPOFF32,                S + A - TP,       Word32,  Overflow.Signed),
        new(R_X86_64_PC64,                   S + A - P,        Word64),
        new(R_X86_64_GOTOFF64,               S + A - GOT,      Word64),
        new(R_X86_64_GOTPC32,                GOT + A - P,      Word32,  Overflow.Signed),
        new(R_X86_64_GOT64,                  G + A,            Word64,  Overflow.Wraps,    GotSlot.Address),
        new(R_X86_64_GOTPCREL64,             G + GOT + A - P,  Word64,  Overflow.Wraps,    GotSlot.Address),
        new(R_X86_64_GOTPC64,                GOT + A - P,      Word64),
        new(R_X86_64_GOTPLT64,               G + A,            Word64,  Overflow.Wraps,    GotSlot.Address),
        new(R_X86_64_PLTOFF64,               L + A - GOT,      Word64),
        new(R_X86_64_SIZE32,                 Z + A,            Word32,  Overflow.Unsigned),
        new(R_X86_64_SIZE64,                 Z + A,            Word64),
        new(R_X86_64_GOTPC32_TLSDESC,        G + GOT + A - P,  Word32,  Overflow.Signed,   GotSlot.TlsDescriptor) { MayRelax = true },
        new(R_X86_64_TLSDESC_CALL,           None,             Nothing) { Use = RelocationUse.Marker },
        new(R_X86_64_TLSDESC,                None,             Nothing) { Use = RelocationUse.Dynamic },
        new(R_X86_64_IRELATIVE,              B + A,            Word64) { Use = RelocationUse.Dynamic },
        new(R_X86_64_RELATIVE64,             B + A,            Word64) { Use = RelocationUse.Dynamic },
        new(R_X86_64_PC32_BND,               S + A - P,        Word32,  Overflow.Signed),
        new(R_X86_64_PLT32_BND,              L + A - P,        Word32,  Overflow.Signed),
        new(R_X86_64_GOTPCRELX,              G + GOT + A - P,  Word32,  Overflow.Signed,   GotSlot.Address) { MayRelax = true },
        new(R_X86_64_REX_GOTPCRELX,          G + GOT + A - P,  Word32,  Overflow.Signed,   GotSlot.Address) { MayRelax = true },
        new(R_X86_64_CODE_4_GOTPCRELX,       G + GOT + A - P,  Word32,  Overflow.Signed,   GotSlot.Address) { MayRelax = true },
        new(R_X86_64_CODE_4_GOTTPOFF,        G + GOT + A - P,  Word32,  Overflow.Signed,   GotSlot.TpOffset) { MayRelax = true },
        new(R_X86_64_CODE_4_GOTPC32_TLSDESC, G + GOT + A - P,  Word32,  Overflow.Signed,   GotSlot.TlsDescriptor),
        new(R_X86_64_CODE_5_GOTPCRELX,       G + GOT + A - P,  Word32,  Overflow.Signed,   GotSlot.Address),
        new(R_X86_64_CODE_5_GOTTPOFF,        G + GOT + A - P,  Word32,  Overflow.Signed,   GotSlot.TpOffset),
        new(R_X86_64_CODE_5_GOTPC32_TLSDESC, G + GOT + A - P,  Word32,  Overflow.Signed,   GotSlot.TlsDescriptor),
        new(R_X86_64_CODE_6_GOTPCRELX,       G + GOT + A - P,  Word32,  Overflow.Signed,   GotSlot.Address),
        new(R_X86_64_CODE_6_GOTTPOFF,        G + GOT + A - P,  Word32,  Overflow.Signed,   GotSlot.TpOffset),
        new(R_X86_64_CODE_6_GOTPC32_TLSDESC, G + GOT + A - P,  Word32,  Overflow.Signed,   GotSlot.TlsDescriptor),
        new(R_X86_64_GNU_VTINHERIT,          None,             Nothing) { Use = RelocationUse.Marker },
        new(R_X86_64_GNU_VTENTRY,            None,             Nothing) { Use = RelocationUse.Marker });
#pragma warning restore format
}
