using ElfLoader.Elf;

namespace ElfLoader.Linking;

/// <summary>
/// Tells symbols that can be called from those that cannot. The section decides, not the symbol's type: code may be in a section of any
/// name, and assemblers leave symbols without a type. A number (SHN_ABS) may be an address of anything.
/// </summary>
internal static class EntryCode
{
    /// <summary>Says why a symbol that an object defines cannot be called; null if it can.</summary>
    internal static string? Objection(ElfObject elf, in SymbolRecord symbol) => symbol switch
    {
        { Type: SymbolType.Tls } => $"is a thread-local variable of {elf.Name}",
        { Place: SymbolPlace.Common or SymbolPlace.LargeCommon } => $"is a variable of {elf.Name}",
        { Place: SymbolPlace.Section } when (elf.Sections[symbol.Section].Flags & ElfConstants.SHF_EXECINSTR) is 0 =>
            $"is in {elf.SectionNameText(symbol.Section)} of {elf.Name}, which has no code",
        _ => null,
    };

    /// <summary>Says why a symbol of a link cannot be called; null if it can, or no object of the link defines it.</summary>
    internal static string? Objection(SymbolResolution resolution, in LinkSymbol symbol)
    {
        if (!symbol.IsDefinedInLink)
        {
            return null;
        }

        ElfObject elf = resolution.Objects[symbol.Definer].Elf;
        return Objection(elf, elf.Symbol(symbol.DefinerSymbol));
    }

    /// <summary>The error of an entry that cannot be called.</summary>
    internal static LinkException Refused(string entry, string objection) =>
        new(LinkErrorCode.Unsupported, new LinkLocation("", Symbol: entry), $"the entry '{entry}' {objection}");
}
