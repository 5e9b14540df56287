using System.Text;
using ElfLoader.Elf;
using ElfLoader.Linking;

namespace ElfLoader.Images;

/// <summary>Which section of an image an input section goes to, as linkers have it.</summary>
internal static class OutputNames
{
    /// <summary>Names that stand for themselves and for all that begin with them and a dot; the longer ones first.</summary>
    private static readonly string[] Families =
    [
        ".text", ".data.rel.ro", ".rodata", ".data", ".bss.rel.ro", ".bss", ".tdata", ".tbss",
        ".ldata", ".lrodata", ".lbss", ".ltext", ".gcc_except_table",
        ".preinit_array", ".init_array", ".fini_array", ".ctors", ".dtors",
    ];

    private static readonly string[] RelroFamilies =
        [".data.rel.ro", ".bss.rel.ro", ".ctors", ".dtors", ".jcr", ".eh_frame", ".tm_clone_table"];

    /// <summary>The same in UTF-8, as objects have them.</summary>
    private static readonly byte[][] FamilyBytes = Array.ConvertAll(Families, Encoding.UTF8.GetBytes);

    private static readonly byte[][] RelroFamilyBytes = Array.ConvertAll(RelroFamilies, Encoding.UTF8.GetBytes);

    /// <summary>Name of the output section.</summary>
    internal static string Of(ReadOnlySpan<byte> name, in SectionHeader header)
    {
        for (int i = 0; i < Families.Length; i++)
        {
            if (FunctionArrays.IsOf(name, FamilyBytes[i]))
            {
                return Families[i];
            }
        }

        // .ARM.exidx.text.f, but .ARM.exidxf for a section that is called f
        if (name.StartsWith(".ARM.ex"u8))
        {
            return name.StartsWith(".ARM.exidx"u8) ? ".ARM.exidx"
                : name.StartsWith(".ARM.extab"u8) ? ".ARM.extab"
                : Encoding.UTF8.GetString(name);
        }

        // Old compilers' link-once sections: .gnu.linkonce.t.NAME and so on.
        return !name.StartsWith(".gnu.linkonce."u8) ? Encoding.UTF8.GetString(name)
            : header.Has(ElfConstants.SHF_EXECINSTR) ? ".text"
            : !header.Has(ElfConstants.SHF_WRITE) ? ".rodata"
            : header.Type is ElfConstants.SHT_NOBITS ? ".bss"
            : ".data";
    }

    /// <summary>Where a section goes.</summary>
    internal static ImageZone ZoneOf(ReadOnlySpan<byte> name, in SectionHeader header)
    {
        if (header.Has(ElfConstants.SHF_TLS))
        {
            return ImageZone.Relro; // the template is in one piece, whatever else is said of its parts
        }

        bool isLarge = header.Has(ElfConstants.SHF_X86_64_LARGE);
        if (header.Has(ElfConstants.SHF_EXECINSTR))
        {
            return header.Has(ElfConstants.SHF_WRITE) ? ImageZone.WritableCode : isLarge ? ImageZone.LargeCode : ImageZone.Code;
        }

        if (!header.Has(ElfConstants.SHF_WRITE))
        {
            return isLarge ? ImageZone.LargeReadOnly : ImageZone.ReadOnly;
        }

        return isLarge ? ImageZone.LargeData : IsRelro(name, header.Type) ? ImageZone.Relro : ImageZone.Data;
    }

    /// <summary>Whether a name can be part of <c>__start_NAME</c> in C.</summary>
    internal static bool IsIdentifier(string name) =>
        name.Length > 0 && !char.IsAsciiDigit(name[0]) && name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '_');

    private static bool IsRelro(ReadOnlySpan<byte> name, uint type)
    {
        if (type is ElfConstants.SHT_INIT_ARRAY or ElfConstants.SHT_FINI_ARRAY or ElfConstants.SHT_PREINIT_ARRAY)
        {
            return true;
        }

        foreach (byte[] family in RelroFamilyBytes)
        {
            if (FunctionArrays.IsOf(name, family))
            {
                return true;
            }
        }

        return false;
    }
}
