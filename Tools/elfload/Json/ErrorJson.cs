using System.Globalization;
using System.Text;
using ElfLoader.Tools.Arguments;

namespace ElfLoader.Tools.Json;

/// <summary>One problem.</summary>
internal sealed record ErrorJson
{
    /// <summary>Kind of problem: a name of <see cref="LinkErrorCode"/>, in lower case with hyphens.</summary>
    public string? Code { get; init; }

    /// <summary>Name of the object.</summary>
    public string? Object { get; init; }

    /// <summary>Name of the section.</summary>
    public string? Section { get; init; }

    /// <summary>Offset in the section, or in the file where there is none.</summary>
    public string? Offset { get; init; }

    /// <summary>The symbol.</summary>
    public string? Symbol { get; init; }

    /// <summary>The symbol's name in the source, where it is a mangled one.</summary>
    public string? Demangled { get; init; }

    /// <summary>Name of the relocation's type.</summary>
    public string? Relocation { get; init; }

    /// <summary>The value that does not fit.</summary>
    public string? Value { get; init; }

    /// <summary>What would have been accepted.</summary>
    public RangeJson? Allowed { get; init; }

    /// <summary>How many places have the problem, where there are several.</summary>
    public int? Places { get; init; }

    /// <summary>The second and the third of these.</summary>
    public IReadOnlyList<PlaceJson>? Others { get; init; }

    /// <summary>What is wrong, without the place.</summary>
    public required string Message { get; init; }

    /// <summary>The parts of an error.</summary>
    internal static ErrorJson Of(LinkError error) => new()
    {
        Code = Hyphenate(error.Code.ToString()),
        Object = error.Where.Object is "" ? null : error.Where.Object,
        Section = error.Where.Section,
        Offset = error.Where.Offset is { } offset ? AddressText.Format(offset) : null,
        Symbol = error.Where.Symbol,
        Demangled = error.Where.Symbol is { } symbol ? CxxNames.Demangle(symbol) : null,
        Relocation = error.Relocation,
        Value = error.Value?.ToString(CultureInfo.InvariantCulture),
        Allowed = error.Allowed is { } allowed
            ? new RangeJson(
                allowed.Minimum.ToString(CultureInfo.InvariantCulture),
                allowed.Maximum.ToString(CultureInfo.InvariantCulture))
            : null,
        Places = error.Places is 1 ? null : error.Places,
        Others = error.Others.Count is 0 ? null : [.. error.Others.Select(PlaceJson.Of)],
        Message = error.Message,
    };

    /// <summary>A name of an enumeration as JSON has it.</summary>
    internal static string Hyphenate(string name)
    {
        var text = new StringBuilder();
        foreach (char letter in name)
        {
            if (char.IsUpper(letter) && text.Length > 0)
            {
                text.Append('-');
            }

            text.Append(char.ToLowerInvariant(letter));
        }

        return text.ToString();
    }
}

/// <summary>A place in an input.</summary>
internal sealed record PlaceJson(string Object, string? Section, string? Offset)
{
    /// <summary>The parts of a place.</summary>
    internal static PlaceJson Of(LinkLocation where) =>
        new(where.Object, where.Section, where.Offset is { } offset ? AddressText.Format(offset) : null);
}

/// <summary>A range of values; text, because JSON's numbers end before 64 bits do.</summary>
internal sealed record RangeJson(string Minimum, string Maximum);

/// <summary>What a command has to say where it has no other result.</summary>
internal sealed record ReportJson
{
    /// <summary>The machine that was linked for.</summary>
    public string? Machine { get; init; }

    /// <summary>The file that was written.</summary>
    public string? Output { get; init; }

    /// <summary>Address of the entry, where there is one.</summary>
    public string? Entry { get; init; }

    /// <summary>What went wrong; empty if nothing.</summary>
    public IReadOnlyList<ErrorJson> Errors { get; init; } = [];

    /// <summary>What the user may not have wanted.</summary>
    public IReadOnlyList<ErrorJson> Warnings { get; init; } = [];
}
