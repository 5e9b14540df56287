using ElfLoader.Elf;

namespace ElfLoader.Linking;

/// <summary>Decides which sections of an object are loaded, and what for.</summary>
internal static class SectionSelection
{
    /// <summary>Fills in the fate and the role of each section.</summary>
    internal static void Decide(LinkObject file, LinkErrors errors, bool allowsWritableCode)
    {
        ReadOnlySpan<SectionHeader> headers = file.Elf.SectionsInMemory;
        Span<SectionPlace> places = file.LoadedSections;
        for (int i = 1; i < headers.Length; i++)
        {
            ref readonly SectionHeader header = ref headers[i];
            if (!IsLoaded(file, i, header))
            {
                continue;
            }

            const ulong writableCode = ElfConstants.SHF_WRITE | ElfConstants.SHF_EXECINSTR;
            if ((header.Flags & writableCode) == writableCode && !allowsWritableCode)
            {
                errors.Add(
                    LinkErrorCode.Unsupported,
                    new LinkLocation(file.Elf.Name, file.Elf.SectionNameText(i)),
                    "the section wants to be writable and executable at once, which no mapping here ever is");
            }

            if ((header.Flags & ElfConstants.SHF_COMPRESSED) != 0)
            {
                errors.Add(
                    LinkErrorCode.Malformed,
                    new LinkLocation(file.Elf.Name, file.Elf.SectionNameText(i)),
                    "a section that is loaded (SHF_ALLOC) must not be compressed (gABI, \"Section Compression\")");
            }

            if (header.Type is ElfConstants.SHT_NOBITS && header.Has(ElfConstants.SHF_EXECINSTR) && header.Size > 0)
            {
                errors.Add(
                    LinkErrorCode.Unsupported,
                    new LinkLocation(file.Elf.Name, file.Elf.SectionNameText(i)),
                    "the section is code but has no bytes (SHT_NOBITS), as in a file of debugging information only");
            }

            SectionRole role = RoleOf(file, i, header);
            places[i].Fate = SectionFate.Kept;
            places[i].Role = role;
            places[i].IsTls = header.Has(ElfConstants.SHF_TLS);
            file.Parts |= role switch
            {
                SectionRole.TlsData or SectionRole.TlsZero => ObjectParts.Tls,
                SectionRole.Init or SectionRole.Fini => ObjectParts.Fragments,
                _ => InitializerLists.IsArray(file, i, header) ? ObjectParts.FunctionArrays : ObjectParts.None,
            };
        }
    }

    private static bool IsLoaded(LinkObject file, int index, in SectionHeader header) =>
        (header.Flags & ElfConstants.SHF_ALLOC) != 0
        && (header.Flags & ElfConstants.SHF_EXCLUDE) == 0
        && header.Type is not (ElfConstants.SHT_NULL or ElfConstants.SHT_SYMTAB or ElfConstants.SHT_STRTAB
            or ElfConstants.SHT_RELA or ElfConstants.SHT_REL or ElfConstants.SHT_GROUP
            or ElfConstants.SHT_SYMTAB_SHNDX or ElfConstants.SHT_CREL)
        && !(header.Type is ElfConstants.SHT_NOTE && file.Elf.HasSectionName(index, ".note.gnu.property"u8));

    private static SectionRole RoleOf(LinkObject file, int index, in SectionHeader header)
    {
        if ((header.Flags & ElfConstants.SHF_TLS) != 0)
        {
            return header.Type is ElfConstants.SHT_NOBITS ? SectionRole.TlsZero : SectionRole.TlsData;
        }

        if (header.Type is ElfConstants.SHT_NOBITS)
        {
            return SectionRole.Ordinary;
        }

        return file.Elf.HasSectionName(index, ".eh_frame"u8) ? SectionRole.Unwind
            : !header.Has(ElfConstants.SHF_EXECINSTR) ? SectionRole.Ordinary
            : file.Elf.HasSectionName(index, ".init"u8) ? SectionRole.Init
            : file.Elf.HasSectionName(index, ".fini"u8) ? SectionRole.Fini
            : SectionRole.Ordinary;
    }
}
