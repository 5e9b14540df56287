using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using ElfLoader.Tools.Output;

namespace ElfLoader.Tools.Json;

/// <summary>Where JSON goes: a file, or standard output.</summary>
/// <param name="Path">The file; null for standard output.</param>
internal sealed record JsonTarget(string? Path)
{
    private const int BufferSize = 1 << 16;

    /// <summary>Standard output.</summary>
    internal static JsonTarget StandardOutput { get; } = new((string?)null);

    /// <summary>Symbol names may hold any character; nothing is going to be put into a web page.</summary>
    private static readonly JsonWriterOptions Options = new()
    {
        Indented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Whether it could not be written: what else is to be told is told elsewhere.</summary>
    private bool _hasFailed;

    /// <summary>Writes a value, replacing what the file held.</summary>
    /// <exception cref="LinkException">It cannot be written.</exception>
    internal void Write<T>(T value, JsonTypeInfo<T> type) => Write([value], type, Options);

    /// <summary>Writes values, one a line, replacing what the file held.</summary>
    /// <exception cref="LinkException">They cannot be written.</exception>
    internal void WriteLines<T>(IEnumerable<T> values, JsonTypeInfo<T> type) =>
        Write(values, type, Options with { Indented = false });

    private void Write<T>(IEnumerable<T> values, JsonTypeInfo<T> type, JsonWriterOptions options)
    {
        if (_hasFailed)
        {
            return;
        }

        _hasFailed = true;
        if (Path is null)
        {
            using var output = new StandardOutput();
            Write(output, values, type, options);
        }
        else
        {
            OutputFile.Write(Path, file => Write(file, values, type, options));
        }

        _hasFailed = false;
    }

    private static void Write<T>(Stream output, IEnumerable<T> values, JsonTypeInfo<T> type, JsonWriterOptions options)
    {
        using var stream = new EscapedJson(new BufferedStream(output, BufferSize));
        foreach (T value in values)
        {
            using (var writer = new Utf8JsonWriter(stream, options))
            {
                JsonSerializer.Serialize(writer, value, type);
            }

            stream.WriteByte((byte)'\n');
        }
    }
}
