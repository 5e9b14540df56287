namespace ElfLoader.Inspection.Operands;

/// <summary>The numbers in floating-point and vector instructions (A32 encoding).</summary>
internal static class VectorNumbers
{
    /// <summary>What a word of <see cref="ArmOperandWords"/> means; null where it is none of these.</summary>
    internal static long? ValueOf(string word, uint code) => word switch
    {
        "a5" => Bits(code, 7, 0) | (Bits(code, 23, 23) ^ 1) << 8,
        "a5up" => Bits(code, 7, 0) | Bits(code, 23, 23) << 8,
        "fraction" => Bits(code, 3, 0) << 1 | Bits(code, 5, 5), // what the encoding takes from 16 or 32
        "vimm" => Bits(code, 3, 0) | Bits(code, 18, 16) << 4 | Bits(code, 24, 24) << 7 | Bits(code, 11, 8) << 8 | Bits(code, 5, 5) << 12,
        "lane" => Lane(code),
        "extract" => Extract(Bits(code, 11, 8)),
        "copied" => Bits(code, 19, 16) switch
        {
            uint bits when (bits & 1) != 0 => bits >> 1,
            uint bits when (bits & 2) != 0 => bits >> 2,
            uint bits => bits >> 3,
        },
        "scalar" => Bits(code, 21, 20) is 1 ? Bits(code, 3, 3) | Bits(code, 5, 5) << 1 : Bits(code, 5, 5),
        "size" => 8 << (int)Bits(code, 19, 18),
        "right" => (2 * ElementSize(code)) - Shift(code),
        "left" => Shift(code) - ElementSize(code),
        _ => null,
    };

    /// <summary>The number of registers in a list.</summary>
    internal static int ListLength(uint code) => (int)Bits(code, 7, 0) >> (int)Bits(code, 8, 8);

    /// <summary>imm6 of a shift, with L above it.</summary>
    private static int Shift(uint code) => (int)(Bits(code, 21, 16) | Bits(code, 7, 7) << 6);

    /// <summary>The highest bit of L:imm6.</summary>
    private static int ElementSize(uint code) =>
        Shift(code) switch { >= 64 => 64, >= 32 => 32, >= 16 => 16, _ => 8 };

    /// <summary>opc1 and opc2 of a move to or from an element of 8, 16 or 32 bits.</summary>
    private static uint Lane(uint code)
    {
        uint option = Bits(code, 22, 21) << 2 | Bits(code, 6, 5);
        return (option & 8) != 0 ? (option >> 2 & 1) << 2 | (option & 3)
            : (option & 1) != 0 ? (option >> 2 & 1) << 1 | (option >> 1 & 1)
            : option >> 2 & 1;
    }

    /// <summary>The first element, for elements as large as the number of bytes permits.</summary>
    private static uint Extract(uint bytes) => (bytes & 7) switch
    {
        0 => bytes is 0 ? 0 : bytes >> 3,
        4 => bytes >> 2,
        2 or 6 => bytes >> 1,
        _ => bytes,
    };

    private static uint Bits(uint code, int high, int low) => (code >> low) & (uint)((1UL << (high - low + 1)) - 1);
}
