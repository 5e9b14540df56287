using ElfLoader.Elf;

namespace ElfLoader.Linking;

/// <summary>Decides which sections of an object are loaded, and what for.</summary>
internal static class SectionSelection
{
    /// <summary>Fills in the fate and the role of each section.</summary>
    /// <param name="file">The object.</param>
    /// <param name="errors">What is not supported is reported here.</param>
    /// <param name="target">What is linked for.</param>
    internal static void Decide(LinkObject file, LinkErrors errors, LinkTargets target)
    {
        if (file.Elf.WantsExecutableStack)
        {
            RefuseExecutableStack(file, errors, target);
        }

        ReadOnlySpan<SectionHeader> headers = file.Elf.SectionsInMemory;
        ReadOnlySpan<byte> names = file.Elf.SectionNames;
        Span<SectionPlace> places = file.LoadedSections;
        for (int i = 1; i < headers.Length; i++)
        {
            ref readonly SectionHeader header = ref headers[i];
            if (!IsLoaded(names, header))
            {
                continue;
            }

            if (UnsupportedConstruct.IsWritableCode(header))
            {
                Refuse(UnsupportedConstruct.WritableCode, file, i, errors, target);
            }

            if ((header.Flags & ElfConstants.SHF_COMPRESSED) != 0)
            {
                errors.Add(
                    LinkErrorCode.Malformed,
                    new LinkLocation(file.Elf.Name, file.Elf.SectionNameText(i)),
                    "a section that is loaded (SHF_ALLOC) must not be compressed (gABI, \"Section Compression\")");
            }

            if (UnsupportedConstruct.IsCodeWithoutBytes(header))
            {
                Refuse(UnsupportedConstruct.CodeWithoutBytes, file, i, errors, target);
            }

            if ((header.Flags & ElfConstants.SHF_GROUP) == 0 && StringTable.StartsAt(names, header.Name, LinkOnceSections.Prefix))
            {
                file.Parts |= ObjectParts.LinkOnce;
            }

            SectionRole role = RoleOf(names, header);
            places[i].Fate = SectionFate.Kept;
            places[i].Role = role;
            places[i].IsTls = header.Has(ElfConstants.SHF_TLS);
            file.Parts |= role switch
            {
                SectionRole.TlsData or SectionRole.TlsZero => ObjectParts.Tls,
                SectionRole.Init or SectionRole.Fini => ObjectParts.Fragments,
                _ => FunctionArrays.KindOf(names, header) is FunctionArrayKind.None ? ObjectParts.None : ObjectParts.FunctionArrays,
            };
        }
    }

    private static void RefuseExecutableStack(LinkObject file, LinkErrors errors, LinkTargets target)
    {
        for (int i = 1; i < file.Elf.Sections.Length; i++)
        {
            if (UnsupportedConstruct.IsExecutableStack(file.Elf, i))
            {
                Refuse(UnsupportedConstruct.ExecutableStack, file, i, errors, target);
                return;
            }
        }
    }

    private static void Refuse(
        UnsupportedConstruct construct, LinkObject file, int section, LinkErrors errors, LinkTargets target)
    {
        if ((construct.RefusedBy & target) != 0)
        {
            errors.Add(construct.At(new LinkLocation(file.Elf.Name, file.Elf.SectionNameText(section))));
        }
    }

    private static bool IsLoaded(ReadOnlySpan<byte> names, in SectionHeader header) =>
        (header.Flags & ElfConstants.SHF_ALLOC) != 0
        && (header.Flags & ElfConstants.SHF_EXCLUDE) == 0
        && header.Type is not (ElfConstants.SHT_NULL or ElfConstants.SHT_SYMTAB or ElfConstants.SHT_STRTAB
            or ElfConstants.SHT_RELA or ElfConstants.SHT_REL or ElfConstants.SHT_GROUP
            or ElfConstants.SHT_SYMTAB_SHNDX or ElfConstants.SHT_CREL)
        && !(header.Type is ElfConstants.SHT_NOTE && StringTable.IsAt(names, header.Name, ".note.gnu.property"u8));

    private static SectionRole RoleOf(ReadOnlySpan<byte> names, in SectionHeader header)
    {
        if ((header.Flags & ElfConstants.SHF_TLS) != 0)
        {
            return header.Type is ElfConstants.SHT_NOBITS ? SectionRole.TlsZero : SectionRole.TlsData;
        }

        if (header.Type is ElfConstants.SHT_NOBITS)
        {
            return SectionRole.Ordinary;
        }

        return StringTable.IsAt(names, header.Name, ".eh_frame"u8) ? SectionRole.Unwind
            : !header.Has(ElfConstants.SHF_EXECINSTR) ? SectionRole.Ordinary
            : StringTable.IsAt(names, header.Name, ".init"u8) ? SectionRole.Init
            : StringTable.IsAt(names, header.Name, ".fini"u8) ? SectionRole.Fini
            : SectionRole.Ordinary;
    }
}
