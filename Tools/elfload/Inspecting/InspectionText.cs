using System.Globalization;
using ElfLoader.Inspection;
using ElfLoader.Memory;
using ElfLoader.Tools.Json;

namespace ElfLoader.Tools.Inspecting;

/// <summary>Writes what was found for a person.</summary>
internal sealed class InspectionText(TableWriter output, InspectionRequest request)
{
    /// <summary>Writes about one file.</summary>
    internal void Write(FileJson file)
    {
        if (file.Inputs is { } inputs)
        {
            output.Line($"{file.File}: linker script that names");
            foreach (string input in inputs)
            {
                output.Line($"  {input}");
            }
        }

        if (file.Members is { } members)
        {
            output.Line($"{file.File}: {file.Kind} of {CountText.Of(members.Count, "member")}");
            if (!request.IsDetailed)
            {
                output.Table(
                    [">Offset", ">Size", "Kind", "Member"],
                    [.. members.Select(member => (string[])[member.Offset, Number(member.Size), member.Description, member.DistinctName])]);
            }
        }

        foreach (ObjectJson inspected in file.Objects)
        {
            Write(inspected);
        }
    }

    private void Write(ObjectJson inspected)
    {
        output.Line($"{inspected.Name}: object for {inspected.MachineName}, {inspected.Bits}-bit"
            + (inspected.Flags is "0x0" ? "" : $", flags {inspected.Flags}"));
        if (!request.IsDetailed)
        {
            WriteSummary(inspected.Summary);
            WriteUndefined(inspected);
            WriteFeatures(inspected.Features);
            WriteHostImports(inspected.HostImports);
        }

        WriteSections(inspected.Sections);
        WriteSymbols(inspected.Symbols);
        WriteRelocations(inspected.Relocations);
        foreach (InspectedCode code in inspected.Disassembly ?? [])
        {
            WriteCode(code);
        }
    }

    private void WriteSummary(ObjectSummary summary)
    {
        output.Line(
            $"  {CountText.Of((long)summary.CodeBytes, "byte")} of code, {summary.ConstantBytes} of constants, {summary.DataBytes} of data, "
            + $"{summary.ZeroBytes} zero-initialized; {summary.ThreadLocalBytes} of these thread-local");
        output.Line(
            $"  {CountText.Of(summary.Sections, "section")}, {CountText.Of(summary.Relocations, "relocation")}; "
            + $"{CountText.Of(summary.DefinedSymbols, "symbol")} defined, "
            + $"{summary.UndefinedSymbols} undefined, {summary.LocalSymbols} local");
    }

    private void WriteUndefined(ObjectJson inspected)
    {
        int more = inspected.Summary.UndefinedSymbols - inspected.FirstUndefined.Count;
        if (inspected.FirstUndefined.Count > 0)
        {
            output.Line($"  undefined: {string.Join(", ", inspected.FirstUndefined)}{(more > 0 ? $" and {Number(more)} more" : "")}");
        }
    }

    private void WriteFeatures(IReadOnlyList<ObjectFeature> features)
    {
        ObjectFeature[] supported = [.. features.Where(feature => feature.Unsupported is null)];
        if (supported.Length > 0)
        {
            output.Line("needs:");
            output.Table(["Feature", ">Count", "First at", "Meaning"], [.. supported.Select(Row)]);
        }

        foreach (ObjectFeature feature in features.Where(feature => feature.Unsupported is not null))
        {
            string place = feature.Where is null ? "" : $" ({feature.Where})";
            output.Line($"not supported: {feature.Name}{place}: {feature.Meaning}; {feature.Unsupported}{OnlyIn(feature)}");
        }

        static string OnlyIn(ObjectFeature feature) => feature.RefusedBy switch
        {
            LinkTargets.Process => " (in this process: images may have it)",
            LinkTargets.Image => " (in images: loading does not read it)",
            _ => "",
        };

        static string[] Row(ObjectFeature feature) =>
            [feature.Name, feature.Count is 0 ? "" : Number(feature.Count), feature.Where ?? "", feature.Meaning];
    }

    private void WriteHostImports(IReadOnlyList<string> names)
    {
        if (names.Count > 0)
        {
            output.Line("defines what the host's libraries import, and in a process have from elsewhere:");
            foreach (string name in names)
            {
                output.Line($"  {name}");
            }
        }
    }

    private void WriteSections(IReadOnlyList<InspectedSection>? sections)
    {
        if (sections is not null)
        {
            output.Line("sections:");
            output.Table(
                [">Index", "Name", "Type", "Flags", ">Size", ">Align", "Group"],
                [.. sections.Select(section => (string[])
                [
                    Number(section.Index), section.Name, section.Type, section.Flags, Number(section.Size),
                    Number(section.Alignment), section.Group ?? "",
                ])]);
        }
    }

    private void WriteSymbols(IReadOnlyList<InspectedSymbol>? symbols)
    {
        if (symbols is not null)
        {
            output.Line("symbols:");
            output.Table(
                [">Index", ">Value", ">Size", "Type", "Binding", "Visibility", "Section", "Name"],
                [.. symbols.Select(symbol => (string[])
                [
                    Number(symbol.Index), symbol.Value, Number(symbol.Size), symbol.Type, symbol.Binding, symbol.Visibility,
                    symbol.Section, symbol.Name,
                ])]);
        }
    }

    private void WriteRelocations(IReadOnlyList<InspectedRelocation>? relocations)
    {
        if (relocations is not null)
        {
            output.Line("relocations:");
            output.Table(
                ["Section", ">Offset", "Type", ">Addend", "Symbol"],
                [.. relocations.Select(relocation => (string[])
                [
                    relocation.Section,
                    relocation.Offset,
                    relocation.Type,
                    relocation.Addend?.ToString(CultureInfo.InvariantCulture) ?? "",
                    relocation.Symbol,
                ])]);
        }
    }

    private void WriteCode(InspectedCode code)
    {
        const int bytesShown = 8;
        output.Line($"{code.Section}:");
        foreach (InspectedInstruction instruction in code.Instructions)
        {
            foreach (string label in instruction.Labels)
            {
                output.Line($"{label}:");
            }

            string bytes = instruction.Bytes.Length > 2 * bytesShown
                ? $"{instruction.Bytes.AsSpan(0, 2 * bytesShown)}…"
                : instruction.Bytes;
            string relocations = instruction.Relocations.Count is 0 ? "" : $"    ; {string.Join(", ", instruction.Relocations)}";
            output.Line($"  {instruction.Offset[2..],6}  {bytes,-((2 * bytesShown) + 1)}  {instruction.Text}{relocations}");
        }
    }

    private static string Number<T>(T number)
        where T : IFormattable => number.ToString(null, CultureInfo.InvariantCulture);
}
