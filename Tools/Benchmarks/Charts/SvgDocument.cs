using System.Globalization;
using System.Security;
using System.Text;

namespace ElfLoader.Benchmarks.Charts;

/// <summary>A drawing that goes with light and dark pages.</summary>
internal sealed class SvgDocument
{
    private const string Style = """
          <style>
            text { font: 13px system-ui, sans-serif; fill: #24292f; }
            .title { font-size: 15px; font-weight: 600; }
            .quiet { font-size: 11px; fill: #57606a; }
            .end { text-anchor: end; }
            .middle { text-anchor: middle; }
            .axis { stroke: #d0d7de; stroke-width: 1; }
            .spread { stroke: #24292f; stroke-width: 1.5; }
            .c0 { fill: #0969da; stroke: #0969da; }
            .c1 { fill: #54aeff; stroke: #54aeff; }
            .c2 { fill: #bf8700; stroke: #bf8700; }
            .c3 { fill: #8250df; stroke: #8250df; }
            .c4 { fill: #6e7781; stroke: #6e7781; }
            .c5 { fill: #1a7f37; stroke: #1a7f37; }
            polyline { fill: none !important; stroke-width: 2; }
            @media (prefers-color-scheme: dark) {
              text { fill: #e6edf3; }
              .quiet { fill: #8d96a0; }
              .axis { stroke: #3d444d; }
              .spread { stroke: #e6edf3; }
            }
          </style>
        """;

    private readonly StringBuilder _content = new();

    /// <summary>Writes words.</summary>
    public void Text(double x, double y, string text, string kind = "") =>
        Add($"  <text x=\"{x:0.#}\" y=\"{y:0.#}\" class=\"{kind}\">{SecurityElement.Escape(text)}</text>");

    /// <summary>Draws a straight line.</summary>
    public void Line(double x1, double y1, double x2, double y2, string kind) =>
        Add($"  <line x1=\"{x1:0.#}\" y1=\"{y1:0.#}\" x2=\"{x2:0.#}\" y2=\"{y2:0.#}\" class=\"{kind}\"/>");

    /// <summary>Draws a bar.</summary>
    public void Bar(double x, double y, double width, double height, string kind) =>
        Add($"  <rect x=\"{x:0.#}\" y=\"{y:0.#}\" width=\"{width:0.#}\" height=\"{height:0.#}\" class=\"{kind}\"/>");

    /// <summary>Draws a line through points, and the points.</summary>
    public void Curve(IReadOnlyList<(double X, double Y)> points, string kind)
    {
        string all = string.Join(' ', points.Select(point => FormattableString.Invariant($"{point.X:0.#},{point.Y:0.#}")));
        Add($"  <polyline points=\"{all}\" class=\"{kind}\"/>");
        foreach ((double x, double y) in points)
        {
            Add($"  <circle cx=\"{x:0.#}\" cy=\"{y:0.#}\" r=\"3\" class=\"{kind}\"/>");
        }
    }

    /// <summary>Writes the file.</summary>
    public void Save(string path, int width, int height) => File.WriteAllText(
        path,
        $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" "
        + $"width=\"{width}\" height=\"{height}\">\n"
        + $"{Style}\n{_content}</svg>\n");

    private void Add(FormattableString element) =>
        _content.Append(element.ToString(CultureInfo.InvariantCulture)).Append('\n');
}
