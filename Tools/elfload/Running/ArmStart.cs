using System.Buffers.Binary;
using System.Reflection;
using System.Text;
using ElfLoader.Elf;

namespace ElfLoader.Tools.Running;

/// <summary>
/// The object in which an ARM program starts that brings no entry of its own. What it does is written in
/// <c>ArmStart.s</c>; here it gets the names that it is to have and to call.
/// </summary>
internal static class ArmStart
{
    /// <summary>The name of the entry in the object as it is stored.</summary>
    internal const string Entry = "_start";

    /// <summary>The name of the function that it calls.</summary>
    private const string Main = "main";

    private const string ObjectName = "ArmStart.o";
    private const int SectionTableField = 32; // e_shoff
    private const int SectionHeaderSize = 40;
    private const int SectionOffsetField = 16; // sh_offset; sh_size follows
    private const int SymbolSize = 16;

    /// <summary>Makes the object.</summary>
    /// <param name="entry">The name under which it can be started.</param>
    /// <param name="main">The name of the function that it calls as <c>int main(int, char **, char **)</c>.</param>
    internal static ElfObject Create(string entry, string main)
    {
        byte[] bytes = Read();
        ElfObject stored = ElfObject.Read((byte[])[.. bytes], ObjectName);
        int table = 1;
        while (stored.Sections[table].Type is not ElfConstants.SHT_SYMTAB)
        {
            table++;
        }

        // A longer table of names goes to the end of the file, and the header of its section points there.
        int names = (int)stored.Sections[table].Link;
        List<byte> text = [.. stored.SectionBytes(names)];
        for (int i = 1; i < stored.SymbolCount; i++)
        {
            string? name = stored.SymbolNameText(i) switch
            {
                Entry => entry,
                Main => main,
                _ => null,
            };
            if (name is not null)
            {
                Put(bytes, (int)stored.Sections[table].Offset + (i * SymbolSize), text.Count);
                text.AddRange([.. Encoding.UTF8.GetBytes(name), 0]);
            }
        }

        int header = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(SectionTableField)) + (names * SectionHeaderSize);
        Put(bytes, header + SectionOffsetField, bytes.Length);
        Put(bytes, header + SectionOffsetField + sizeof(uint), text.Count);
        return ElfObject.Read((byte[])[.. bytes, .. text], ObjectName);
    }

    private static byte[] Read()
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(ObjectName)
            ?? throw new InvalidOperationException($"{ObjectName} is missing from this assembly");
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    private static void Put(Span<byte> bytes, int offset, int value) =>
        BinaryPrimitives.WriteInt32LittleEndian(bytes[offset..], value);
}
