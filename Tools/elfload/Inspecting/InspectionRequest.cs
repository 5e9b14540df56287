namespace ElfLoader.Tools.Inspecting;

/// <summary>What to show of each object.</summary>
/// <param name="Sections">The sections.</param>
/// <param name="Symbols">The symbols.</param>
/// <param name="Relocations">The relocations.</param>
/// <param name="Disassembly">The instructions.</param>
internal sealed record InspectionRequest(bool Sections, bool Symbols, bool Relocations, bool Disassembly)
{
    /// <summary>Whether anything but the summary was asked for.</summary>
    internal bool IsDetailed => Sections || Symbols || Relocations || Disassembly;
}
