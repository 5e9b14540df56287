namespace ElfLoader.Elf;

/// <summary>Sections that are kept or dropped together (gABI chapter 4, "Section Groups").</summary>
/// <param name="Index">Section index of the SHT_GROUP section itself.</param>
/// <param name="IsComdat">Whether, of the groups with this signature, one is kept.</param>
/// <param name="SignatureSymbol">Index of the symbol whose name is the signature.</param>
/// <param name="MemberCount">Number of members; <see cref="ElfObject.Members"/> gives their section indices.</param>
public readonly record struct SectionGroup(
    int Index, bool IsComdat, int SignatureSymbol, int MemberCount);
