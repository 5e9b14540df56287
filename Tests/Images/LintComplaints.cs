using System.Text.RegularExpressions;

namespace ElfLoader.Tests.Images;

/// <summary>What <c>eu-elflint</c> says of images that it also says of those that lld or GNU ld makes of the same inputs.</summary>
internal static partial class LintComplaints
{
    /// <summary>
    /// Of programs: it takes <c>.relro_padding</c> for relocations because of its name, does not know that relocations without
    /// a symbol need no symbol table, nor SHF_X86_64_LARGE, nor probes of SystemTap; and it looks for a section of zeros by its
    /// offset in the file, where it has nothing.
    /// </summary>
    public static readonly string[] Known =
    [
        "section '.relro_padding' has wrong type: expected REL, is NOBITS",
        "section '.relro_padding' has wrong flags: expected none and possibly ALLOC|INFO_LINK, is WRITE|ALLOC",
        "section '.rel': relocation: invalid symbol index",
        "section '.note.stapsdt': unknown object file note type 3 with owner name 'stapsdt' at offset",
        "section '.lrodata' contains invalid processor-specific flag(s) 0x10000000",
        "section '.ldata' contains invalid processor-specific flag(s) 0x10000000",
        "section '.lbss' contains invalid processor-specific flag(s) 0x10000000",
        "section '.lbss' not fully contained in segment of program header entry",
    ];

    /// <summary>
    /// Whether a complaint is one of inputs that no compiler makes: a segment with nothing but zeros, notes of nobody, large
    /// sections by other names, a symbol beyond its section, code that may be written, data
    /// that may not, a .text without a byte at the end of a segment; and it does not
    /// know that an executable may have more sections than 16 bits can count.
    /// </summary>
    public static bool IsOfInputs(string complaint) => OfInputs().IsMatch(complaint);

    [GeneratedRegex("""
        ^loadable\ segment\ is\ writable\ but\ contains\ no\ writable\ sections$
        | unknown\ object\ file\ note\ type\ [0-9]+\ with\ owner\ name\ 'ABC'\ at\ offset$
        | contains\ invalid\ processor-specific\ flag\(s\)\ 0x10000000$
        | not\ fully\ contained\ in\ segment\ of\ program\ header\ entry$
        | '\.symtab':\ symbol\ \([^)]*\):\ st_value\ out\ of\ bounds$
        | '\.symtab':\ symbol\ \([^)]*\)\ does\ not\ fit\ completely\ in\ referenced\ section\ '[^']*'$
        | '\.data'\ has\ wrong\ flags:\ expected\ WRITE\|ALLOC,\ is\ ALLOC$
        | is\ both\ executable\ and\ writable$
        | '\.text'\ is\ executable\ in\ nonexecutable\ segment$
        | '\.symtab_shndx'(\ is\ extension\ section\ index\ table\ in\ non-object\ file|:\ only\ relocatable\ files\ can\ have\ extended\ section\ index)$
        """, RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex OfInputs();
}
