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
    public static IEnumerable<CodeLine> Of(ElfObject elf, int section) => Of(elf, section, new SectionContents(elf));

    /// <summary>Disassembles one of several sections.</summary>
    /// <param name="elf">The object.</param>
    /// <param name="section">The section.</param>
    /// <param name="contents">What its sections hold, once for all of them.</param>
    /// <exception cref="LinkException">There is no disassembler for the machine, or its native library is not there.</exception>
    public static IEnumerable<CodeLine> Of(ElfObject elf, int section, SectionContents contents)
    {
        ArgumentNullException.ThrowIfNull(elf);
        return Of(elf, new SectionAnnotations(elf, section, contents), elf.SectionMemory(section), 0);
    }

    /// <summary>Disassembles code of an object's machine.</summary>
    /// <param name="elf">The object.</param>
    /// <param name="annotations">What to say beside the instructions.</param>
    /// <param name="code">The bytes.</param>
    /// <param name="start">Address of the first.</param>
    internal static IEnumerable<CodeLine> Of(
        ElfObject elf, CodeAnnotations annotations, ReadOnlyMemory<byte> code, ulong start) => elf.Machine switch
        {
            EM_X86_64 => new X86Listing(annotations, 64, showsAddresses: annotations is ImageAnnotations).Lines(code, start),
            EM_386 => new X86Listing(annotations, 32).Lines(code, start),
            EM_ARM => ArmListing.Lines(elf, annotations, code, start),
            _ => throw new LinkException(new LinkError(
                LinkErrorCode.Unsupported,
                new LinkLocation(elf.Name),
                $"there is no disassembler for {Machines.NameOf(elf)} here")),
        };
}
