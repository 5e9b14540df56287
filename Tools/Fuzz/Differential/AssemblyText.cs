using System.Globalization;
using System.Text;

namespace ElfLoader.Fuzz.Differential;

/// <summary>Writes a batch of objects as one assembly file: starting an assembler costs more than what it does.</summary>
internal static class AssemblyText
{
    /// <summary>Writes it.</summary>
    internal static string Of(bool isArm, IEnumerable<GeneratedPair> pairs)
    {
        var text = new StringBuilder(1 << 20);
        if (isArm)
        {
            _ = text.AppendLine(".syntax unified");
        }

        foreach (GeneratedPair pair in pairs)
        {
            foreach (GeneratedSymbol symbol in pair.Symbols.Values.Where(symbol => symbol.Kind is 'w'))
            {
                Line(text, $".weak {symbol.Name}");
            }

            foreach (GeneratedSection section in pair.Objects.SelectMany(file => file.Sections))
            {
                Write(text, isArm, section);
            }
        }

        return text.ToString();
    }

    private static void Write(StringBuilder text, bool isArm, GeneratedSection section)
    {
        Line(text, $".section {section.Name},\"{(section.Kind is 'd' ? "aw" : "ax")}\",%progbits");
        if (isArm && section.Kind is not 'd')
        {
            Line(text, $"{(section.Kind is 't' ? ".thumb" : ".arm")}");
        }

        Line(text, $".p2align {(section.Kind is 'd' ? 3 : 4)}");
        int label = 0;
        foreach (GeneratedPlace place in section.Places)
        {
            int start = place.Offset - place.Form.Field;
            for (; label < section.Labels.Count && section.Labels[label].Offset <= start; label++)
            {
                Write(text, isArm, section, section.Labels[label]);
            }

            Line(text, $".org {start}");
            if (place.Form.Origin is Origin.Text)
            {
                _ = text.AppendLine(place.Form.Code.Replace("{s}", place.Symbol, StringComparison.Ordinal));
                continue;
            }

            string type = (isArm ? "R_ARM_" : "R_X86_64_") + place.Form.Type;
            string addend = isArm ? "" : string.Create(CultureInfo.InvariantCulture, $"{place.Addend:+0;-0;+0}");
            Line(text, $".reloc .+{place.Form.Field}, {type}, {place.Symbol}{addend}");
            Line(text, $"{string.Format(CultureInfo.InvariantCulture, place.Form.Code, place.Addend)}");
        }

        for (; label < section.Labels.Count; label++)
        {
            Write(text, isArm, section, section.Labels[label]);
        }

        Line(text, $".org {section.Size}");
    }

    private static void Write(StringBuilder text, bool isArm, GeneratedSection section, (int Offset, GeneratedSymbol Symbol) label)
    {
        GeneratedSymbol symbol = label.Symbol;
        Line(text, $".org {label.Offset}");
        if (!symbol.IsLocal)
        {
            Line(text, $".globl {symbol.Name}");
        }

        if (symbol.Kind is not 'n')
        {
            Line(text, $".type {symbol.Name}, %{(symbol.Kind is 'd' ? "object" : "function")}");
            Line(text, $".size {symbol.Name}, {symbol.Size}");
        }

        if (isArm && symbol.Kind is 't')
        {
            _ = text.AppendLine(".thumb_func");
        }
        else if (isArm && symbol.Kind is 'a' && section.Kind is 'd')
        {
            _ = text.AppendLine(".arm"); // after a function in Thumb this one would be in Thumb, too
        }

        Line(text, $"{symbol.Name}:");
    }

    private static void Line(StringBuilder text, FormattableString line) =>
        text.AppendLine(line.ToString(CultureInfo.InvariantCulture));
}
