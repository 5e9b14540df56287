namespace ElfLoader.Elf;

/// <summary>What GCC puts into objects for link-time optimization (<c>-flto</c>).</summary>
internal static class IntermediateCode
{
    /// <summary>Offset of <c>slim_object</c> in <c>struct lto_section</c> (gcc/lto-streamer.h, from GCC 10 on).</summary>
    private const int SlimObject = 4;

    /// <summary>What the names of its sections begin with.</summary>
    public static ReadOnlySpan<byte> SectionPrefix => ".gnu.lto_"u8;

    /// <summary>The symbol that an object has that holds nothing else.</summary>
    public static ReadOnlySpan<byte> SlimSymbol => "__gnu_lto_slim"u8;

    /// <summary>Whether an object with such sections has no machine code beside them.</summary>
    public static bool IsAlone(ElfObject elf)
    {
        SymbolTable symbols = elf.Symbols;
        for (int i = elf.FirstGlobalSymbol; i < symbols.Count; i++)
        {
            if (symbols.Name(symbols[i]).SequenceEqual(SlimSymbol))
            {
                return true;
            }
        }

        for (int i = 1; i < elf.Sections.Length; i++)
        {
            if (elf.SectionNameStartsWith(i, ".gnu.lto_.lto."u8))
            {
                ReadOnlySpan<byte> bytes = elf.SectionBytes(i);
                return bytes.Length > SlimObject && bytes[SlimObject] is not 0;
            }
        }

        return false;
    }
}
