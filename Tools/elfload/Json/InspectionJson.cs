using System.Text.Json.Serialization;
using ElfLoader.Inspection;

namespace ElfLoader.Tools.Json;

/// <summary>What <c>inspect</c> finds.</summary>
/// <param name="Files">One for each input that could be read.</param>
/// <param name="Errors">Why the others could not be.</param>
internal sealed record InspectionJson(IReadOnlyList<FileJson> Files, IReadOnlyList<ErrorJson> Errors);

/// <summary>An input.</summary>
/// <param name="File">Its path, as given.</param>
/// <param name="Kind">object, archive, thin-archive or linker-script.</param>
internal sealed record FileJson(string File, string Kind)
{
    /// <summary>The object; or those of the archive's members that are objects, where more than a list was asked for.</summary>
    public IReadOnlyList<ObjectJson> Objects { get; init; } = [];

    /// <summary>An archive's members.</summary>
    public IReadOnlyList<MemberJson>? Members { get; init; }

    /// <summary>The inputs that a linker script names.</summary>
    public IReadOnlyList<string>? Inputs { get; init; }
}

/// <summary>A member of an archive.</summary>
/// <param name="Name">Its name in the archive.</param>
/// <param name="DistinctName">The name with its number, where others have the same: bar.o#2.</param>
/// <param name="Kind">One of the kinds of inputs, or unknown.</param>
/// <param name="Description">Text that says what it is, also of what is unknown as an input: Mach-O file for AArch64.</param>
/// <param name="Size">Its bytes.</param>
/// <param name="Offset">Bytes from the start of the archive to its header.</param>
internal sealed record MemberJson(string Name, string DistinctName, string Kind, string Description, int Size, string Offset);

/// <summary>An object.</summary>
internal sealed record ObjectJson(string Name, string Machine, int Bits, string Flags, int OsAbi)
{
    /// <summary>The machine's name for people.</summary>
    [JsonIgnore]
    public string MachineName { get; init; } = "";

    /// <summary>The first names that others must define, for people; JSON has them among the symbols.</summary>
    [JsonIgnore]
    public IReadOnlyList<string> FirstUndefined { get; init; } = [];

    /// <summary>Counts.</summary>
    public required ObjectSummary Summary { get; init; }

    /// <summary>What it needs.</summary>
    public required IReadOnlyList<ObjectFeature> Features { get; init; }

    /// <summary>
    /// The names that it defines and that libraries of the host import: where it is loaded into a process, these go on with
    /// the host's own.
    /// </summary>
    public IReadOnlyList<string> HostImports { get; init; } = [];

    /// <summary>The sections, if asked for.</summary>
    public IReadOnlyList<InspectedSection>? Sections { get; init; }

    /// <summary>The symbols, if asked for.</summary>
    public IReadOnlyList<InspectedSymbol>? Symbols { get; init; }

    /// <summary>The relocations, if asked for.</summary>
    public IReadOnlyList<InspectedRelocation>? Relocations { get; init; }

    /// <summary>The instructions, if asked for.</summary>
    public IReadOnlyList<InspectedCode>? Disassembly { get; init; }
}

/// <summary>A section.</summary>
internal sealed record InspectedSection(
    int Index, string Name, string Type, string Flags, ulong Size, ulong Alignment, string? Group);

/// <summary>A symbol; a mangled name is there demangled, too.</summary>
internal sealed record InspectedSymbol(
    int Index, string Name, string Binding, string Type, string Visibility, string Section, string Value, ulong Size)
{
    /// <summary>The name in the source, where it is a mangled one.</summary>
    public string? Demangled => CxxNames.Demangle(Name);
}

/// <summary>A relocation; without an addend where it stands in the section's bytes.</summary>
internal sealed record InspectedRelocation(string Section, string Offset, string Type, string Symbol, long? Addend)
{
    /// <summary>The symbol's name in the source, where it is a mangled one.</summary>
    public string? Demangled => CxxNames.Demangle(Symbol);
}

/// <summary>A section's instructions.</summary>
internal sealed record InspectedCode(string Section, int Index, IReadOnlyList<InspectedInstruction> Instructions);

/// <summary>An instruction.</summary>
internal sealed record InspectedInstruction(
    string Offset, string Bytes, string Text, IReadOnlyList<string> Relocations, IReadOnlyList<string> Labels);
