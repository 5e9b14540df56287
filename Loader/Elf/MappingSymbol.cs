namespace ElfLoader.Elf;

/// <summary>What the bytes from a mapping symbol on are (AAELF32, "Mapping symbols").</summary>
public enum MappingKind : byte
{
    /// <summary>The symbol is no mapping symbol.</summary>
    None,

    /// <summary><c>$a</c>: A32 instructions.</summary>
    Arm,

    /// <summary><c>$t</c>: T32 instructions.</summary>
    Thumb,

    /// <summary><c>$d</c>: data.</summary>
    Data,
}

/// <summary>Recognises the symbols by which ARM objects tell code from data.</summary>
public static class MappingSymbol
{
    /// <summary>Tells what a symbol of an ARM object maps.</summary>
    /// <param name="symbol">The symbol; only local ones without a type map anything.</param>
    /// <param name="name">Its name in UTF-8; <c>$a.x</c> is as good as <c>$a</c>.</param>
    public static MappingKind Detect(in SymbolRecord symbol, ReadOnlySpan<byte> name) =>
        symbol is { Binding: SymbolBinding.Local, Type: SymbolType.NoType, Place: SymbolPlace.Section }
            ? name switch
            {
                [(byte)'$', (byte)'a'] or [(byte)'$', (byte)'a', (byte)'.', ..] => MappingKind.Arm,
                [(byte)'$', (byte)'t'] or [(byte)'$', (byte)'t', (byte)'.', ..] => MappingKind.Thumb,
                [(byte)'$', (byte)'d'] or [(byte)'$', (byte)'d', (byte)'.', ..] => MappingKind.Data,
                _ => MappingKind.None,
            }
            : MappingKind.None;
}
