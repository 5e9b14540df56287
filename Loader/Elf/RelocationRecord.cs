using System.Runtime.CompilerServices;

namespace ElfLoader.Elf;

/// <summary>A relocation, widened to 64 bits (gABI chapter 4, "Relocation").</summary>
/// <param name="Offset">Bytes from the start of the target section; decompressed bytes where it is compressed.</param>
/// <param name="Type">A number of the machine's ABI.</param>
/// <param name="Symbol">Index of a symbol; 0 means none.</param>
/// <param name="Addend">The addend; 0 unless <see cref="RelocationSection.HasExplicitAddend"/>.</param>
public readonly record struct RelocationRecord(ulong Offset, uint Type, uint Symbol, long Addend)
{
    /// <summary>Reads an entry of SHT_RELA, three words long.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static RelocationRecord ReadWithAddend<TClass>(ReadOnlySpan<byte> entry)
        where TClass : IElfClass
    {
        ulong info = TClass.Word(entry[TClass.WordSize..]);
        return new RelocationRecord(
            TClass.Word(entry),
            TClass.TypeOf(info),
            TClass.SymbolOf(info),
            TClass.SignedWord(entry[(2 * TClass.WordSize)..]));
    }

    /// <summary>Reads an entry of SHT_REL, two words long.</summary>
    internal static RelocationRecord ReadWithoutAddend<TClass>(ReadOnlySpan<byte> entry)
        where TClass : IElfClass
    {
        ulong info = TClass.Word(entry[TClass.WordSize..]);
        return new RelocationRecord(TClass.Word(entry), TClass.TypeOf(info), TClass.SymbolOf(info), Addend: 0);
    }
}

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
