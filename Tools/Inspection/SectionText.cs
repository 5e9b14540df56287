using System.Text;
using ElfLoader.Elf;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Inspection;

/// <summary>Section types and flags in the words of readelf.</summary>
public static class SectionText
{
    private static readonly (ulong Flag, char Letter)[] Letters =
    [
        (SHF_WRITE, 'W'), (SHF_ALLOC, 'A'), (SHF_EXECINSTR, 'X'), (SHF_MERGE, 'M'), (SHF_STRINGS, 'S'),
        (SHF_INFO_LINK, 'I'), (SHF_LINK_ORDER, 'L'), (SHF_OS_NONCONFORMING, 'O'), (SHF_GROUP, 'G'), (SHF_TLS, 'T'),
        (SHF_COMPRESSED, 'C'), (SHF_GNU_RETAIN, 'R'), (SHF_EXCLUDE, 'E'),
    ];

    /// <summary>The flags as letters; <c>l</c> and <c>y</c> are x86-64's large sections and ARM's execute-only ones.</summary>
    public static string FlagsOf(ElfObject elf, in SectionHeader header)
    {
        ArgumentNullException.ThrowIfNull(elf);
        var text = new StringBuilder();
        foreach ((ulong flag, char letter) in Letters)
        {
            if (header.Has(flag))
            {
                text.Append(letter);
            }
        }

        if (elf.Machine is EM_X86_64 && header.Has(SHF_X86_64_LARGE))
        {
            text.Append('l');
        }

        if (elf.Machine is EM_ARM && header.Has(SHF_ARM_PURECODE))
        {
            text.Append('y');
        }

        return text.ToString();
    }

    /// <summary>The type's name, without <c>SHT_</c>; its number where it has none here.</summary>
    public static string TypeOf(ElfObject elf, in SectionHeader header)
    {
        ArgumentNullException.ThrowIfNull(elf);
        return header.Type switch
        {
            SHT_NULL => "NULL",
            SHT_PROGBITS => "PROGBITS",
            SHT_SYMTAB => "SYMTAB",
            SHT_STRTAB => "STRTAB",
            SHT_RELA => "RELA",
            SHT_NOTE => "NOTE",
            SHT_NOBITS => "NOBITS",
            SHT_REL => "REL",
            SHT_INIT_ARRAY => "INIT_ARRAY",
            SHT_FINI_ARRAY => "FINI_ARRAY",
            SHT_PREINIT_ARRAY => "PREINIT_ARRAY",
            SHT_GROUP => "GROUP",
            SHT_SYMTAB_SHNDX => "SYMTAB_SHNDX",
            SHT_CREL or SHT_CREL_LLVM => "CREL",
            SHT_LLVM_ADDRSIG => "LLVM_ADDRSIG",
            SHT_X86_64_UNWIND when elf.Machine is EM_X86_64 => "X86_64_UNWIND",
            SHT_ARM_EXIDX when elf.Machine is EM_ARM => "ARM_EXIDX",
            SHT_ARM_ATTRIBUTES when elf.Machine is EM_ARM => "ARM_ATTRIBUTES",
            uint number => $"0x{number:x}",
        };
    }
}
