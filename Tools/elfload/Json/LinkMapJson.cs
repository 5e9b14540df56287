using System.Text.Json.Serialization;
using ElfLoader.Tools.Arguments;

namespace ElfLoader.Tools.Json;

/// <summary>The link map, as the command line's contract spells it.</summary>
internal sealed record LinkMapJson
{
    /// <summary>x86_64 or arm.</summary>
    public required string Machine { get; init; }

    /// <summary>Address at which the program starts.</summary>
    public required string Entry { get; init; }

    /// <summary>The input sections.</summary>
    public required IEnumerable<SectionJson> Sections { get; init; }

    /// <summary>The symbols.</summary>
    public required IEnumerable<SymbolJson> Symbols { get; init; }

    /// <summary>The stubs.</summary>
    public required IEnumerable<StubJson> Stubs { get; init; }

    /// <summary>The slots.</summary>
    public required IEnumerable<GotJson> Got { get; init; }

    /// <summary>What is mapped.</summary>
    public required IEnumerable<SegmentJson> Segments { get; init; }

    /// <summary>The parts of a map.</summary>
    internal static LinkMapJson Of(LinkMap map) => new()
    {
        Machine = map.Machine,
        Entry = AddressText.Format(map.Entry),
        Sections = map.Sections.Select(section => new SectionJson(
            section.Object,
            section.Section,
            section.Index,
            AddressText.Format(section.Address),
            section.Size,
            section.Flags)),
        Symbols = map.Symbols.Select(symbol => new SymbolJson(
            symbol.Name,
            symbol.Object,
            symbol.Section,
            AddressText.Format(symbol.Address),
            symbol.Size,
            symbol.Binding,
            symbol.Type,
            symbol.IsThumb,
            CxxNames.Demangle(symbol.Name))),
        Stubs = map.Stubs.Select(StubJson.Of),
        Got = map.Got.Select(GotJson.Of),
        Segments = map.Segments.Select(segment => new SegmentJson(
            AddressText.Format(segment.Address), segment.Size, segment.FileOffset, segment.Flags)),
    };
}

/// <summary>An input section.</summary>
internal sealed record SectionJson(string Object, string Section, int Index, string Address, ulong Size, string Flags);

/// <summary>
/// A symbol; where nobody's object defines it, it has no object, and a number has no section. A mangled name is there demangled, too.
/// </summary>
internal sealed record SymbolJson(
    string Name,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Object,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Section,
    string Address,
    ulong Size,
    string Binding,
    string Type,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool Thumb,
    string? Demangled);

/// <summary>A stub.</summary>
internal sealed record StubJson(
    string Symbol, string Object, string Kind, string Address, int Size, string Target, string? Demangled)
{
    /// <summary>The parts of a stub.</summary>
    internal static StubJson Of(ImageStub stub) => new(
        stub.Symbol,
        stub.Object,
        stub.Kind,
        AddressText.Format(stub.Address),
        stub.Size,
        AddressText.Format(stub.Target),
        CxxNames.Demangle(stub.Symbol));
}

/// <summary>A slot of a global offset table.</summary>
internal sealed record GotJson(string Symbol, string Object, string Kind, string Address, string Value, string? Demangled)
{
    /// <summary>The parts of a slot.</summary>
    internal static GotJson Of(ImageGotSlot slot) => new(
        slot.Symbol,
        slot.Object,
        slot.Kind,
        AddressText.Format(slot.Address),
        AddressText.Format(slot.Value),
        CxxNames.Demangle(slot.Symbol));
}

/// <summary>A mapped part.</summary>
internal sealed record SegmentJson(string Address, ulong Size, ulong FileOffset, string Flags);
