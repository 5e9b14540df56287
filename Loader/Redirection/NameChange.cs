using ElfLoader.Linking;

namespace ElfLoader.Redirection;

/// <summary>What a name meant before a publication, and what it means after it; one of them may be nothing.</summary>
internal readonly record struct NameChange(ulong Hash, byte[] Name, Definition Old, Definition New)
{
    /// <summary>The same, the other way round.</summary>
    internal NameChange Reversed => this with { Old = New, New = Old };
}
