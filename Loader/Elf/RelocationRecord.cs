namespace ElfLoader.Elf;

/// <summary>A relocation, widened to 64 bits (gABI chapter 4, "Relocation").</summary>
/// <param name="Offset">Bytes from the start of the target section; decompressed bytes where it is compressed.</param>
/// <param name="Type">A number of the machine's ABI.</param>
/// <param name="Symbol">Index of a symbol; 0 means none.</param>
/// <param name="Addend">The explicit addend; 0 where <see cref="RelocationSection.HasExplicitAddend"/> is false.</param>
public readonly record struct RelocationRecord(ulong Offset, uint Type, uint Symbol, long Addend);

/// <summary>How a section writes its relocations down.</summary>
public enum RelocationFormat : byte
{
    /// <summary>SHT_REL: the addends stand in the places.</summary>
    Rel,

    /// <summary>SHT_RELA: with addends.</summary>
    Rela,

    /// <summary>SHT_CREL: differences, with or without addends.</summary>
    Crel,
}

/// <summary>A section of relocations.</summary>
/// <param name="Index">Its section index.</param>
/// <param name="Target">Index of the section whose bytes it patches.</param>
/// <param name="Format">How it is written.</param>
/// <param name="HasExplicitAddend">Whether the relocations carry their addends.</param>
/// <param name="Count">Number of relocations.</param>
public readonly record struct RelocationSection(
    int Index, int Target, RelocationFormat Format, bool HasExplicitAddend, int Count);
