using System.Runtime.InteropServices;

namespace ElfLoader.Elf;

/// <summary>
/// An entry of SHT_RELA in an ELFCLASS64 object, as it lies in the file (gABI chapter 4, "Relocation"): the format of
/// x86-64, for loops that must cost no more than reading the fields.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly struct Rela64
{
    /// <summary>r_offset.</summary>
    internal readonly ulong Offset;

    /// <summary>r_info: the type in the lower half.</summary>
    private readonly ulong _info;

    /// <summary>r_addend.</summary>
    internal readonly long Addend;

    /// <summary>ELF64_R_TYPE.</summary>
    internal uint Type => (uint)_info;

    /// <summary>ELF64_R_SYM.</summary>
    internal uint Symbol => (uint)(_info >> 32);

    /// <summary>The same, as other formats have it.</summary>
    internal RelocationRecord ToRecord() => new(Offset, Type, Symbol, Addend);
}
