using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace ElfLoader.Tools.Reporting;

/// <summary>Writes a link as one page that needs nothing else: no other file, no network.</summary>
/// <remarks>
/// All that comes from inputs is in a block of JSON, in which no character stands that means something to HTML, and the
/// script only ever makes text of it. The page forbids itself everything but its own style and script.
/// </remarks>
internal static partial class ReportPage
{
    private const string Data = "{{data}}";
    private const int NamesInTitle = 3;

    private static readonly string[] Scripts = ["names.js", "table.js", "map.js", "ledger.js", "code.js", "report.js"];

    /// <summary>Writes it.</summary>
    internal static void Write(Stream stream, LinkedImage image, IReadOnlyList<string> inputs, TerminalText text)
    {
        string style = Part("report.css");
        string script = string.Join('\n', Scripts.Select(Part));
        IReadOnlyList<string> names = InputFiles.NamesOf(inputs);
        string title = string.Join(", ", names.Take(NamesInTitle))
            + (names.Count > NamesInTitle ? $" and {names.Count - NamesInTitle} more" : "");
        string[] page = [.. Part("report.html").Split(Data).Select(half => Fill(half, new Dictionary<string, string>
        {
            ["title"] = HtmlEncoder.Default.Encode(TerminalText.Escape(title)),
            ["inputs"] = HtmlEncoder.Default.Encode(TerminalText.Escape(string.Join(", ", names))),
            ["policy"] = $"default-src 'none'; style-src '{Hash(style)}'; script-src '{Hash(script)}'",
            ["style"] = style,
            ["script"] = script,
        }))];
        stream.Write(Encoding.UTF8.GetBytes(page[0]));
        using (var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Encoder = JavaScriptEncoder.Default }))
        {
            new ReportData(writer, image, text).Write(inputs);
        }

        stream.Write(Encoding.UTF8.GetBytes(page[1]));
    }

    /// <summary>Puts values in place of their names, looking at no value for further names.</summary>
    private static string Fill(string template, Dictionary<string, string> values) =>
        Placeholder().Replace(template, match => values[match.Groups[1].Value]);

    [GeneratedRegex(@"\{\{(\w+)\}\}")]
    private static partial Regex Placeholder();

    /// <summary>What the page's policy knows a style or script by (Content Security Policy, "Hash usage").</summary>
    private static string Hash(string text) => $"sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(text)))}";

    private static string Part(string name)
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream($"report/{name}")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
