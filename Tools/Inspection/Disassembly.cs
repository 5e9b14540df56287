using ElfLoader.Elf;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Inspection;

/// <summary>Shows the instructions of an object, its relocations where they take effect.</summary>
public static class Disassembly
{
    /// <summary>The sections that hold instructions.</summary>
    public static IReadOnlyList<int> CodeSections(ElfObject elf)
    {
        ArgumentNullException.ThrowIfNull(elf);
        List<int> sections = [];
        for (int i = 1; i < elf.Sections.Length; i++)
        {
            ref readonly SectionHeader header = ref elf.Sections[i];
            if (header.Has(SHF_EXECINSTR) && header.Has(SHF_ALLOC) && !header.HasNoBytes && header.Size > 0)
            {
                sections.Add(i);
            }
        }

        return sections;
    }

    /// <summary>Whether there is a disassembler for the object's machine.</summary>
    public static bool Supports(ElfObject elf)
    {
        ArgumentNullException.ThrowIfNull(elf);
        return elf.Machine is EM_X86_64 or EM_386 or EM_ARM;
    }

    /// <summary>Disassembles a section; bytes that are no instruction are shown as data.</summary>
    /// <exception cref="LinkException">There is no disassembler for the machine, or its native library is not there.</exception>
    public static IEnumerable<CodeLine> Of(ElfObject elf, int section)
    {
        ArgumentNullException.ThrowIfNull(elf);
        var annotations = new SectionAnnotations(elf, section);
        ReadOnlyMemory<byte> code = elf.SectionMemory(section);
        return elf.Machine switch
        {
            EM_X86_64 or EM_386 => new X86Listing(annotations, elf.Machine is EM_386 ? 32 : 64).Lines(code),
            EM_ARM => new ArmListing(elf, annotations).Lines(code),
            _ => throw new LinkException(new LinkError(
                LinkErrorCode.Unsupported,
                new LinkLocation(elf.Name),
                $"there is no disassembler for {Machines.NameOf(elf)} here")),
        };
    }
}
