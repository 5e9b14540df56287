namespace ElfLoader.Elf;

/// <summary>What only some objects have, or are asked for: of thousands of small ones, it would be a good part of what stays.</summary>
internal sealed class ElfRareData
{
    // Made when first asked for; several threads may make them at once, and make the same.
    private volatile BuildAttributes? _attributes;
    private volatile GnuProperties? _properties;
    private volatile int[]? _groupsOfSections;

    /// <summary>The whole file, where it is not in an array.</summary>
    internal ReadOnlyMemory<byte> Bytes { get; init; }

    /// <summary>The section headers, where they cannot be read where they lie.</summary>
    internal SectionHeader[]? Sections { get; init; }

    /// <summary>Groups in file order.</summary>
    internal SectionGroup[] Groups { get; set; } = [];

    /// <summary>SHT_SYMTAB_SHNDX.</summary>
    internal FilePart LargeIndices { get; set; }

    /// <summary>The build attributes, once they have been read.</summary>
    internal BuildAttributes? Attributes
    {
        get => _attributes;
        set => _attributes = value;
    }

    /// <summary>The properties, once they have been read.</summary>
    internal GnuProperties? Properties
    {
        get => _properties;
        set => _properties = value;
    }

    /// <summary>For each section one more than the index of its group, once that has been asked for.</summary>
    internal int[]? GroupsOfSections
    {
        get => _groupsOfSections;
        set => _groupsOfSections = value;
    }
}
