namespace ElfLoader.Fuzz.Mutating;

/// <summary>What a field of a file means, which decides what is worth writing into it.</summary>
internal enum SiteKind : byte
{
    /// <summary>r_offset.</summary>
    RelocationOffset,

    /// <summary>The type in r_info.</summary>
    RelocationType,

    /// <summary>The symbol in r_info.</summary>
    RelocationSymbol,

    /// <summary>r_addend.</summary>
    RelocationAddend,

    /// <summary>A stream of SHT_CREL.</summary>
    Crel,

    /// <summary>The bytes that a relocation patches, and those beside them.</summary>
    Place,

    /// <summary>Contents of an allocated section.</summary>
    Content,

    /// <summary>Contents of a section that is not allocated, or of a note.</summary>
    Description,

    /// <summary>st_info.</summary>
    SymbolInfo,

    /// <summary>st_other.</summary>
    SymbolOther,

    /// <summary>st_shndx, and the entries of SHT_SYMTAB_SHNDX.</summary>
    SymbolSection,

    /// <summary>st_value and st_size.</summary>
    SymbolValue,

    /// <summary>st_name and sh_name.</summary>
    NameOffset,

    /// <summary>The letters of names.</summary>
    NameText,

    /// <summary>sh_type.</summary>
    SectionType,

    /// <summary>sh_flags.</summary>
    SectionFlags,

    /// <summary>sh_offset and sh_size, e_shoff.</summary>
    SectionRange,

    /// <summary>sh_addralign.</summary>
    SectionAlignment,

    /// <summary>sh_link, sh_info and members of groups.</summary>
    SectionIndex,

    /// <summary>sh_entsize, sh_addr.</summary>
    SectionOther,

    /// <summary>e_ident and the file header.</summary>
    FileHeader,

    /// <summary>The header of a compressed section, and its first bytes.</summary>
    Compression,

    /// <summary>The text fields of an archive member's header.</summary>
    MemberHeader,

    /// <summary>The index of an archive, and its table of long names.</summary>
    ArchiveIndex,

    /// <summary>The path of a thin archive's member, a slash and the end of the line.</summary>
    MemberPath,
}

/// <summary>A field of a file.</summary>
/// <param name="Offset">Where it starts in the file.</param>
/// <param name="Width">Its size in bytes.</param>
/// <param name="Kind">What it means.</param>
/// <param name="Bound">
/// What its value is usually below: the number of entries of the table it is an index of, the size of the section that it
/// is an offset in; 0 if there is no such thing.
/// </param>
internal readonly record struct Site(int Offset, int Width, SiteKind Kind, long Bound = 0);
