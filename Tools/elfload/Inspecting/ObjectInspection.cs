using ElfLoader.Elf;
using ElfLoader.Inspection;
using ElfLoader.Tools.Arguments;
using ElfLoader.Tools.Json;

namespace ElfLoader.Tools.Inspecting;

/// <summary>Looks at one object.</summary>
internal static class ObjectInspection
{
    /// <summary>Looks at what is asked for.</summary>
    /// <exception cref="LinkException">A part of the object is malformed, or cannot be shown.</exception>
    internal static ObjectJson Of(ElfObject elf, InspectionRequest request) =>
        new(elf.Name, Machines.NameOf(elf), elf.Is64Bit ? 64 : 32, AddressText.Format(elf.Flags), elf.OsAbi)
        {
            MachineName = elf.MachineName,
            FirstUndefined = FirstUndefined(elf),
            Summary = ObjectSummary.Of(elf),
            Features = ObjectFeatures.Of(elf),
            HostImports = Running.HostImports.Of(elf),
            Sections = request.Sections ? Sections(elf) : null,
            Symbols = request.Symbols ? Symbols(elf) : null,
            Relocations = request.Relocations ? Relocations(elf) : null,
            Disassembly = request.Disassembly ? Code(elf) : null,
        };

    private static List<string> FirstUndefined(ElfObject elf)
    {
        const int shown = 8;
        List<string> names = [];
        for (int i = Math.Max(elf.FirstGlobalSymbol, 1); i < elf.SymbolCount && names.Count < shown; i++)
        {
            if (!elf.Symbol(i).IsDefined)
            {
                names.Add(SymbolText.ShownNameOf(elf, i));
            }
        }

        return names;
    }

    private static List<InspectedSection> Sections(ElfObject elf)
    {
        List<InspectedSection> sections = [];
        for (int i = 1; i < elf.Sections.Length; i++)
        {
            ref readonly SectionHeader header = ref elf.Sections[i];
            int group = elf.GroupOf(i);
            sections.Add(new InspectedSection(
                i,
                elf.SectionNameText(i),
                SectionText.TypeOf(elf, header),
                SectionText.FlagsOf(elf, header),
                header.Size,
                header.Alignment,
                group < 0 ? null : SymbolText.ShownNameOf(elf, elf.Groups[group].SignatureSymbol)));
        }

        return sections;
    }

    private static List<InspectedSymbol> Symbols(ElfObject elf)
    {
        List<InspectedSymbol> symbols = [];
        for (int i = 1; i < elf.SymbolCount; i++)
        {
            SymbolRecord symbol = elf.Symbol(i);
            symbols.Add(new InspectedSymbol(
                i,
                SymbolText.NameOf(elf, i),
                SymbolText.BindingOf(symbol),
                SymbolText.TypeOf(symbol),
                SymbolText.VisibilityOf(symbol),
                SymbolText.PlaceOf(elf, symbol),
                AddressText.Format(symbol.Value),
                symbol.Size));
        }

        return symbols;
    }

    private static List<InspectedRelocation> Relocations(ElfObject elf)
    {
        List<InspectedRelocation> relocations = [];
        var mentions = new SymbolMentions(elf);
        foreach (ref readonly RelocationSection section in elf.RelocationSections)
        {
            string name = NameText.Shown(elf.SectionName(section.Target));
            foreach (RelocationRecord relocation in elf.Relocations(section))
            {
                relocations.Add(new InspectedRelocation(
                    name,
                    AddressText.Format(relocation.Offset),
                    Machines.NameOf(elf, relocation.Type),
                    relocation.Symbol is 0 ? "" : mentions.Next((int)relocation.Symbol),
                    section.HasExplicitAddend ? relocation.Addend : null));
            }
        }

        return relocations;
    }

    private static List<InspectedCode> Code(ElfObject elf)
    {
        List<InspectedCode> code = [];
        var contents = new SectionContents(elf);
        foreach (int section in Disassembly.CodeSections(elf))
        {
            code.Add(new InspectedCode(
                elf.SectionNameText(section),
                section,
                [.. Disassembly.Of(elf, section, contents).Select(line => new InspectedInstruction(
                    AddressText.Format(line.Offset),
                    Convert.ToHexStringLower(line.Bytes.Span),
                    line.Text,
                    line.Relocations,
                    line.Labels))]));
        }

        return code;
    }
}
