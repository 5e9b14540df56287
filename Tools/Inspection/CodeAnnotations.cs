using ElfLoader.Elf;

namespace ElfLoader.Inspection;

/// <summary>What a listing of code says beside the instructions: names, relocations, and which bytes are data.</summary>
internal abstract class CodeAnnotations
{
    /// <summary>The relocations whose places begin in a range.</summary>
    internal abstract ReadOnlySpan<RelocationRecord> RelocationsIn(ulong start, int length);

    /// <summary>The names that stand at an address, without mapping symbols.</summary>
    internal abstract IReadOnlyList<string> LabelsAt(ulong address);

    /// <summary>The last symbol at or before an address.</summary>
    internal abstract bool TryFindSymbol(ulong address, out string name, out ulong start);

    /// <summary>Where ARM's mapping symbols change the kind of contents, by address.</summary>
    internal abstract IEnumerable<(ulong Address, MappingKind Kind)> Mappings();

    /// <summary>A relocation for people: <c>R_X86_64_PLT32 puts-0x4</c>.</summary>
    internal abstract string Describe(in RelocationRecord relocation);

    /// <summary>What a relocation's place will refer to, by the bytes that are there now: the symbol and a number.</summary>
    internal abstract string TargetOf(in RelocationRecord relocation, long addend);

    /// <summary>The relocations in a range, for people.</summary>
    internal List<string> DescribeAll(ulong start, int length)
    {
        List<string> texts = [];
        foreach (ref readonly RelocationRecord relocation in RelocationsIn(start, length))
        {
            texts.Add(Describe(relocation));
        }

        return texts;
    }
}
