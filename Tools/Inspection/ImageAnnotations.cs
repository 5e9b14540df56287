using ElfLoader.Elf;

namespace ElfLoader.Inspection;

/// <summary>The names of a linked image beside the code of one section, whose relocations have been applied.</summary>
internal sealed class ImageAnnotations(ImageNames names, SectionAnnotations section, ulong start) : CodeAnnotations
{
    /// <inheritdoc/>
    internal override ReadOnlySpan<RelocationRecord> RelocationsIn(ulong start, int length) => [];

    /// <inheritdoc/>
    internal override IReadOnlyList<string> LabelsAt(ulong address) => names.LabelsAt(address);

    /// <inheritdoc/>
    internal override bool TryFindSymbol(ulong address, out string name, out ulong start) =>
        names.TryFind(address, out name, out start);

    /// <inheritdoc/>
    internal override IEnumerable<(ulong Address, MappingKind Kind)> Mappings() =>
        section.Mappings().Select(mapping => (start + mapping.Address, mapping.Kind));

    /// <inheritdoc/>
    internal override string Describe(in RelocationRecord relocation) => section.Describe(relocation);

    /// <inheritdoc/>
    internal override string TargetOf(in RelocationRecord relocation, long addend) => section.TargetOf(relocation, addend);
}
