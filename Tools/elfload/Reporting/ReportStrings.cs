using System.Text.Json;

namespace ElfLoader.Tools.Reporting;

/// <summary>The texts of a report, each written once and referred to by number.</summary>
/// <param name="forPeople">How names are shown.</param>
internal sealed class ReportStrings(TerminalText forPeople)
{
    private readonly Dictionary<string, int> _numbers = [];
    private readonly List<string> _texts = [];

    /// <summary>The number of a text; -1 for none.</summary>
    internal int Of(string? text)
    {
        if (text is null)
        {
            return -1;
        }

        if (!_numbers.TryGetValue(text, out int number))
        {
            number = _texts.Count;
            _numbers.Add(text, number);
            _texts.Add(text);
        }

        return number;
    }

    /// <summary>Writes them, in the order of their numbers.</summary>
    internal void Write(Utf8JsonWriter writer, string name)
    {
        writer.WriteStartArray(name);
        foreach (string text in _texts)
        {
            writer.WriteStringValue(forPeople.Name(text));
        }

        writer.WriteEndArray();
    }
}
