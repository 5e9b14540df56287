using System.Buffers;
using System.Text;

namespace ElfLoader.Elf.Writing;

/// <summary>Writes a string table (gABI, "String Table"): the empty string, then others, each but once.</summary>
internal sealed class StringTableWriter
{
    private readonly ArrayBufferWriter<byte> _bytes = new();
    private readonly Dictionary<string, uint> _offsets = new(StringComparer.Ordinal) { [""] = 0 };

    internal StringTableWriter() => _bytes.Write("\0"u8);

    /// <summary>Adds a string, unless it is there.</summary>
    /// <returns>Its offset in the table, in bytes.</returns>
    internal uint Add(string text)
    {
        if (_offsets.TryGetValue(text, out uint offset))
        {
            return offset;
        }

        offset = (uint)_bytes.WrittenCount;
        _bytes.Write(Encoding.UTF8.GetBytes(text));
        _bytes.Write("\0"u8);
        _offsets.Add(text, offset);
        return offset;
    }

    /// <summary>The table.</summary>
    internal byte[] ToArray() => _bytes.WrittenSpan.ToArray();
}
