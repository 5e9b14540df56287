using ElfLoader.Elf;

namespace ElfLoader.Inspection;

/// <summary>How much of everything an object has.</summary>
/// <param name="Sections">Sections, without the first, which stands for none.</param>
/// <param name="CodeBytes">Bytes of instructions.</param>
/// <param name="ConstantBytes">Bytes that are only read.</param>
/// <param name="DataBytes">Bytes with initial values that may be written, thread-local ones included.</param>
/// <param name="ZeroBytes">Bytes that start as zero, without common symbols.</param>
/// <param name="ThreadLocalBytes">Bytes of thread-local storage.</param>
/// <param name="DefinedSymbols">Symbols that others see.</param>
/// <param name="UndefinedSymbols">Symbols that others must define.</param>
/// <param name="LocalSymbols">Symbols that nobody else sees.</param>
/// <param name="Relocations">Relocations.</param>
public sealed record ObjectSummary(
    int Sections,
    ulong CodeBytes,
    ulong ConstantBytes,
    ulong DataBytes,
    ulong ZeroBytes,
    ulong ThreadLocalBytes,
    int DefinedSymbols,
    int UndefinedSymbols,
    int LocalSymbols,
    long Relocations)
{
    /// <summary>Counts.</summary>
    public static ObjectSummary Of(ElfObject elf)
    {
        ArgumentNullException.ThrowIfNull(elf);
        ulong code = 0, constants = 0, data = 0, zero = 0, threadLocal = 0;
        foreach (ref readonly SectionHeader header in elf.Sections)
        {
            if (!header.Has(ElfConstants.SHF_ALLOC))
            {
                continue;
            }

            ref ulong kind = ref data;
            if (header.HasNoBytes)
            {
                kind = ref zero;
            }
            else if (header.Has(ElfConstants.SHF_EXECINSTR))
            {
                kind = ref code;
            }
            else if (!header.Has(ElfConstants.SHF_WRITE))
            {
                kind = ref constants;
            }

            kind = unchecked(kind + header.Size); // the reader has limited their sum
            threadLocal = unchecked(threadLocal + (header.Has(ElfConstants.SHF_TLS) ? header.Size : 0));
        }

        int defined = 0, undefined = 0;
        SymbolTable symbols = elf.Symbols;
        for (int i = elf.FirstGlobalSymbol; i < symbols.Count; i++)
        {
            _ = symbols[i].IsDefined ? defined++ : undefined++;
        }

        long relocations = 0;
        foreach (ref readonly RelocationSection section in elf.RelocationSections)
        {
            relocations += section.Count;
        }

        return new ObjectSummary(
            Math.Max(elf.Sections.Length - 1, 0),
            code,
            constants,
            data,
            zero,
            threadLocal,
            defined,
            undefined,
            Math.Max(Math.Min(elf.FirstGlobalSymbol, symbols.Count) - 1, 0),
            relocations);
    }
}
