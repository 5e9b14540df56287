namespace ElfLoader.Inspection.Operands;

/// <summary>
/// The encodings of A32 (Arm Architecture Reference Manual, "A32 instruction set encoding"), the special before the
/// general, and the operands that LLVM gives each.
/// </summary>
internal static class A32Forms
{
    /// <summary>Instructions with a condition.</summary>
    internal static readonly OperandForm[] Conditional =
    [
#pragma warning disable format // columns
        // Multiplications, and loads and stores that synchronise
        new("cccc 0000 000S dddd 0000 mmmm 1001 nnnn", "r r r p s"),
        new("cccc 0000 001S dddd aaaa mmmm 1001 nnnn", "r r r r p s"),
        new("cccc 0000 0100 hhhh llll mmmm 1001 nnnn", "r r r r r r p"),
        new("cccc 0000 0110 dddd aaaa mmmm 1001 nnnn", "r r r r p"),
        new("cccc 0000 1x0S hhhh llll mmmm 1001 nnnn", "r r r r p s"),
        new("cccc 0000 1x1S hhhh llll mmmm 1001 nnnn", "r r r r r r p s"),
        new("cccc 0001 0x00 nnnn tttt 0000 1001 mmmm", "r r r p"),
        new("cccc 0001 1xx0 nnnn 1111 110x 1001 tttt", "r r p"),
        new("cccc 0001 1xx0 nnnn dddd 11xx 1001 tttt", "r r r p"),
        new("cccc 0001 1xx1 nnnn tttt 11xx 1001 1111", "r r p"),
        // Loads and stores of halfwords, signed bytes and doublewords
        new("cccc 0000 x111 nnnn tttt hhhh 1xx1 llll", "r r r t8 p"),
        new("cccc 0000 x110 nnnn tttt hhhh 1011 llll", "r r r t8 p"),
        new("cccc 0000 x011 nnnn tttt xxxx 1xx1 mmmm", "r r r r up p"),
        new("cccc 0000 x010 nnnn tttt xxxx 1011 mmmm", "r r r r up p"),
        new("cccc 0001 xxx0 nnnn tttt xxxx 1101 mmmm", "rw r r r r a3 p"),
        new("cccc 0001 xxx0 nnnn tttt xxxx 1111 mmmm", "rw r r r r a3 p"),
        new("cccc 0001 xxxx nnnn tttt xxxx 1xx1 mmmm", "rw r r r a3 p"),
        new("cccc 0000 xxx0 nnnn tttt xxxx 1101 mmmm", "r r r r r a3 p"),
        new("cccc 0000 xxx0 nnnn tttt xxxx 1111 mmmm", "r r r r r a3 p"),
        new("cccc 0000 xxxx nnnn tttt xxxx 1xx1 mmmm", "r r r r a3 p"),
        // Miscellaneous
        new("cccc 0001 0x10 mmmm 1111 xx0x 0000 nnnn", "msr r p"),
        new("cccc 0001 0x00 xxxx dddd xx1x 0000 0000", "r banked p"),
        new("cccc 0001 0x10 xxxx 1111 xx1x 0000 nnnn", "banked r p"),
        new("cccc 0001 0x00 1111 dddd 0000 0000 0000", "r p"),
        new("1110 0001 0010 1111 1111 1111 0001 1110", "p"),
        new("1110 0001 0010 1111 1111 1111 0001 mmmm", "r"),
        new("cccc 0001 0010 1111 1111 1111 0001 1110", "p"),
        new("cccc 0001 0010 1111 1111 1111 0001 mmmm", "r p"),
        new("1110 0001 0010 1111 1111 1111 0011 mmmm", "r"),
        new("cccc 0001 0010 1111 1111 1111 0011 mmmm", "r p"),
        new("cccc 0001 0010 1111 1111 1111 0010 mmmm", "r p"),
        new("cccc 0001 0110 1111 dddd 1111 0001 mmmm", "r r p"),
        new("cccc 0001 0xx0 nnnn dddd 0000 0101 mmmm", "r r r p"),
        new("cccc 0001 0xx0 nnnn dddd 00x0 0100 mmmm", "r r r"),
        new("cccc 0001 0xx0 nnnn dddd 0000 0100 mmmm", "r r r"),
        new("cccc 0001 0110 0000 0000 0000 0110 1110", "p"),
        new("cccc 0001 0000 iiii iiii iiii 0111 iiii", "i12:4"),
        new("cccc 0001 0010 iiii iiii iiii 0111 iiii", "i12:4"),
        new("cccc 0001 0100 iiii iiii iiii 0111 iiii", "i12:4"),
        new("cccc 0001 0110 0000 0000 0000 0111 iiii", "i4 p"),
        new("cccc 0001 0000 dddd aaaa mmmm 1xx0 nnnn", "r r r r p"),
        new("cccc 0001 0010 dddd aaaa mmmm 1x00 nnnn", "r r r r p"),
        new("cccc 0001 0010 dddd xxxx mmmm 1x10 nnnn", "r r r p"),
        new("cccc 0001 0100 hhhh llll mmmm 1xx0 nnnn", "r r r r r r p"),
        new("cccc 0001 0110 dddd xxxx mmmm 1xx0 nnnn", "r r r p"),
        // Data processing
        new("cccc 0001 0xx1 nnnn dddd ssss 0tt1 mmmm", "r r r st p"),
        new("cccc 0001 0xx1 nnnn dddd 0000 0000 mmmm", "r r p"),
        new("cccc 0001 0xx1 nnnn dddd iiii itt0 mmmm", "r r sh p"),
        new("cccc 0001 1x1S nnnn dddd ssss 0tt1 mmmm", "r r r st p s"),
        new("cccc 0001 1x1S nnnn dddd 0000 0000 mmmm", "r r p s"),
        new("cccc 0001 1x1S nnnn dddd iiii itt0 mmmm", "r r sh p s"),
        new("cccc 000x xxxS nnnn dddd ssss 0tt1 mmmm", "r r r r st p s"),
        new("cccc 000x xxxS nnnn dddd 0000 0000 mmmm", "r r r p s"),
        new("cccc 000x xxxS nnnn dddd iiii itt0 mmmm", "r r r sh p s"),
        new("cccc 0011 0000 iiii dddd iiii iiii iiii", "r i4:12 p"),
        new("cccc 0011 0100 iiii dddd iiii iiii iiii", "r r i4:12 p"),
        new("cccc 0011 0010 0000 1111 0000 iiii iiii", "i8 p"),
        new("cccc 0011 0x10 mmmm 1111 iiii iiii iiii", "msr i12 p"),
        new("cccc 0011 0xx1 nnnn 0000 iiii iiii iiii", "r i12 p"),
        new("cccc 0011 0xx1 nnnn dddd iiii iiii iiii", "r i12 p"),
        new("cccc 0011 1x1S nnnn dddd iiii iiii iiii", "r i12 p s"),
        new("cccc 001x xxxS nnnn dddd iiii iiii iiii", "r r i12 p s"),
        // Media
        new("cccc 0110 0xxx nnnn dddd 1111 xxx1 mmmm", "r r r p"),
        new("cccc 0110 1000 nnnn dddd 1111 1011 mmmm", "r r r p"),
        new("cccc 0110 1000 nnnn dddd iiii i101 mmmm", "r r r i11-7z p"),
        new("cccc 0110 1000 nnnn dddd iiii i001 mmmm", "r r r i11-7 p"),
        new("cccc 0110 1x10 iiii dddd 1111 0011 nnnn", "r i19-16 r p"),
        new("cccc 0110 1x1i iiii dddd iiii ix01 nnnn", "r i20-16 r sat p"),
        new("cccc 0110 1xxx 1111 dddd tt00 0111 mmmm", "r r i11-10 p"),
        new("cccc 0110 1xxx nnnn dddd tt00 0111 mmmm", "r r r i11-10 p"),
        new("cccc 0110 1x11 1111 dddd 1111 x011 mmmm", "r r p"),
        new("cccc 0111 0x00 dddd 1111 mmmm xxx1 nnnn", "r r r p"),
        new("cccc 0111 0000 dddd aaaa mmmm xxx1 nnnn", "r r r r p"),
        new("cccc 0111 0100 hhhh llll mmmm xxx1 nnnn", "r r r r r r p"),
        new("cccc 0111 0001 dddd 1111 mmmm 0001 nnnn", "r r r p"),
        new("cccc 0111 0011 dddd 1111 mmmm 0001 nnnn", "r r r p"),
        new("cccc 0111 0101 dddd 1111 mmmm 00x1 nnnn", "r r r p"),
        new("cccc 0111 0101 dddd aaaa mmmm xxx1 nnnn", "r r r r p"),
        new("cccc 0111 1000 dddd 1111 mmmm 0001 nnnn", "r r r p"),
        new("cccc 0111 1000 dddd aaaa mmmm 0001 nnnn", "r r r r p"),
        new("cccc 0111 1x1w wwww dddd llll l101 nnnn", "r r i11-7 i20-16 p"),
        new("cccc 0111 110m mmmm dddd llll l001 1111", "r r field p"),
        new("cccc 0111 110m mmmm dddd llll l001 nnnn", "r r r field p"),
        new("1110 0111 1111 iiii iiii iiii 1111 iiii", "i12:4"),
        // Loads and stores of words and bytes: from an immediate offset, or a register's, before or after
        new("cccc 0101 xx00 nnnn tttt iiii iiii iiii", "r r s12 p"),
        new("cccc 0101 xx01 nnnn tttt iiii iiii iiii", "r r s12 p"),
        new("cccc 0101 xx1x nnnn tttt iiii iiii iiii", "r r r s12 p"),
        new("cccc 0100 xxxx nnnn tttt iiii iiii iiii", "r r r r a2i p"),
        new("cccc 0111 xx0x nnnn tttt iiii itt0 mmmm", "r r r a2r p"),
        new("cccc 0111 xx1x nnnn tttt iiii itt0 mmmm", "r r r r a2r p"),
        new("cccc 0110 xxxx nnnn tttt iiii itt0 mmmm", "r r r r a2rp p"),
        new("cccc 100x xx0x nnnn rrrr rrrr rrrr rrrr", "r p list"),
        new("cccc 100x xx1x nnnn rrrr rrrr rrrr rrrr", "r r p list"),
        // Branches
        new("cccc 1010 iiii iiii iiii iiii iiii iiii", "b24 p"),
        new("1110 1011 iiii iiii iiii iiii iiii iiii", "b24"),
        new("cccc 1011 iiii iiii iiii iiii iiii iiii", "b24 p"),
        new("cccc 1111 iiii iiii iiii iiii iiii iiii", "i24 p"),
#pragma warning restore format
    ];

    /// <summary>Instructions without a condition.</summary>
    internal static readonly OperandForm[] Unconditional =
    [
#pragma warning disable format // columns
        new("1111 101h iiii iiii iiii iiii iiii iiii", "b24h"),
        new("1111 010x xx01 nnnn 1111 iiii iiii iiii", "r s12"),
        new("1111 0101 0111 1111 1111 0000 0001 1111", ""),
        new("1111 0101 0111 1111 1111 0000 01xx iiii", "i4"),
        new("1111 011x xx01 nnnn 1111 iiii itt0 mmmm", "r r a2r"),
        new("1111 100x x0x1 nnnn xxxx xxxx xxxx xxxx", "mode r"),
        new("1111 100x x1x0 xxxx xxxx xxxx xxxi iiii", "i5"),
        new("1111 0001 0000 xxx1 xxxx xxix xxxx xxxx", "i9-9"),
        new("1111 0001 0000 001x xxxx xxxx xxxi iiii", "i5"),
        new("1111 0001 0000 xx1x xxxx xxxx xxxi iiii", "i19-18 i8-6 i5"),
        new("1111 0001 0000 xx0x xxxx xxxx xxxi iiii", "i19-18 i8-6"),
#pragma warning restore format
    ];
}
