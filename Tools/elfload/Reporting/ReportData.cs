using System.Globalization;
using System.Text.Json;
using ElfLoader.Elf;
using ElfLoader.Inspection;
using ElfLoader.Relocations;
using ElfLoader.Tools.Json;

namespace ElfLoader.Tools.Reporting;

/// <summary>
/// Writes a link as the report's script reads it: rows without field names, texts by number, addresses as hexadecimal
/// text, because numbers of JavaScript end before 64 bits do. <c>Page/names.js</c> names the fields.
/// </summary>
internal sealed class ReportData
{
    private readonly Utf8JsonWriter _writer;
    private readonly LinkedImage _image;
    private readonly ReportStrings _strings;
    private readonly PatchedCode _code;
    private readonly int[] _sectionObjects;

    internal ReportData(Utf8JsonWriter writer, LinkedImage image, TerminalText text)
    {
        _writer = writer;
        _image = image;
        _strings = new ReportStrings(text);
        _code = new PatchedCode(image, new ImageNames(image));
        _sectionObjects = ObjectsOfSections(image);
    }

    /// <summary>Writes it all.</summary>
    internal void Write(IReadOnlyList<string> inputs)
    {
        _writer.WriteStartObject();
        _writer.WriteString("machine", _image.Machine);
        _writer.WriteString("entry", Hex(_image.Entry));
        WriteRows("inputs", inputs, input => _writer.WriteStringValue(input));
        WriteRows("segments", _image.Segments, segment => Row(Hex(segment.Address), segment.Size, segment.Flags));
        WriteRows("sections", Enumerable.Range(0, _image.Sections.Count), i =>
        {
            ImageSection section = _image.Sections[i];
            Row(
                _strings.Of(section.Object), _strings.Of(section.Section), section.Index, Hex(section.Address), section.Size,
                section.Flags, _sectionObjects[i]);
        });
        WriteRows("symbols", _image.Symbols, symbol => Row(
            _strings.Of(symbol.Name), _strings.Of(symbol.Object), _strings.Of(symbol.Section), Hex(symbol.Address), symbol.Size,
            _strings.Of(symbol.Binding), _strings.Of(symbol.IsThumb ? $"{symbol.Type}, thumb" : symbol.Type)));
        WriteRows("patches", _image.Patches, Write);
        WriteCode();
        _strings.Write(_writer, "strings");
        _writer.WriteEndObject();
    }

    private static string Hex(ulong value) => value.ToString("x", CultureInfo.InvariantCulture);

    /// <summary>The map names the objects; two may have the same name, so they are matched in order.</summary>
    private static int[] ObjectsOfSections(LinkedImage image)
    {
        int[] objects = new int[image.Sections.Count];
        int current = 0;
        int last = 0;
        for (int i = 0; i < objects.Length; i++)
        {
            ImageSection section = image.Sections[i];
            if (i > 0 && (section.Object != image.Sections[i - 1].Object || section.Index <= last))
            {
                current++;
            }

            while (image.Objects[current].Name != section.Object)
            {
                current++; // it has no section in the image
            }

            objects[i] = current;
            last = section.Index;
        }

        return objects;
    }

    private void Write(PatchRecord patch)
    {
        (string Before, string After)? code = _code.Of(patch);
        bool isLimited = patch.Margin is not null;
        Row(
            patch.ObjectIndex,
            _strings.Of(patch.Object),
            _strings.Of(patch.Section),
            patch.SectionIndex,
            Hex(patch.Offset),
            Hex(patch.Address),
            _strings.Of(patch.Relocation),
            _strings.Of(patch.Symbol),
            _strings.Of(ErrorJson.Hyphenate(patch.Source.ToString())),
            _strings.Of(patch.Provider),
            _strings.Of(ErrorJson.Hyphenate(patch.Method.ToString())),
            _strings.Of(patch.Rule.Expression.ToString()),
            patch.Rule.Expression.Print(patch.Operands),
            Expression.Number(patch.Value),
            isLimited ? Expression.Number(patch.Rule.Minimum) : "",
            isLimited ? Expression.Number(patch.Rule.Maximum) : "",
            patch.Margin is { } margin ? Hex(margin) : "",
            patch.Stub is { } stub
                ? _strings.Of($"{stub.Kind} stub at 0x{stub.Address:x}, which leads to 0x{stub.Target:x}")
                : patch.Slot is { } slot ? _strings.Of($"{slot.Kind} slot at 0x{slot.Address:x}, which holds 0x{slot.Value:x}") : -1,
            (ulong)patch.BytesOffset,
            Convert.ToHexStringLower(patch.Before.Span),
            Convert.ToHexStringLower(patch.After.Span),
            _strings.Of(code?.Before),
            _strings.Of(code?.After));
    }

    /// <summary>The instructions of all code, and the bytes of whatever else was patched.</summary>
    private void WriteCode()
    {
        HashSet<(int, int)> patched = [.. _image.Patches.Select(patch => (patch.ObjectIndex, patch.SectionIndex))];
        _writer.WriteStartArray("code");
        for (int i = 0; i < _image.Sections.Count; i++)
        {
            ImageSection section = _image.Sections[i];
            ElfObject elf = _image.Objects[_sectionObjects[i]];
            byte[] bytes = new byte[elf.SectionBytes(section.Index).Length];
            bool isCode = PatchedCode.IsCode(elf, section.Index);
            if (bytes.Length is 0 || (!isCode && !patched.Contains((_sectionObjects[i], section.Index)))
                || !_image.TryRead(section.Address, bytes))
            {
                continue;
            }

            _writer.WriteStartObject();
            _writer.WriteNumber("section", i);
            _writer.WriteString("bytes", Convert.ToHexStringLower(bytes));
            if (isCode)
            {
                CodeLine[] lines = [.. _code.Linked(_sectionObjects[i], section.Index, section.Address)];
                WriteRows("sizes", lines, line => _writer.WriteNumberValue(line.Bytes.Length));
                WriteRows("texts", lines, line => _writer.WriteNumberValue(_strings.Of(line.Text)));
                WriteRows("labels", lines.Index().Where(line => line.Item.Labels.Count > 0), line =>
                    Row(line.Index, _strings.Of(string.Join(", ", line.Item.Labels))));
            }

            _writer.WriteEndObject();
        }

        _writer.WriteEndArray();
    }

    private void WriteRows<T>(string name, IEnumerable<T> rows, Action<T> write)
    {
        _writer.WriteStartArray(name);
        foreach (T row in rows)
        {
            write(row);
        }

        _writer.WriteEndArray();
    }

    private void Row(params ReadOnlySpan<object> fields)
    {
        _writer.WriteStartArray();
        foreach (object field in fields)
        {
            switch (field)
            {
                case string text: _writer.WriteStringValue(text); break;
                case int number: _writer.WriteNumberValue(number); break;
                default: _writer.WriteNumberValue((ulong)field); break;
            }
        }

        _writer.WriteEndArray();
    }
}
