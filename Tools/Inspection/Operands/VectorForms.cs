namespace ElfLoader.Inspection.Operands;

/// <summary>
/// The encodings of floating-point, vector and coprocessor instructions as A32 has them, and the operands that LLVM gives
/// each. Those of T32 differ in their highest bits only.
/// </summary>
internal static class VectorForms
{
    /// <summary>Floating point and coprocessors, with a condition; in T32, the bits of the condition are 1110.</summary>
    internal static readonly OperandForm[] Floating =
    [
#pragma warning disable format // columns
        new("cccc 1100 010x uuuu tttt 1010 00m1 mmmm", "r r r r p"),
        new("cccc 1100 010x uuuu tttt 1011 00m1 mmmm", "r r r p"),
        new("cccc 1101 xx0x nnnn dddd 10xx iiii iiii", "r r a5 p"),
        new("cccc 110x xx1x nnnn dddd 101x iiii iiii", "r r p vlist"),
        new("cccc 110x xx0x nnnn dddd 101x iiii iiii", "r p vlist"),
        new("cccc 1110 0x0x nnnn dddd 10xx xxx0 mmmm", "r r r r p"),
        new("cccc 1110 0x1x nnnn dddd 10xx xxx0 mmmm", "r r r p"),
        new("cccc 1110 1x00 nnnn dddd 10xx x0x0 mmmm", "r r r p"),
        new("cccc 1110 1x01 nnnn dddd 10xx xxx0 mmmm", "r r r r p"),
        new("cccc 1110 1x10 nnnn dddd 10xx xxx0 mmmm", "r r r r p"),
        new("cccc 1110 1x11 iiii dddd 10xx x0x0 iiii", "r i4:4 p"),
        new("cccc 1110 1x11 0011 dddd 1010 x1x0 mmmm", "r r r p"),
        new("cccc 1110 1x11 0011 dddd 1011 x1x0 mmmm", "r r r p"),
        new("cccc 1110 1x11 0101 dddd 10xx x1x0 0000", "r p"),
        new("cccc 1110 1x11 1x1x dddd 10xx x1x0 iiii", "r r fraction p"),
        new("cccc 1110 1x11 xxxx dddd 10xx x1x0 mmmm", "r r p"),
        new("cccc 1110 1111 0001 1111 1010 xxx1 xxxx", "p"),
        new("cccc 1110 111x xxxx tttt 1010 xxx1 xxxx", "r p"),
        new("cccc 1110 000x nnnn tttt 1010 xxx1 xxxx", "r r p"),
        new("cccc 1110 000x nnnn tttt 1001 xxx1 xxxx", "r r p"),
        // LLVM's decoder adds the condition of these twice
        new("cccc 1110 1xx0 nnnn tttt 1011 x0x1 xxxx", "r r p al"),
        new("cccc 1110 0xx0 nnnn tttt 1011 xxx1 xxxx", "r r r lane p al"),
        new("cccc 1110 xxx1 nnnn tttt 1011 xxx1 xxxx", "r r lane p al"),
        new("cccc 1100 0100 uuuu tttt pppp oooo mmmm", "i11-8 i7-4 r r i4 p"),
        new("cccc 1100 0101 uuuu tttt pppp oooo mmmm", "r r i11-8 i7-4 i4 p"),
        new("cccc 1101 xxxx nnnn dddd pppp iiii iiii", "i11-8 i15-12 r a5 p"),
        new("cccc 1100 xx1x nnnn dddd pppp iiii iiii", "i11-8 i15-12 r a5up p"),
        new("cccc 1100 1x0x nnnn dddd pppp iiii iiii", "i11-8 i15-12 r i8 p"),
        new("cccc 1110 xxx0 nnnn tttt pppp xxx1 mmmm", "i11-8 i23-21 r i19-16 i4 i7-5 p"),
        new("cccc 1110 xxx1 nnnn tttt pppp xxx1 mmmm", "r i11-8 i23-21 i19-16 i4 i7-5 p"),
        new("cccc 1110 xxxx nnnn dddd pppp xxx0 mmmm", "i11-8 i23-20 i15-12 i19-16 i4 i7-5 p"),
#pragma warning restore format
    ];

    /// <summary>Floating point without a condition.</summary>
    internal static readonly OperandForm[] FloatingAlways =
    [
#pragma warning disable format // columns
        new("1111 1110 0xxx nnnn dddd 10xx x0x0 mmmm", "r r r"),
        new("1111 1110 1x00 nnnn dddd 10xx xxx0 mmmm", "r r r"),
        new("1111 1110 1x11 0000 dddd 1010 11x0 mmmm", "r r r"),
        new("1111 1110 1x11 xxxx dddd 10xx x1x0 mmmm", "r r"),
        new("1111 1100 0100 uuuu tttt pppp oooo mmmm", "i11-8 i7-4 r r i4"),
        new("1111 1100 0101 uuuu tttt pppp oooo mmmm", "r r i11-8 i7-4 i4"),
        new("1111 1101 xxxx nnnn dddd pppp iiii iiii", "i11-8 i15-12 r a5"),
        new("1111 1100 xx1x nnnn dddd pppp iiii iiii", "i11-8 i15-12 r a5up"),
        new("1111 1100 1x0x nnnn dddd pppp iiii iiii", "i11-8 i15-12 r i8"),
        new("1111 1110 xxx0 nnnn tttt pppp xxx1 mmmm", "i11-8 i23-21 r i19-16 i4 i7-5"),
        new("1111 1110 xxx1 nnnn tttt pppp xxx1 mmmm", "r i11-8 i23-21 i19-16 i4 i7-5"),
        new("1111 1110 xxxx nnnn dddd pppp xxx0 mmmm", "i11-8 i23-20 i15-12 i19-16 i4 i7-5"),
#pragma warning restore format
    ];

    /// <summary>Vectors; none has a condition of its own.</summary>
    internal static readonly OperandForm[] Vectors =
    [
#pragma warning disable format // columns
        // Three registers of the same size; where the result is accumulated, it is an operand as well
        new("1111 001x 0xxx nnnn dddd 1100 xxx0 mmmm", "r r r r"),
        new("1111 0011 0xxx nnnn dddd 1111 xxx1 mmmm", "r r r"),
        new("1111 001x 0xxx nnnn dddd 0111 xxx1 mmmm", "r r r r al"),
        new("1111 001x 0xxx nnnn dddd 1001 xxx0 mmmm", "r r r r al"),
        new("1111 0010 0xxx nnnn dddd 1100 xxx1 mmmm", "r r r r al"),
        new("1111 0011 0xxx nnnn dddd 1100 xxx1 mmmm", "r r r r al"),
        new("1111 0011 0xxx nnnn dddd 1011 xxx1 mmmm", "r r r r al"),
        new("1111 0010 0xxx nnnn dddd 1101 xxx1 mmmm", "r r r r al"),
        new("1111 0011 0x00 nnnn dddd 0001 xxx1 mmmm", "r r r al"),
        new("1111 0011 0xxx nnnn dddd 0001 xxx1 mmmm", "r r r r al"),
        new("1111 001x 0xxx nnnn dddd xxxx xxxx mmmm", "r r r al"),
        // One register and a number
        new("1111 001i 1x00 0iii dddd 0xx1 0xx1 iiii", "r vimm r al"),
        new("1111 001i 1x00 0iii dddd 10x1 0xx1 iiii", "r vimm r al"),
        new("1111 001i 1x00 0iii dddd xxxx 0xx1 iiii", "r vimm al"),
        // Two registers and a shift
        new("1111 001x 1x00 1000 dddd 1010 00x1 mmmm", "r r al"),
        new("1111 001x 1x01 0000 dddd 1010 00x1 mmmm", "r r al"),
        new("1111 001x 1x10 0000 dddd 1010 00x1 mmmm", "r r al"),
        new("1111 001x 1xii iiii dddd 00x1 xxx1 mmmm", "r r r right al"),
        new("1111 0011 1xii iiii dddd 0100 xxx1 mmmm", "r r r right al"),
        new("1111 0011 1xii iiii dddd 0101 xxx1 mmmm", "r r r left al"),
        new("1111 001x 1xii iiii dddd 00x0 xxx1 mmmm", "r r right al"),
        new("1111 001x 1xii iiii dddd 100x xxx1 mmmm", "r r right al"),
        new("1111 001x 1xii iiii dddd 11xx xxx1 mmmm", "r r right al"),
        new("1111 001x 1xii iiii dddd xxxx xxx1 mmmm", "r r left al"),
        // Two registers, and other forms where the size would be 11
        new("1111 0010 1x11 nnnn dddd iiii xxx0 mmmm", "r r r extract al"),
        new("1111 0011 1x11 nnnn dddd 10xx x0x0 mmmm", "r r r al"),
        new("1111 0011 1x11 nnnn dddd 10xx x1x0 mmmm", "r r r r al"),
        new("1111 0011 1x11 iiii dddd 1100 0xx0 mmmm", "r r copied al"),
        new("1111 0011 1x11 xx00 dddd 0011 00x0 mmmm", "r r r"),
        new("1111 0011 1x11 xx00 dddd 0011 01x0 mmmm", "r r r"),
        new("1111 0011 1x11 xx00 dddd 0011 1xx0 mmmm", "r r"),
        new("1111 0011 1x11 xx01 dddd 0010 11x0 mmmm", "r r"),
        new("1111 0011 1x11 xx10 dddd 0011 1xx0 mmmm", "r r r"),
        new("1111 0011 1x11 xx00 dddd 0110 xxx0 mmmm", "r r r al"),
        new("1111 0011 1x11 xx10 dddd 0000 xxx0 mmmm", "r r r r al"),
        new("1111 0011 1x11 xx10 dddd 0001 xxx0 mmmm", "r r r r al"),
        new("1111 0011 1x11 ss10 dddd 0011 00x0 mmmm", "r r size al"),
        new("1111 0011 1x11 xx10 dddd 0110 00x0 mmmm", "r r al"),
        new("1111 0011 1x11 xx10 dddd 0111 00x0 mmmm", "r r al"),
        new("1111 0011 1x11 xx10 dddd 01xx xxx0 mmmm", "r r"),
        new("1111 0011 1x11 xx11 dddd 00xx xxx0 mmmm", "r r"),
        new("1111 0011 1x11 xxxx dddd 0xxx xxx0 mmmm", "r r al"),
        // Three registers of different sizes, or two and an element
        new("1111 001x 1xss nnnn dddd 0xxx x1x0 mmmm", "r r r r scalar al"),
        new("1111 0011 1xss nnnn dddd 111x x1x0 mmmm", "r r r r scalar al"),
        new("1111 001x 1xss nnnn dddd xxxx x1x0 mmmm", "r r r scalar al"),
        new("1111 0010 1x10 nnnn dddd 1110 x0x0 mmmm", "r r r"),
        new("1111 001x 1xss nnnn dddd 0101 x0x0 mmmm", "r r r r al"),
        new("1111 001x 1xss nnnn dddd 10xx x0x0 mmmm", "r r r r al"),
        new("1111 001x 1xss nnnn dddd xxxx x0x0 mmmm", "r r r al"),
#pragma warning restore format
    ];
}
