using System.Globalization;
using ElfLoader.Elf;

namespace ElfLoader.Linking;

/// <summary>Which section of an image an input section goes to, as linkers have it.</summary>
internal static class OutputNames
{
    /// <summary>Sections without a priority come after all that have one.</summary>
    private const int NoPriority = 65536;

    /// <summary>Priorities of <c>.ctors.NNNNN</c> count down from this.</summary>
    private const int CtorsOrigin = 65535;

    /// <summary>Names that stand for themselves and for all that begin with them and a dot; the longer ones first.</summary>
    private static readonly string[] Families =
    [
        ".data.rel.ro", ".bss.rel.ro", ".text", ".rodata", ".data", ".bss", ".tdata", ".tbss",
        ".ldata", ".lrodata", ".lbss", ".ltext", ".gcc_except_table",
        ".preinit_array", ".init_array", ".fini_array", ".ctors", ".dtors",
    ];

    private static readonly string[] ArmTables = [".ARM.exidx", ".ARM.extab"];

    private static readonly string[] RelroFamilies =
        [".data.rel.ro", ".bss.rel.ro", ".ctors", ".dtors", ".jcr", ".eh_frame", ".tm_clone_table"];

    /// <summary>Name of the output section.</summary>
    internal static string Of(string name, in SectionHeader header)
    {
        foreach (string family in Families)
        {
            if (IsOf(name, family))
            {
                return family;
            }
        }

        foreach (string table in ArmTables) // .ARM.exidx.text.f, but .ARM.exidxf for a section that is called f
        {
            if (name.StartsWith(table, StringComparison.Ordinal))
            {
                return table;
            }
        }

        // Old compilers' link-once sections: .gnu.linkonce.t.NAME and so on.
        const string once = ".gnu.linkonce.";
        return !name.StartsWith(once, StringComparison.Ordinal) ? name
            : header.Has(ElfConstants.SHF_EXECINSTR) ? ".text"
            : !header.Has(ElfConstants.SHF_WRITE) ? ".rodata"
            : header.Type is ElfConstants.SHT_NOBITS ? ".bss"
            : ".data";
    }

    /// <summary>Where a section goes.</summary>
    internal static ImageZone ZoneOf(string name, in SectionHeader header)
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

        bool isRelro = header.Type is ElfConstants.SHT_INIT_ARRAY or ElfConstants.SHT_FINI_ARRAY or ElfConstants.SHT_PREINIT_ARRAY
            || Array.Exists(RelroFamilies, family => IsOf(name, family));
        return isLarge ? ImageZone.LargeData : isRelro ? ImageZone.Relro : ImageZone.Data;
    }

    /// <summary>Place among the sections of an array of functions: <c>.init_array.101</c> comes before <c>.init_array</c>.</summary>
    internal static int Priority(string name, uint type)
    {
        string? family = type switch
        {
            ElfConstants.SHT_INIT_ARRAY => ".init_array",
            ElfConstants.SHT_FINI_ARRAY => ".fini_array",
            _ when IsOf(name, ".ctors") => ".ctors",
            _ when IsOf(name, ".dtors") => ".dtors",
            _ => null,
        };
        if (family is null)
        {
            return 0;
        }

        bool hasPriority = name.Length > family.Length + 1 && IsOf(name, family);
        int priority = hasPriority && ushort.TryParse(
            name[(family.Length + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out ushort number)
            ? number
            : NoPriority;
        return family is ".ctors" or ".dtors" && priority is not NoPriority ? CtorsOrigin - priority : priority;
    }

    /// <summary>Whether a name can be part of <c>__start_NAME</c> in C.</summary>
    internal static bool IsIdentifier(string name) =>
        name.Length > 0 && !char.IsAsciiDigit(name[0]) && name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '_');

    private static bool IsOf(string name, string family) =>
        name.StartsWith(family, StringComparison.Ordinal) && (name.Length == family.Length || name[family.Length] is '.');
}
