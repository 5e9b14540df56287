using ElfLoader.Relocations;
using ElfLoader.Tools.Arguments;

namespace ElfLoader.Tools.Json;

/// <summary>A patched place.</summary>
internal sealed record PatchJson
{
    /// <summary>Name of the object.</summary>
    public required string Object { get; init; }

    /// <summary>Name of the section.</summary>
    public required string Section { get; init; }

    /// <summary>Index of the section.</summary>
    public required int SectionIndex { get; init; }

    /// <summary>Offset of the place in the section.</summary>
    public required string Offset { get; init; }

    /// <summary>Address of the place.</summary>
    public required string Address { get; init; }

    /// <summary>Name of the relocation type.</summary>
    public required string Relocation { get; init; }

    /// <summary>Number of the relocation type.</summary>
    public required uint Type { get; init; }

    /// <summary>The symbol.</summary>
    public string? Symbol { get; init; }

    /// <summary>The symbol's name in the source, where it is a mangled one.</summary>
    public string? Demangled { get; init; }

    /// <summary>Where the symbol was found: a name of <see cref="SymbolSource"/>, in lower case with hyphens.</summary>
    public required string Source { get; init; }

    /// <summary>Who defines the symbol.</summary>
    public string? Provider { get; init; }

    /// <summary>How it was carried out: a name of <see cref="PatchMethod"/>, in lower case.</summary>
    public required string Method { get; init; }

    /// <summary>The formula.</summary>
    public required string Formula { get; init; }

    /// <summary>The letters of the formula.</summary>
    public required IReadOnlyDictionary<string, string> Terms { get; init; }

    /// <summary>What the formula gives.</summary>
    public required string Value { get; init; }

    /// <summary>The values that the field takes; absent where it takes any.</summary>
    public RangeJson? Allowed { get; init; }

    /// <summary>How much closer to the nearer of these the stored value could be.</summary>
    public string? Margin { get; init; }

    /// <summary>The stub.</summary>
    public StubJson? Stub { get; init; }

    /// <summary>The slot of the global offset table.</summary>
    public GotJson? Slot { get; init; }

    /// <summary>Offset in the section of the first byte of what follows.</summary>
    public required string BytesOffset { get; init; }

    /// <summary>The bytes as the compiler left them.</summary>
    public required string Before { get; init; }

    /// <summary>The same bytes, linked.</summary>
    public required string After { get; init; }

    /// <summary>The instructions as the compiler left them, where the place is code.</summary>
    public string? InstructionBefore { get; init; }

    /// <summary>The same instructions, linked.</summary>
    public string? InstructionAfter { get; init; }

    /// <summary>The parts of a record.</summary>
    internal static PatchJson Of(PatchRecord patch, (string Before, string After)? code) => new()
    {
        Object = patch.Object,
        Section = patch.Section,
        SectionIndex = patch.SectionIndex,
        Offset = AddressText.Format(patch.Offset),
        Address = AddressText.Format(patch.Address),
        Relocation = patch.Relocation,
        Type = patch.Rule.Type,
        Symbol = patch.Symbol,
        Demangled = patch.Symbol is null ? null : CxxNames.Demangle(patch.Symbol),
        Source = ErrorJson.Hyphenate(patch.Source.ToString()),
        Provider = patch.Provider,
        Method = ErrorJson.Hyphenate(patch.Method.ToString()),
        Formula = patch.Rule.Expression.ToString(),
        Terms = patch.Rule.Expression.Terms(patch.Operands)
            .ToDictionary(term => term.Key, term => Expression.Number(term.Value)),
        Value = Expression.Number(patch.Value),
        Allowed = patch.Margin is null
            ? null
            : new RangeJson(Expression.Number(patch.Rule.Minimum), Expression.Number(patch.Rule.Maximum)),
        Margin = patch.Margin is { } margin ? AddressText.Format(margin) : null,
        Stub = patch.Stub is { } stub ? StubJson.Of(stub) : null,
        Slot = patch.Slot is { } slot ? GotJson.Of(slot) : null,
        BytesOffset = AddressText.Format(patch.BytesOffset),
        Before = Convert.ToHexStringLower(patch.Before.Span),
        After = Convert.ToHexStringLower(patch.After.Span),
        InstructionBefore = code?.Before,
        InstructionAfter = code?.After,
    };
}
