namespace ElfLoader.Inspection.Checks;

/// <summary>What a part of an expression is computed from.</summary>
/// <param name="Offset">Where it starts, in characters from the start of the rule's text.</param>
internal abstract record CheckNode(int Offset);

/// <summary>A number.</summary>
internal sealed record NumberNode(int Offset, ulong Value) : CheckNode(Offset);

/// <summary>The address of a symbol.</summary>
internal sealed record SymbolNode(int Offset, string Name) : CheckNode(Offset);

/// <summary>A binary operator.</summary>
internal enum CheckOperator
{
    /// <summary><c>+</c></summary>
    Add,

    /// <summary><c>-</c></summary>
    Subtract,

    /// <summary><c>&amp;</c></summary>
    And,

    /// <summary><c>|</c></summary>
    Or,

    /// <summary><c>&lt;&lt;</c></summary>
    ShiftLeft,

    /// <summary><c>&gt;&gt;</c>, logical</summary>
    ShiftRight,
}

/// <summary>A value to which operators are applied from left to right: there is no precedence.</summary>
internal sealed record ChainNode(
    int Offset, CheckNode First, IReadOnlyList<(CheckOperator Operator, CheckNode Operand)> Rest) : CheckNode(Offset);

/// <summary>Bits of a value.</summary>
internal sealed record SliceNode(int Offset, CheckNode Operand, int High, int Low) : CheckNode(Offset);

/// <summary>Bytes of the image, zero-extended.</summary>
internal sealed record LoadNode(int Offset, int Size, CheckNode Address) : CheckNode(Offset);

/// <summary>An operand of the instruction at a symbol.</summary>
internal sealed record DecodeOperandNode(int Offset, string Symbol, long Distance, ulong Index) : CheckNode(Offset);

/// <summary>Where the instruction at a symbol counts distances from.</summary>
internal sealed record NextPcNode(int Offset, string Symbol, long Distance) : CheckNode(Offset);

/// <summary>The address of a symbol's stub.</summary>
internal sealed record StubAddressNode(int Offset, string Container, string Symbol, string? Kind) : CheckNode(Offset);

/// <summary>The address of a symbol's slot in an object's global offset table.</summary>
internal sealed record GotAddressNode(int Offset, string Container, string Symbol) : CheckNode(Offset);

/// <summary>The address of a section.</summary>
internal sealed record SectionAddressNode(int Offset, string File, string Section) : CheckNode(Offset);

/// <summary>An equation.</summary>
internal sealed record CheckEquation(CheckNode Left, CheckNode Right);
