using ElfLoader.Elf;

namespace ElfLoader.Linking;

/// <summary>A section of relocations that the ledger goes through, and the names that its records share.</summary>
internal readonly struct PatchedSection
{
    private readonly string?[] _symbolNames;

    internal PatchedSection(LinkObject file, int index, in RelocationSection relocations)
    {
        File = file;
        Index = index;
        Relocations = relocations;
        Name = file.Elf.SectionNameText(relocations.Target);
        _symbolNames = new string?[file.Symbols.Length];
    }

    /// <summary>The object.</summary>
    internal LinkObject File { get; }

    /// <summary>Its index in the order of linking.</summary>
    internal int Index { get; }

    /// <summary>The relocations.</summary>
    internal RelocationSection Relocations { get; }

    /// <summary>Name of the section that they patch.</summary>
    internal string Name { get; }

    /// <summary>Address of that section.</summary>
    internal ulong Address => File.Sections[Relocations.Target].Address;

    /// <summary>Name of a symbol, one text for all its uses.</summary>
    internal string SymbolName(int symbol) => _symbolNames[symbol] ??= File.SymbolText(symbol);
}
